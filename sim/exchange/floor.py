"""One trading day's exchange floor: market, matching and the numbers that are given out.

It is replaced as a whole when the trading day changes; accounts and sessions outlive it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sim.exchange.events import Streams
from sim.exchange.instruments import Instrument, listing
from sim.exchange.market import Market, Quote
from sim.exchange.matching import Matcher
from sim.exchange.orders import Order
from sim.exchange.values import Fields

from . import days

NUMBERS_PER_SECOND = 10_000


@dataclass(slots=True)
class Floor:
    """All that belongs to one trading day."""

    day: date
    market: Market
    matcher: Matcher
    first_number: int
    """Order and trade numbers of the day start here."""
    streams: Streams = field(default_factory=Streams)
    orders: list[Order] = field(default_factory=list)
    by_sys_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    by_ref: dict[tuple[int, str], Order] = field(default_factory=dict)
    trades: list[tuple[str, Fields]] = field(default_factory=list)
    """User and CTP Trade."""
    next_sys_id: dict[str, int] = field(default_factory=dict)

    @property
    def trading_day(self) -> str:
        return days.compact(self.day)

    def quote(self, instrument: Instrument) -> Quote:
        return self.market.quotes[instrument.id]

    def last(self, instrument: Instrument) -> int:
        return self.market.quotes[instrument.id].last

    def date(self, now_ns: int, instrument: Instrument, *, trading_day_at: tuple[str, ...]) -> str:
        """The trading day at some exchanges, the calendar's date elsewhere (ctp_facts 8)."""
        if instrument.exchange in trading_day_at:
            return self.trading_day
        return days.compact(days.local(now_ns).date())

    def take_sys_id(self, exchange: str) -> str:
        """The next OrderSysID of an exchange: char[21], right-aligned as real ones are."""
        number = self.next_sys_id.get(exchange, self.first_number)
        self.next_sys_id[exchange] = number + 1
        return padded(number)


def padded(number: int) -> str:
    """Numbers in OrderLocalID, OrderSysID and TradeID are left-padded with blanks."""
    return f"{number:>12}"


def open_floor(day: date, seed: int, now_ns: int, *, always: bool, before: Market | None) -> Floor:
    """The floor of a trading day, with the market of the day before going on."""
    listed = listing(day)
    if before is None:
        market = Market(listed, day, seed, always=always)
    else:
        market = before.next_day(listed, day, seed)
    first = first_number(day, now_ns)
    return Floor(day, market, Matcher(first), first)


def first_number(day: date, now_ns: int) -> int:
    """Where the day's numbers begin.

    An exchange that is restarted within a day must not give out a number twice, and it keeps
    nothing: so the numbers start higher the later it starts.
    """
    begins = datetime.combine(
        days.previous(day), datetime.min.time().replace(hour=days.NIGHT_STARTS_HOUR), days.CHINA
    )
    elapsed = days.local(now_ns) - begins
    return 1 + max(0, int(elapsed / timedelta(seconds=1) * NUMBERS_PER_SECOND))
