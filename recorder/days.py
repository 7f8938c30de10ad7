"""To which trading day a tick belongs, by what is in it. No I/O.

CZCE writes the natural day into TradingDay, so an evening there is the calendar's business; all
others write the trading day. A tick whose TradingDay is no date, or one that cannot be yet, is of
the day of its time; one without a time of the day in which it came. The machine's own date decides
nothing, and neither does the moment at which a tick came unless it says nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from schemas.calendar import Calendar, exchange_of
from schemas.codec import Codec
from schemas.layout import Layout
from schemas.tick_time import tick_time_ns

_MOST_CACHED: Final = 4096
# The decision for a tick of CZCE holds for others of the same hour that come about when it came.
_ABOUT_NS: Final = 600_000_000_000
# From the last day before the longest holiday to the first one behind it, and a weekend.
_MOST_AHEAD_NS: Final = 16 * 86_400_000_000_000
_DAY_NS: Final = 86_400_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()

DayOf = Callable[[bytes, int], str]  # struct and recv_ns to "20261123"


class Days:
    """Makes the functions that tell the day; ``of`` gives that for the ticks of an instrument.

    ``layout``, ``size``: of the structs that it can read.
    """

    def __init__(self, calendar: Calendar, codec: Codec, layout: int) -> None:
        self._calendar, self._codec = calendar, codec
        self.layout, self.size = layout, codec.size
        self._trading = _span(codec.layout, "TradingDay")
        self._action = _span(codec.layout, "ActionDay")
        clock = _span(codec.layout, "UpdateTime")
        self._hour = slice(clock.start, clock.start + 2)
        self._days: dict[bytes, str] = {}
        self._czce: dict[tuple[bytes, bytes, bytes, int], str] = {}

    def of(self, instrument: str) -> DayOf:
        # The embedded exchange, for which the calendar is open always, writes the trading day.
        if exchange_of(instrument) == "CZCE" and not self._calendar.always:
            return lambda body, recv_ns: self._natural(instrument, body, recv_ns)
        return lambda body, recv_ns: self._plain(instrument, body, recv_ns)

    def at(self, instrument: str, recv_ns: int) -> str:
        """The day of a moment, for what cannot be read."""
        return _text(self._calendar.trading_day(instrument, recv_ns))

    def _plain(self, instrument: str, body: bytes, recv_ns: int) -> str:
        key = body[self._trading]
        day = self._days.get(key)
        if day is None:
            day = _valid(key, recv_ns)
            if day is None:
                return self._by_time(instrument, body, recv_ns)
            self._days = {} if len(self._days) >= _MOST_CACHED else self._days
            self._days[key] = day
        return day

    def _natural(self, instrument: str, body: bytes, recv_ns: int) -> str:
        key = (body[self._trading], body[self._action], body[self._hour], recv_ns // _ABOUT_NS)
        day = self._czce.get(key)
        if day is None:
            self._czce = {} if len(self._czce) >= _MOST_CACHED else self._czce
            day = self._czce[key] = self._by_time(instrument, body, recv_ns)
        return day

    def _by_time(self, instrument: str, body: bytes, recv_ns: int) -> str:
        get = self._codec.get
        made = tick_time_ns(
            self._calendar,
            instrument,
            str(get(body, "TradingDay")),
            str(get(body, "ActionDay")),
            str(get(body, "UpdateTime")),
            int(get(body, "UpdateMillisec") or 0),
            recv_ns,
        )
        return self.at(instrument, recv_ns if made is None else made)


def _valid(field: bytes, recv_ns: int) -> str | None:
    """Of a TradingDay as it lies in the struct; None when it is no date or too far ahead."""
    text = field.partition(b"\0")[0]
    if len(text) != 8 or not text.isdigit():
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    begins_ns = (day.toordinal() - _EPOCH) * _DAY_NS
    if day.year < 1990 or begins_ns > recv_ns + _MOST_AHEAD_NS:
        return None
    return text.decode()


def _span(layout: Layout, name: str) -> slice:
    field = next(field for field in layout.fields if field.name == name)
    return slice(field.offset, field.offset + field.size)


def _text(day: date) -> str:
    return day.strftime("%Y%m%d")
