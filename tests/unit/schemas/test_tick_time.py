"""When a tick was made, by the date fields of each exchange."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calendar import exchange_calendar
from schemas.tick_time import tick_time_ns

from .test_calendar import at

CALENDAR = exchange_calendar()

# Instrument, TradingDay, ActionDay, UpdateTime, received, made; all of 2026.
GOLDEN = [
    # day: all exchanges alike
    ("rb2610", "1120", "1120", "09:30:00", "11-20 09:30:00.1", "11-20 09:30:00"),
    ("m2609", "1120", "1120", "09:30:00", "11-20 09:30:00.1", "11-20 09:30:00"),
    ("SR609", "1120", "1120", "09:30:00", "11-20 09:30:00.1", "11-20 09:30:00"),
    ("600000", "1120", "1120", "09:30:00", "11-20 09:30:00.1", "11-20 09:30:00"),
    # Friday's night: the true date, DCE's trading day, CZCE's natural days
    ("rb2610", "1123", "1120", "21:00:01", "11-20 21:00:01.1", "11-20 21:00:01"),
    ("m2609", "1123", "1123", "21:00:01", "11-20 21:00:01.1", "11-20 21:00:01"),
    ("SR609", "1120", "1120", "21:00:01", "11-20 21:00:01.1", "11-20 21:00:01"),
    ("au2612", "1123", "1121", "01:30:00", "11-21 01:30:00.1", "11-21 01:30:00"),
    # the same as snapshots on Monday's morning: not in the future, and not of today
    ("rb2610", "1123", "1120", "22:59:59", "11-23 08:50:00", "11-20 22:59:59"),
    ("m2609", "1123", "1123", "22:59:59", "11-23 08:50:00", "11-20 22:59:59"),
    ("m2609", "1123", "1123", "08:49:00", "11-23 08:50:00", "11-23 08:49:00"),
    ("SR609", "1120", "1120", "22:59:59", "11-23 08:50:00", "11-20 22:59:59"),
    ("au2612", "1123", "1121", "02:29:59", "11-23 08:50:00", "11-21 02:29:59"),
    # Friday's close, seen on Monday, by time of day "later" than now
    ("rb2610", "1120", "1120", "15:00:00", "11-23 08:50:00", "11-20 15:00:00"),
    ("IF2612", "1120", "1120", "15:00:00", "11-23 09:31:00", "11-20 15:00:00"),
    # the close before a holiday, seen after it
    ("m2609", "0930", "0930", "15:00:00", "10-08 09:01:00", "09-30 15:00:00"),
    ("m2609", "0930", "0930", "22:59:00", "09-30 09:01:00", "09-29 22:59:00"),
    # a front's own local date that flips too early and too late
    ("au2612", "1120", "1120", "23:59:59", "11-19 23:59:59.9", "11-19 23:59:59"),
    ("au2612", "1120", "1119", "00:00:00", "11-20 00:00:00.2", "11-20 00:00:00"),
    # one day old to the minute is old, not a flip
    ("rb2610", "1119", "1119", "09:30:00", "11-20 09:30:00.1", "11-19 09:30:00"),
    # fields that are empty or wrong
    ("rb2610", "1123", "", "21:00:01", "11-20 21:00:01.1", "11-20 21:00:01"),
    ("au2612", "1123", "", "01:30:00", "11-21 01:30:00.1", "11-21 01:30:00"),
    ("rb2610", "", "", "23:59:59", "11-20 00:00:01", "11-19 23:59:59"),
    ("rb2610", "1199", "1399", "00:00:01", "11-19 23:59:59", "11-20 00:00:01"),
    ("zz2610", "1123", "1123", "21:00:01", "11-20 21:00:01.1", "11-20 21:00:01"),
    ("rb2610", "1123", "1123", "14:00:00", "11-20 14:00:01.1", "11-20 14:00:00"),
    # clocks may differ
    ("rb2610", "1120", "1120", "09:30:30", "11-20 09:30:00", "11-20 09:30:30"),
]


@pytest.mark.parametrize(("instrument", "trading", "action", "clock", "received", "made"), GOLDEN)
def test_the_moment_of_a_tick(
    instrument: str, trading: str, action: str, clock: str, received: str, made: str
) -> None:
    def full(day: str) -> str:
        return day and f"2026{day}"

    fields = (full(trading), full(action), clock, 500)
    moment = tick_time_ns(CALENDAR, instrument, *fields, at(received))
    assert moment == at(made) + 500_000_000


@pytest.mark.parametrize("clock", ["", "9:30:00", "24:00:00", "09:30", "ab:cd:ef", "０９:30:00"])
def test_a_tick_without_a_time_has_none(clock: str) -> None:
    fields = ("20261120", "20261120", clock, 0)
    assert tick_time_ns(CALENDAR, "rb2610", *fields, at("11-20 09:30:00")) is None


_DATES = st.one_of(st.just(""), st.dates().map(lambda day: day.strftime("%Y%m%d")), st.text("0129"))


@given(
    st.sampled_from(["rb2610", "m2609", "SR609", "600000", ""]),
    _DATES,
    _DATES,
    st.times().map(lambda time: f"{time:%H:%M:%S}"),
    st.integers(-(2**31), 2**31 - 1),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_no_content_is_too_strange_and_nothing_comes_from_the_future(
    instrument: str, trading: str, action: str, clock: str, millisec: int, received: datetime
) -> None:
    now = int(received.replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    made = tick_time_ns(CALENDAR, instrument, trading, action, clock, millisec, now)
    assert made is not None
    if trading or action:
        assert made <= now + 12 * 3600 * 1_000_000_000
