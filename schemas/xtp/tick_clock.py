"""``data_time`` of a tick that came at once, without asking the calendar."""

from __future__ import annotations

from datetime import date
from typing import Final

from ..calendar import Calendar
from ..text import TEXTS
from ..tick_time import date_of, night_day, time_of_day_ns
from .times import tick_stamp

_SECOND_NS: Final = 1_000_000_000
_OFFSET_NS: Final = 8 * 3600 * _SECOND_NS
_DAY_NS: Final = 24 * 3600 * _SECOND_NS
_EPOCH: Final = date(1970, 1, 1).toordinal()
# What is older, or from the future, is the calendar's business.
_OLD_NS: Final = 11 * 3600 * _SECOND_NS
_AHEAD_NS: Final = 60 * _SECOND_NS
_MORNING: Final = 6_00_00_000
_EVENING: Final = 18_00_00_000
_KEPT: Final = 100_000
_NONE: Final = (0, -1)


class _Clocks(dict[bytes, tuple[int, int]]):
    """UpdateTime in ns after midnight and as HHMMSSsss."""

    def __missing__(self, octets: bytes) -> tuple[int, int]:
        if len(self) >= _KEPT:
            self.clear()
        ns = time_of_day_ns(TEXTS[octets])
        made = self[octets] = _NONE if ns is None else (ns, _digits(ns // _SECOND_NS))
        return made


def _digits(second: int) -> int:
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return ((hour * 100 + minute) * 100 + second) * 1000


class _Dates(dict[bytes, tuple[int, int]]):
    """The midnight of a date as Unix time in ns, and as YYYYMMDD000000000."""

    def __missing__(self, octets: bytes) -> tuple[int, int]:
        if len(self) >= _KEPT:
            self.clear()
        day = date_of(TEXTS[octets])
        made = self[octets] = _NONE if day is None else _begin(day)
        return made


def _begin(day: date) -> tuple[int, int]:
    midnight = (day.toordinal() - _EPOCH) * _DAY_NS - _OFFSET_NS
    return midnight, int(f"{day:%Y%m%d}") * 10**9


class _Nights(dict[tuple[bytes, int], tuple[int, int]]):
    """The same of the natural day, by the trading day and the third of the natural one: an hour
    before 6, before 18, or later."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def __missing__(self, key: tuple[bytes, int]) -> tuple[int, int]:
        if len(self) >= _KEPT:
            self.clear()
        day = date_of(TEXTS[key[0]])
        if day is None:
            made = _NONE
        else:
            made = _begin(night_day(self._calendar, day, key[1] * 9 * 3600 * _SECOND_NS))
        self[key] = made
        return made


class TickClock:
    """Of one calendar; texts are the bytes of their fields."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._clocks, self._dates, self._nights = _Clocks(), _Dates(), _Nights(calendar)

    def quick(
        self,
        trading_day: bytes,
        action_day: bytes,
        time: bytes,
        millisec: int,
        recv_ns: int,
        in_dalian: bool,
    ) -> int:
        """0 when it takes ``exact`` to know. Dalian's ActionDay is the trading day."""
        ns, digits = self._clocks[time]
        if in_dalian:
            third = (digits >= _MORNING) + (digits >= _EVENING)
            midnight, day = self._nights[trading_day, third]
        else:
            midnight, day = self._dates[action_day]
        if digits < 0 or day < 0 or not 0 <= millisec <= 999:
            return 0
        late = recv_ns - midnight - ns
        return day + digits + millisec if -_AHEAD_NS < late < _OLD_NS else 0

    def exact(
        self,
        instrument: str,
        trading_day: bytes,
        action_day: bytes,
        time: bytes,
        millisec: int,
        recv_ns: int,
    ) -> int:
        days = (TEXTS[trading_day], TEXTS[action_day])
        return tick_stamp(self._calendar, instrument, *days, TEXTS[time], millisec, recv_ns)
