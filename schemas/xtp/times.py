"""Moments as XTP writes them: the int YYYYMMDDHHMMSSsss, local time; 0 is "none"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from ..calendar import Calendar, exchange_calendar
from ..tick_time import report_time_ns, same_time_ns, tick_time_ns

_DAY_NS: Final = 86_400_000_000_000
_OFFSET_NS: Final = 8 * 3600 * 1_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
# The hours of the exchanges; a group on the embedded one has its own.
HOURS: Final = exchange_calendar()


class _Days(dict[int, int]):
    """YYYYMMDD by days since 1970."""

    def __missing__(self, number: int) -> int:
        day = date.fromordinal(_EPOCH + number)
        text = self[number] = (day.year * 100 + day.month) * 100 + day.day
        return text


DAYS: Final = _Days()


def stamp(unix_ns: int | None) -> int:
    if unix_ns is None:
        return 0
    day, ns = divmod(unix_ns + _OFFSET_NS, _DAY_NS)
    seconds, ns = divmod(ns, 1_000_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return (((DAYS[day] * 100 + hour) * 100 + minute) * 100 + second) * 1000 + ns // 1_000_000


def tick_stamp(
    calendar: Calendar,
    instrument: str,
    trading_day: str,
    action_day: str,
    update_time: str,
    update_millisec: int,
    recv_ns: int,
) -> int:
    """``data_time``. While everything trades at any hour the date fields follow no rule, and the
    date is the one that brings the time nearest to ``recv_ns``."""
    if calendar.always:
        return stamp(same_time_ns(update_time, update_millisec, recv_ns))
    day = (trading_day, action_day)
    return stamp(tick_time_ns(calendar, instrument, *day, update_time, update_millisec, recv_ns))


def report_stamp(
    fields: Mapping[str, Any], clock_field: str, recv_ns: int, calendar: Calendar
) -> int:
    """Of an order's or trade's own time."""
    return stamp(report_time_ns(calendar, fields["TradingDay"], fields[clock_field], recv_ns))
