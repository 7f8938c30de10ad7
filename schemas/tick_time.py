"""When a tick was made: the exchanges fill its date fields in ways of their own.

                    evening        after midnight   day
  SHFE INE CFFEX…   ActionDay      ActionDay        ActionDay
  DCE               before         before + 1       TradingDay      both fields: the trading day
  CZCE              either field   either field     either field    both fields: the natural day

"before" is the trading day before TradingDay. Some fronts put their own local date into ActionDay,
which changes a moment too early or too late at midnight.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from .calendar import Calendar, exchange_of

_SECOND_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _SECOND_NS
_OFFSET_NS: Final = 8 * 3600 * _SECOND_NS
_EPOCH: Final = date(1970, 1, 1).toordinal()
_EVENING_NS: Final = 18 * 3600 * _SECOND_NS
_MORNING_NS: Final = 6 * 3600 * _SECOND_NS
# Clocks may differ by this much; what lies further in the future has the wrong date.
_AHEAD_NS: Final = 3600 * _SECOND_NS
_AROUND_MIDNIGHT_NS: Final = 600 * _SECOND_NS


def tick_time_ns(
    calendar: Calendar,
    instrument: str,
    trading_day: str,
    action_day: str,
    update_time: str,
    update_millisec: int,
    recv_ns: int,
) -> int | None:
    """Unix time in ns of a tick with these fields, received at ``recv_ns``; None when it shows no
    time. Source: ctp_facts, "Market data and time"."""
    clock = time_of_day_ns(update_time)
    if clock is None:
        return None
    clock += max(0, min(999, update_millisec)) * 1_000_000
    trading, action = date_of(trading_day), date_of(action_day)
    day = _day(calendar, exchange_of(instrument), trading, action, clock)
    if day is None:
        return _nearest(clock, recv_ns)
    made = _unix_ns(day, clock)
    near = _nearest(clock, recv_ns)
    turned = abs(made - near) == _DAY_NS
    if turned and abs(near - recv_ns) < _AROUND_MIDNIGHT_NS and _is_midnight(clock):
        return near
    if made > recv_ns + _AHEAD_NS:
        return _past(calendar, trading or day, clock, recv_ns)
    return made


def same_time_ns(update_time: str, update_millisec: int, recv_ns: int) -> int | None:
    """The moment nearest to ``recv_ns`` that shows this time; None when it is no time."""
    clock = time_of_day_ns(update_time)
    if clock is None:
        return None
    return _nearest(clock + max(0, min(999, update_millisec)) * 1_000_000, recv_ns)


def report_time_ns(
    calendar: Calendar, trading_day: str, clock_text: str, recv_ns: int
) -> int | None:
    """Unix time in ns of an order or trade that was told of at ``recv_ns``, perhaps long after.

    InsertDate and TradeDate are a natural day or the trading day as the exchange likes, but a time
    of day occurs only once in a trading day. None when there is no time.
    """
    clock = time_of_day_ns(clock_text)
    if clock is None:
        return None
    trading = date_of(trading_day)
    if trading is None or calendar.always:
        made = _nearest(clock, recv_ns)
        return made if made <= recv_ns + _AHEAD_NS else made - _DAY_NS
    made = _unix_ns(night_day(calendar, trading, clock), clock)
    return made if made <= recv_ns + _AHEAD_NS else _past(calendar, trading, clock, recv_ns)


def _day(
    calendar: Calendar, exchange: str, trading: date | None, action: date | None, clock: int
) -> date | None:
    if exchange == "CZCE":
        return action or trading
    if trading is None or (action is not None and exchange != "DCE"):
        return action
    return night_day(calendar, trading, clock)


def night_day(calendar: Calendar, trading: date, clock: int) -> date:
    """The natural day of a time of day (in ns) within a trading day."""
    if _MORNING_NS <= clock < _EVENING_NS:
        return trading
    before = calendar.previous(trading)
    return before if clock >= _EVENING_NS else before + timedelta(days=1)


def _past(calendar: Calendar, trading: date, clock: int, recv_ns: int) -> int:
    """Of a tick whose date lies in the future: the night before its trading day, or else the last
    time it was so late."""
    made = _unix_ns(night_day(calendar, trading, clock), clock)
    while made > recv_ns + _AHEAD_NS:
        made -= max(_DAY_NS, (made - recv_ns) // _DAY_NS * _DAY_NS)
    return made


def _nearest(clock: int, recv_ns: int) -> int:
    """The moment with this time of day that is nearest to another one."""
    away = (clock - recv_ns - _OFFSET_NS) % _DAY_NS
    return recv_ns + (away if away <= _DAY_NS // 2 else away - _DAY_NS)


def _is_midnight(clock: int) -> bool:
    return clock < _AROUND_MIDNIGHT_NS or clock >= _DAY_NS - _AROUND_MIDNIGHT_NS


def _unix_ns(day: date, clock: int) -> int:
    return (day.toordinal() - _EPOCH) * _DAY_NS + clock - _OFFSET_NS


def date_of(text: str) -> date | None:
    """Of CTP's 20260105."""
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return day if 1990 < day.year < 2100 else None


def time_of_day_ns(text: str) -> int | None:
    """Of CTP's 09:30:00."""
    parts = text.split(":")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) == 2 for p in parts):
        return None
    hour, minute, second = map(int, parts)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * _SECOND_NS
