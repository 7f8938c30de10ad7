"""The synthetic market: prices, a five-level book and totals of every instrument.

One step is half a second. Each step draws new bits per instrument, moves the price on its grid
inside the day's limits and refills the book; between steps clients take volume away. Everything
depends only on the seed, the trading day and the number of steps (and on what clients traded).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from random import Random
from typing import Final

from sim.exchange.instruments import Instrument, delta
from sim.exchange.values import UNITS, Fields

from . import days, hours

STEP_NS: Final = 500_000_000
DEPTH: Final = 5
_SIGMA: Final = 7e-5
"""Standard deviation of one step's move, as a share of the price: about 1.2 % in a session."""
_BID: Final = tuple((f"BidPrice{k}", f"BidVolume{k}") for k in range(1, DEPTH + 1))
_ASK: Final = tuple((f"AskPrice{k}", f"AskVolume{k}") for k in range(1, DEPTH + 1))

Resting = tuple[list[tuple[int, int]], list[tuple[int, int]]]
"""Clients' resting volume, (price in ticks, lots) best first: bids and asks."""


class Quote:
    """The market of one instrument; prices in ticks, money in ``UNITS``.

    ``bid_volumes[k]`` is what waits k ticks below ``bid``, ``ask_volumes[k]`` k above ``ask``; a
    level without volume does not exist (beyond the limits, or taken by clients).
    """

    __slots__ = (
        "ask",
        "ask_volumes",
        "average_includes_multiplier",
        "bid",
        "bid_volumes",
        "chance",
        "delta",
        "fixed",
        "high",
        "instrument",
        "jump",
        "last",
        "low",
        "lower",
        "noise",
        "open",
        "open_interest",
        "pre_close",
        "pre_open_interest",
        "resting",
        "shown",
        "spread",
        "thin",
        "tick",
        "turnover",
        "underlying",
        "unit",
        "upper",
        "volume",
    )

    def __init__(self, instrument: Instrument, random: Random, underlying: "Quote | None") -> None:
        self.instrument = instrument
        reference = instrument.reference
        self.upper = reference + instrument.limit
        self.lower = max(1, reference - instrument.limit)
        self.underlying = underlying
        self.delta = 0.0
        self.noise = 0
        self.pre_close = reference
        self.average_includes_multiplier = instrument.exchange != "CZCE"
        sigma = max(0.35, reference * _SIGMA)
        self.jump = max(1, round(sigma))
        self.chance = min(200, int(256 * (sigma / self.jump) ** 2))
        self.unit = instrument.buy_lot
        self.thin = random.randrange(4) + (2 if instrument.is_option else 0)
        self.spread = max(1, reference // 50) if instrument.is_option else 1
        gap = random.randint(-3, 3) * self.jump
        self.last = self.open = self.high = self.low = self._inside(reference + gap)
        self.bid = self.last
        self.ask = self.last + self.spread
        self.bid_volumes = [0] * DEPTH
        self.ask_volumes = [0] * DEPTH
        self.volume = random.randint(1, 400) * self.unit
        self.turnover = instrument.amount(self.last, self.volume)
        has_interest = not instrument.is_security
        self.open_interest = random.randint(500, 90_000) >> self.thin if has_interest else 0
        self.pre_open_interest = self.open_interest
        self.resting: Resting | None = None
        self.shown = instrument.levels
        self.fixed: Fields = {}
        self.tick: Fields = {}

    def _inside(self, ticks: int) -> int:
        return min(max(ticks, self.lower), self.upper)

    def move(self, bits: int) -> None:
        """One step; ``bits`` are 96 random bits."""
        draw = bits & 0xFF
        step = 0
        if draw < self.chance:
            step = self.jump if bits & 0x100 else -self.jump
        if (underlying := self.underlying) is not None:
            # An option follows its underlying; what moves by itself is only its noise.
            self.noise = max(-3, min(3, self.noise + step))
            moved = underlying.last - underlying.instrument.reference
            bid = self.instrument.reference + int(self.delta * moved) + self.noise
        else:
            bid = self.bid + step
        lower, upper = self.lower, self.upper
        # At a limit one side of the book is empty: the bid waits at the upper limit, or the ask
        # at the lower one, and nothing is left opposite.
        if bid > upper:
            bid = upper
        elif bid < lower - self.spread:
            bid = lower - self.spread
        self.bid = bid
        self.ask = ask = bid + self.spread
        self._refill(bits >> 10)
        last = ask if bits & 0x200 else bid
        self.last = last = lower if last < lower else upper if last > upper else last
        if last > self.high:
            self.high = last
        elif last < self.low:
            self.low = last
        lots = (bits >> 84 & 31) >> self.thin
        if lots:
            volume = lots * self.unit
            self.volume += volume
            self.turnover += last * self.instrument.tick_value * volume
            if self.pre_open_interest:
                self.open_interest = max(
                    0, self.open_interest + (lots if bits >> 90 & 1 else -lots) // 2
                )

    def _refill(self, bits: int) -> None:
        thin, unit = self.thin, self.unit
        self.bid_volumes = [
            (1 + ((bits & 63) >> thin)) * unit,
            (1 + ((bits >> 6 & 63) >> thin)) * unit,
            (1 + ((bits >> 12 & 63) >> thin)) * unit,
            (1 + ((bits >> 18 & 63) >> thin)) * unit,
            (1 + ((bits >> 24 & 63) >> thin)) * unit,
        ]
        self.ask_volumes = [
            (1 + ((bits >> 30 & 63) >> thin)) * unit,
            (1 + ((bits >> 36 & 63) >> thin)) * unit,
            (1 + ((bits >> 42 & 63) >> thin)) * unit,
            (1 + ((bits >> 48 & 63) >> thin)) * unit,
            (1 + ((bits >> 54 & 63) >> thin)) * unit,
        ]
        if self.bid - DEPTH < self.lower or self.ask + DEPTH > self.upper:
            for k in range(DEPTH):
                if self.bid - k < self.lower:
                    self.bid_volumes[k] = 0
                if self.ask + k > self.upper:
                    self.ask_volumes[k] = 0

    def bids(self) -> list[tuple[int, int]]:
        """The market's own buyers, best price first."""
        return [(self.bid - k, v) for k, v in enumerate(self.bid_volumes) if v]

    def asks(self) -> list[tuple[int, int]]:
        """The market's own sellers, best price first."""
        return [(self.ask + k, v) for k, v in enumerate(self.ask_volumes) if v]

    def take(self, *, from_asks: bool, ticks: int, volume: int) -> None:
        """A client trades with the market's own volume at one level."""
        if from_asks:
            self.ask_volumes[ticks - self.ask] -= volume
        else:
            self.bid_volumes[self.bid - ticks] -= volume

    def trade(self, ticks: int, volume: int) -> None:
        """Count a trade that clients took part in."""
        self.last = ticks
        self.high = max(self.high, ticks)
        self.low = min(self.low, ticks)
        self.volume += volume
        self.turnover += self.instrument.amount(ticks, volume)

    def average(self) -> float:
        """AveragePrice: true for CZCE, turnover / volume elsewhere (ctp_facts section 8)."""
        money = self.turnover / (self.volume * UNITS)
        return money if self.average_includes_multiplier else money / self.instrument.multiplier

    def fix(self, trading_day: str, action_day: str) -> None:
        """Lay down the fields that stay the same until the date changes."""
        instrument, price = self.instrument, self.instrument.price
        self.fixed = {
            "TradingDay": trading_day,
            # Ordinary futures fronts leave ExchangeID empty.
            "ExchangeID": instrument.exchange if instrument.is_security else "",
            "InstrumentID": instrument.id,
            "ExchangeInstID": instrument.id,
            "PreSettlementPrice": price(instrument.reference),
            "PreClosePrice": price(self.pre_close),
            "PreOpenInterest": float(self.pre_open_interest),
            "OpenPrice": price(self.open),
            "UpperLimitPrice": price(self.upper),
            "LowerLimitPrice": price(self.lower),
            "ClosePrice": None,
            "SettlementPrice": None,
            "PreDelta": 0.0,
            "CurrDelta": None,
            "BandingUpperPrice": 0.0,
            "BandingLowerPrice": 0.0,
            "ActionDay": action_day,
        }
        for price_name, volume_name in _BID + _ASK:
            self.fixed[price_name] = None
            self.fixed[volume_name] = 0

    def snapshot(self, update_time: str, update_millisec: int) -> Fields:
        """Make the tick of this moment, as the market-data front sends it."""
        num, den = self.instrument.tick_num, self.instrument.tick_den
        tick = self.fixed.copy()
        tick["LastPrice"] = self.last * num / den
        tick["HighestPrice"] = self.high * num / den
        tick["LowestPrice"] = self.low * num / den
        tick["Volume"] = self.volume
        tick["Turnover"] = self.turnover / UNITS
        tick["OpenInterest"] = float(self.open_interest)
        tick["AveragePrice"] = self.average()
        tick["UpdateTime"] = update_time
        tick["UpdateMillisec"] = update_millisec
        if self.shown:
            bids: Iterable[tuple[int, int]] = self.bids()
            asks: Iterable[tuple[int, int]] = self.asks()
            if self.resting is not None:
                bids = _merged(bids, self.resting[0], -1)
                asks = _merged(asks, self.resting[1], 1)
            for (price_name, volume_name), (ticks, volume) in zip(
                _BID[: self.shown], bids, strict=False
            ):
                tick[price_name] = ticks * num / den
                tick[volume_name] = volume
            for (price_name, volume_name), (ticks, volume) in zip(
                _ASK[: self.shown], asks, strict=False
            ):
                tick[price_name] = ticks * num / den
                tick[volume_name] = volume
        self.tick = tick
        return tick


def _merged(
    market: Iterable[tuple[int, int]], clients: Iterable[tuple[int, int]], sign: int
) -> list[tuple[int, int]]:
    """Both sources of one side as levels, best first; ``sign`` is -1 for bids."""
    levels: dict[int, int] = {}
    for ticks, volume in (*market, *clients):
        levels[ticks] = levels.get(ticks, 0) + volume
    return sorted(levels.items(), key=lambda level: sign * level[0])


class Market:
    """All quotes of one trading day."""

    def __init__(
        self, listed: Mapping[str, Instrument], day: date, seed: int, *, always: bool
    ) -> None:
        self.day = day
        self.always = always
        # A text seed is hashed in full, so neighbouring seeds and days are unrelated.
        self._random = Random(f"{seed}/{days.compact(day)}")
        self.quotes: dict[str, Quote] = {}
        for instrument in listed.values():
            underlying = self.quotes.get(instrument.underlying)
            quote = Quote(instrument, self._random, underlying)
            if underlying is not None and instrument.strike is not None:
                quote.delta = _tick_delta(instrument, underlying.instrument, day)
            self.quotes[instrument.id] = quote
        self._fixed_on: date | None = None

    def move(self, now_ns: int) -> list[Quote]:
        """One step; the quotes that trade at this moment."""
        active = [q for q in self.quotes.values() if self.is_open(q.instrument, now_ns)]
        getrandbits = self._random.getrandbits
        for quote in active:
            quote.move(getrandbits(96))
        return active

    def ticks(self, active: Iterable[Quote], now_ns: int) -> list[Fields]:
        """The ticks of a step, to be made after clients' orders have met the moved market."""
        moment = days.local(now_ns)
        if moment.date() != self._fixed_on:
            self._fix(moment.date())
        second, rest = divmod(now_ns, 1_000_000_000)
        update_time, millisec = days.clock(second), rest // STEP_NS * 500
        return [
            # CZCE has no use for UpdateMillisec.
            quote.snapshot(update_time, millisec if quote.average_includes_multiplier else 0)
            for quote in active
        ]

    def _fix(self, today: date) -> None:
        self._fixed_on = today
        natural, trading = days.compact(today), days.compact(self.day)
        for quote in self.quotes.values():
            exchange = quote.instrument.exchange
            quote.fix(
                natural if exchange == "CZCE" else trading,
                trading if exchange == "DCE" else natural,
            )

    def is_open(self, instrument: Instrument, now_ns: int) -> bool:
        return self.always or hours.is_open(instrument.sessions, now_ns)

    def next_day(self, listed: Mapping[str, Instrument], day: date, seed: int) -> "Market":
        """The market of the following trading day; prices go on where this one stopped."""
        carried = {
            key: _carry(instrument, self.quotes.get(key)) for key, instrument in listed.items()
        }
        market = Market(carried, day, seed, always=self.always)
        for key, quote in market.quotes.items():
            if (before := self.quotes.get(key)) is not None:
                quote.pre_close = before.last
                quote.pre_open_interest = quote.open_interest = before.open_interest
        return market


def settlement(quote: Quote) -> int:
    """The day's settlement price in ticks: the volume-weighted average; securities: the last."""
    if quote.instrument.is_security:
        return quote.last
    ticks = round(quote.turnover / (quote.volume * quote.instrument.tick_value))
    return min(max(ticks, quote.lower), quote.upper)


def _carry(instrument: Instrument, before: Quote | None) -> Instrument:
    if before is None:
        return instrument
    reference = settlement(before)
    limit = max(1, instrument.limit * reference // instrument.reference)
    # The band of an option is its underlying's and does not shrink with the premium.
    return replace(
        instrument,
        reference=reference,
        limit=instrument.limit if instrument.is_option else limit,
    )


def _tick_delta(option: Instrument, underlying: Instrument, day: date) -> float:
    """Ticks that the option moves per tick of its underlying."""
    assert option.strike is not None
    years = max(1, (option.expiry - day).days) / 365
    spot = underlying.price(underlying.reference)
    slope = delta(option.option_type, spot, option.strike, years)
    return slope * underlying.price_tick / option.price_tick
