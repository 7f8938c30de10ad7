"""Dates and times of day in China, from Unix time that is passed in.

Trading days are weekdays; exchange holidays are not modelled, so that the exchange works on them.
"""

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
NIGHT_STARTS_HOUR: Final = 20
"""From this hour on the market belongs to the next trading day, as the night session does."""


def local(now_ns: int) -> datetime:
    """Chinese wall-clock time; whole seconds and the tenths that ticks need are exact."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, CHINA).replace(microsecond=rest // 1000)


def trading_day(now_ns: int) -> date:
    """The trading day that this moment belongs to."""
    moment = local(now_ns)
    day = moment.date()
    return on_or_after(day + timedelta(days=1) if moment.hour >= NIGHT_STARTS_HOUR else day)


def on_or_after(day: date) -> date:
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def on_or_before(day: date) -> date:
    while day.weekday() >= 5:
        day -= timedelta(days=1)
    return day


def previous(day: date) -> date:
    """The trading day before this one."""
    return on_or_before(day - timedelta(days=1))


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th (from 1) given weekday (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def nth_trading_day(year: int, month: int, n: int) -> date:
    """The n-th trading day of a month, from 1; negative n counts from the month's end."""
    if n < 0:
        day = on_or_before(date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1))
        for _ in range(-n - 1):
            day = previous(day)
        return day
    day = on_or_after(date(year, month, 1))
    for _ in range(n - 1):
        day = on_or_after(day + timedelta(days=1))
    return day


def add_months(year: int, month: int, n: int) -> tuple[int, int]:
    index = year * 12 + month - 1 + n
    return index // 12, index % 12 + 1


@lru_cache(maxsize=64)
def compact(day: date) -> str:
    """CTP's date text, ``20260105``."""
    return day.strftime("%Y%m%d")


@lru_cache(maxsize=8)
def clock(second: int) -> str:
    """CTP's time text, ``09:30:00``, of a whole Unix second."""
    return datetime.fromtimestamp(second, CHINA).strftime("%H:%M:%S")
