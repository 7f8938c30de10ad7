"""The latest tick of an instrument as a page shows it, and whether it is of now. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from bus.client import Fresh, Gap, Restarted, Stale, Tick
from bus.client.items import Item

LEVELS: Final = 5
# A loss stays on the page for so long: somebody has to see it.
GAP_S: Final = 10.0


class Mark(StrEnum):
    """WAITING nothing has come yet, FRESH it is of now, STALE newer ones may be missing, GAP it is
    of now, but others before it were lost a moment ago."""

    WAITING = "waiting"
    FRESH = "fresh"
    STALE = "stale"
    GAP = "gap"


class Level(NamedTuple):
    """One price of the order book. ``volume`` in lots."""

    price: float
    volume: int


class Quote(NamedTuple):
    """Prices in quoted currency, None where CTP has no value; ``bids`` and ``asks`` best first.
    ``base`` is what ``change`` counts from: the settlement before, of stocks the close before."""

    instrument: str
    exchange: str
    last: float | None
    base: float | None
    open: float | None
    high: float | None
    low: float | None
    upper: float | None
    lower: float | None
    volume: int
    open_interest: float | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time: str
    recv_ns: int

    @property
    def change(self) -> float | None:
        if self.last is None or not self.base:
            return None
        return self.last - self.base

    @property
    def change_percent(self) -> float | None:
        change = self.change
        return None if change is None or not self.base else change / self.base * 100

    @property
    def digits(self) -> int:
        """Decimals that its prices need."""
        prices = [self.last, self.base, self.high, self.low, self.upper, self.lower]
        prices += [level.price for level in (*self.bids, *self.asks)]
        return max((_decimals(price) for price in prices if price is not None), default=0)


def _decimals(price: float) -> int:
    return len(f"{price:.4f}".rstrip("0").partition(".")[2])


def quote(instrument: str, fields: Mapping[str, Any], recv_ns: int) -> Quote:
    """Of CTP's DepthMarketData."""
    number = fields.get
    millisecond = int(fields["UpdateMillisec"] or 0)
    return Quote(
        instrument=instrument,
        exchange=str(fields["ExchangeID"]),
        last=number("LastPrice"),
        base=number("PreSettlementPrice") or number("PreClosePrice"),
        open=number("OpenPrice"),
        high=number("HighestPrice"),
        low=number("LowestPrice"),
        upper=number("UpperLimitPrice"),
        lower=number("LowerLimitPrice"),
        volume=int(fields["Volume"] or 0),
        open_interest=number("OpenInterest"),
        bids=_side(fields, "Bid"),
        asks=_side(fields, "Ask"),
        time=f"{fields['UpdateTime']}.{millisecond:03d}" if fields["UpdateTime"] else "",
        recv_ns=recv_ns,
    )


def _side(fields: Mapping[str, Any], side: str) -> tuple[Level, ...]:
    found = []
    for number in range(1, LEVELS + 1):
        price, volume = fields[f"{side}Price{number}"], fields[f"{side}Volume{number}"]
        if price is not None and volume:
            found.append(Level(price, int(volume)))
    return tuple(found)


class Followed:
    """The items of one instrument's stream. It takes every one of them and decodes none."""

    def __init__(self) -> None:
        self.tick: Tick | None = None
        self.ticks = 0  # that came, of all
        self.lost = 0  # that are known to be missing
        self._silent = self._old = False
        self._gap_at: float | None = None

    def take(self, item: Item, now: float) -> None:
        """``now`` in s, of any clock that nobody sets."""
        match item:
            case Tick():
                self.tick, self._old = item, False
                self.ticks += 1
            case Gap():
                self._miss(item, now)
            case Stale():
                self._silent = True
            case Fresh():
                self._silent = False
            case Restarted():  # until the next tick: what came last is of another life
                self._old = True

    def _miss(self, gap: Gap, now: float) -> None:
        # What this page did not take in time is no loss on the bus.
        if gap.reason == "slow" or self.tick is None:
            return
        self._gap_at = now
        if gap.last is not None:
            self.lost += gap.last - gap.first + 1

    def mark(self, now: float, front_up: bool) -> Mark:
        """``front_up``: whether the market data front is there, else nothing newer can come."""
        if self.tick is None:
            return Mark.WAITING
        if self._silent or self._old or not front_up:
            return Mark.STALE
        if self._gap_at is not None and now - self._gap_at < GAP_S:
            return Mark.GAP
        return Mark.FRESH
