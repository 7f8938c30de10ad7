"""The trading day of a tick: the golden table of the six exchanges, and what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from recorder.days import Days
from schemas import catalogue
from schemas.calendar import always_open, exchange_calendar

CATALOGUE = catalogue.load()
CODEC = CATALOGUE.codec("DepthMarketData")
CHINA = timezone(timedelta(hours=8))
SHFE, INE, DCE, CZCE, CFFEX, GFEX = "rb2701", "sc2701", "m2701", "SR701", "IF2612", "si2701"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()) * 10**9


def raw(trading: str, action: str, clock: str) -> bytes:
    return CODEC.pack({"TradingDay": trading, "ActionDay": action, "UpdateTime": clock})


def days(always: bool = False) -> Days:
    calendar = always_open() if always else exchange_calendar()
    return Days(calendar, CODEC, CATALOGUE.layout_id)


# instrument, TradingDay, ActionDay, UpdateTime, received (China's time), the day
GOLDEN = [
    # Monday evening, the beginning of Tuesday's trading day
    (SHFE, "20261124", "20261123", "20:59:00", "2026-11-23 20:59:00", "20261124"),
    (INE, "20261124", "20261123", "20:59:00", "2026-11-23 20:59:00", "20261124"),
    (DCE, "20261124", "20261124", "20:59:00", "2026-11-23 20:59:00", "20261124"),
    (CZCE, "20261123", "20261123", "20:59:00", "2026-11-23 20:59:00", "20261124"),
    (CZCE, "20261123", "20261123", "22:59:59", "2026-11-23 22:59:59", "20261124"),
    # around midnight; a clock that is behind, and fronts that write their own local date
    (SHFE, "20261124", "20261123", "23:59:59", "2026-11-24 00:00:01", "20261124"),
    (SHFE, "20261124", "20261124", "23:59:59", "2026-11-23 23:59:59", "20261124"),
    (INE, "20261124", "20261124", "00:00:00", "2026-11-23 23:59:59", "20261124"),
    (INE, "20261124", "20261124", "02:29:59", "2026-11-24 02:29:59", "20261124"),
    # the day
    (SHFE, "20261124", "20261124", "09:00:00", "2026-11-24 09:00:00", "20261124"),
    (DCE, "20261124", "20261124", "14:59:59", "2026-11-24 14:59:59", "20261124"),
    (CZCE, "20261124", "20261124", "14:59:59", "2026-11-24 14:59:59", "20261124"),
    (CFFEX, "20261124", "20261124", "09:30:00", "2026-11-24 09:30:00", "20261124"),
    (GFEX, "20261124", "20261124", "13:30:00", "2026-11-24 13:30:00", "20261124"),
    # what is told after the close belongs to the day that has ended
    (CZCE, "20261124", "20261124", "15:00:00", "2026-11-24 20:50:00", "20261124"),
    (CFFEX, "20261124", "20261124", "15:15:00", "2026-11-24 15:31:00", "20261124"),
    # Friday's night is Monday's
    (SHFE, "20261130", "20261127", "21:30:00", "2026-11-27 21:30:00", "20261130"),
    (INE, "20261130", "20261128", "01:30:00", "2026-11-28 01:30:00", "20261130"),
    (DCE, "20261130", "20261130", "21:30:00", "2026-11-27 21:30:00", "20261130"),
    (CZCE, "20261127", "20261127", "21:30:00", "2026-11-27 21:30:00", "20261130"),
    (CZCE, "20261130", "20261127", "21:30:00", "2026-11-27 21:30:00", "20261130"),
    # the night before the last day before a holiday, and the first day behind it
    (CZCE, "20260929", "20260929", "21:30:00", "2026-09-29 21:30:00", "20260930"),
    (CZCE, "20260930", "20260930", "14:59:59", "2026-10-08 08:50:00", "20260930"),
    (CZCE, "20261008", "20261008", "09:00:00", "2026-10-08 09:00:00", "20261008"),
    (SHFE, "20261008", "20261008", "09:00:00", "2026-10-08 09:00:00", "20261008"),
    (CZCE, "20261008", "20261008", "21:00:00", "2026-10-08 21:00:00", "20261009"),
    # fields that say nothing: the time decides, or when there is none the moment it came
    (SHFE, "", "20261123", "21:30:00", "2026-11-23 21:30:00", "20261124"),
    (SHFE, "20991231", "20261123", "21:30:00", "2026-11-23 21:30:00", "20261124"),
    (SHFE, "20261399", "", "10:00:00", "2026-11-24 10:00:00", "20261124"),
    (SHFE, "", "", "", "2026-11-28 12:00:00", "20261130"),
    # a recorded day that is played back months later
    (SHFE, "20260105", "20260104", "10:00:00", "2026-11-24 10:00:00", "20260105"),
    (CZCE, "20260105", "20260105", "10:00:00", "2026-11-24 10:00:00", "20260105"),
]


@pytest.mark.parametrize(("instrument", "trading", "action", "clock", "came", "day"), GOLDEN)
def test_golden_table(
    instrument: str, trading: str, action: str, clock: str, came: str, day: str
) -> None:
    assert days().of(instrument)(raw(trading, action, clock), ns(came)) == day


def test_one_cache_for_all_ticks_gives_the_same() -> None:
    shared = days()
    of = {instrument: shared.of(instrument) for instrument, *_ in GOLDEN}
    for _ in range(2):
        for instrument, trading, action, clock, came, day in GOLDEN:
            assert of[instrument](raw(trading, action, clock), ns(came)) == day


def test_the_embedded_exchange_writes_the_trading_day_everywhere() -> None:
    tick = raw("20261124", "20261123", "21:30:00")
    assert days(always=True).of(CZCE)(tick, ns("2026-11-23 21:30:00")) == "20261124"


def test_a_weekend_has_no_day_of_its_own() -> None:
    assert days().at(SHFE, ns("2026-11-28 12:00:00")) == "20261130"
