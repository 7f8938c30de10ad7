"""Hours and trading days against a table written by hand."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from schemas.calendar import (
    Calendar,
    CalendarError,
    always_open,
    exchange_calendar,
    exchange_of,
    product_of,
    read_calendar,
)
from sim.exchange.products import futures

CHINA = timezone(timedelta(hours=8))
EXCHANGE = exchange_calendar()

SHFE, INE, DCE, CZCE, INDEX, BOND, GFEX, STOCK = (
    "rb2610",
    "sc2612",
    "m2601-C-3000",
    "SR701C5000",
    "IO2612-C-4000",
    "T2612",
    "si2612",
    "600000",
)
GOLD, COPPER, EGGS, UNKNOWN = "au2612", "cu2612", "jd2612", "zz2612"


def at(text: str) -> int:
    """Unix ns of Chinese wall-clock time."""
    moment = datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)
    return int(moment.timestamp() * 1000) * 1_000_000


def show(moment_ns: int) -> str:
    return f"{datetime.fromtimestamp(moment_ns // 10**9, CHINA):%m-%d %H:%M}"


# Instrument, moment of 2026, session that is on (its day, auction, begin, end) or "".
GOLDEN = [
    # a Thursday's evening, and the day after
    (SHFE, "11-19 20:54:59.999", ""),
    (SHFE, "11-19 20:55:00", "11-20 11-19 20:55 11-19 21:00 11-19 23:00"),
    (SHFE, "11-19 20:59:59.999", "11-20 11-19 20:55 11-19 21:00 11-19 23:00"),
    (SHFE, "11-19 22:59:59.999", "11-20 11-19 20:55 11-19 21:00 11-19 23:00"),
    (SHFE, "11-19 23:00:00", ""),
    (GOLD, "11-19 23:59:59.999", "11-20 11-19 20:55 11-19 21:00 11-20 02:30"),
    (GOLD, "11-20 00:00:00", "11-20 11-19 20:55 11-19 21:00 11-20 02:30"),
    (GOLD, "11-20 02:29:59", "11-20 11-19 20:55 11-19 21:00 11-20 02:30"),
    (GOLD, "11-20 02:30:00", ""),
    (COPPER, "11-20 00:59:00", "11-20 11-19 20:55 11-19 21:00 11-20 01:00"),
    (COPPER, "11-20 01:00:00", ""),
    (SHFE, "11-20 08:54:59", ""),
    (SHFE, "11-20 08:57:00", "11-20 11-20 08:55 11-20 09:00 11-20 10:15"),
    (SHFE, "11-20 10:14:59", "11-20 11-20 08:55 11-20 09:00 11-20 10:15"),
    (SHFE, "11-20 10:20:00", ""),
    (SHFE, "11-20 10:30:00", "11-20 11-20 10:30 11-20 10:30 11-20 11:30"),
    (SHFE, "11-20 12:00:00", ""),
    (SHFE, "11-20 13:15:00", ""),
    (SHFE, "11-20 14:59:59", "11-20 11-20 13:30 11-20 13:30 11-20 15:00"),
    (SHFE, "11-20 15:00:00", ""),
    # every exchange in the morning, at noon and at night
    (INE, "11-20 09:00:00", "11-20 11-20 08:55 11-20 09:00 11-20 10:15"),
    (INE, "11-21 02:00:00", "11-23 11-20 20:55 11-20 21:00 11-21 02:30"),
    (DCE, "11-20 10:00:00", "11-20 11-20 08:55 11-20 09:00 11-20 10:15"),
    (DCE, "11-20 21:00:00", "11-23 11-20 20:55 11-20 21:00 11-20 23:00"),
    (CZCE, "11-20 13:30:00", "11-20 11-20 13:30 11-20 13:30 11-20 15:00"),
    (CZCE, "11-20 22:00:00", "11-23 11-20 20:55 11-20 21:00 11-20 23:00"),
    (GFEX, "11-20 11:29:00", "11-20 11-20 10:30 11-20 10:30 11-20 11:30"),
    (GFEX, "11-20 21:30:00", ""),
    (EGGS, "11-20 21:30:00", ""),
    (INDEX, "11-20 09:26:00", "11-20 11-20 09:25 11-20 09:30 11-20 11:30"),
    (INDEX, "11-20 10:20:00", "11-20 11-20 09:25 11-20 09:30 11-20 11:30"),
    (INDEX, "11-20 13:00:00", "11-20 11-20 13:00 11-20 13:00 11-20 15:00"),
    (INDEX, "11-20 15:05:00", ""),
    (BOND, "11-20 15:05:00", "11-20 11-20 13:00 11-20 13:00 11-20 15:15"),
    (BOND, "11-20 15:15:00", ""),
    (STOCK, "11-20 09:14:59", ""),
    (STOCK, "11-20 09:16:00", "11-20 11-20 09:15 11-20 09:30 11-20 11:30"),
    (STOCK, "11-20 14:58:00", "11-20 11-20 13:00 11-20 13:00 11-20 15:00"),
    (STOCK, "11-20 21:30:00", ""),
    (UNKNOWN, "11-20 09:30:00", "11-20 11-20 08:55 11-20 09:00 11-20 10:15"),
    (UNKNOWN, "11-20 21:30:00", ""),
    # weekends: Friday's night belongs to Monday, and there is none on Saturday and Sunday
    (GOLD, "11-20 21:00:00", "11-23 11-20 20:55 11-20 21:00 11-21 02:30"),
    (GOLD, "11-21 02:29:59", "11-23 11-20 20:55 11-20 21:00 11-21 02:30"),
    (GOLD, "11-21 09:30:00", ""),
    (GOLD, "11-21 21:30:00", ""),
    (GOLD, "11-22 21:30:00", ""),
    (GOLD, "11-23 00:30:00", ""),
    (GOLD, "11-23 09:30:00", "11-23 11-23 08:55 11-23 09:00 11-23 10:15"),
    # Spring Festival 15 to 23 February: the last night is Thursday's
    (GOLD, "02-12 21:30:00", "02-13 02-12 20:55 02-12 21:00 02-13 02:30"),
    (GOLD, "02-13 09:30:00", "02-13 02-13 08:55 02-13 09:00 02-13 10:15"),
    (GOLD, "02-13 21:30:00", ""),
    (GOLD, "02-14 01:00:00", ""),
    (STOCK, "02-14 10:00:00", ""),  # a Saturday that is a workday
    (GOLD, "02-20 09:30:00", ""),
    (GOLD, "02-23 21:30:00", ""),  # the evening before the first day
    (GOLD, "02-24 09:30:00", "02-24 02-24 08:55 02-24 09:00 02-24 10:15"),
    (GOLD, "02-24 21:30:00", "02-25 02-24 20:55 02-24 21:00 02-25 02:30"),
    # the others: first day, last day, the night before, the day after
    (GOLD, "01-01 09:30:00", ""),
    (GOLD, "01-02 09:30:00", ""),
    (GOLD, "01-05 09:30:00", "01-05 01-05 08:55 01-05 09:00 01-05 10:15"),
    (GOLD, "04-03 21:30:00", ""),
    (GOLD, "04-06 09:30:00", ""),
    (GOLD, "04-07 09:30:00", "04-07 04-07 08:55 04-07 09:00 04-07 10:15"),
    (GOLD, "04-30 21:30:00", ""),
    (GOLD, "05-05 09:30:00", ""),
    (GOLD, "05-06 09:30:00", "05-06 05-06 08:55 05-06 09:00 05-06 10:15"),
    (GOLD, "05-09 09:30:00", ""),  # a Saturday that is a workday
    (GOLD, "06-18 21:30:00", ""),
    (GOLD, "06-19 09:30:00", ""),
    (GOLD, "06-22 09:30:00", "06-22 06-22 08:55 06-22 09:00 06-22 10:15"),
    (GOLD, "09-24 21:30:00", ""),
    (GOLD, "09-25 09:30:00", ""),
    (GOLD, "09-28 09:30:00", "09-28 09-28 08:55 09-28 09:00 09-28 10:15"),
    (GOLD, "09-30 21:30:00", ""),
    (GOLD, "10-01 01:00:00", ""),
    (GOLD, "10-07 09:30:00", ""),
    (GOLD, "10-08 09:30:00", "10-08 10-08 08:55 10-08 09:00 10-08 10:15"),
]


@pytest.mark.parametrize(("instrument", "moment", "expected"), GOLDEN)
def test_the_session_that_is_on(instrument: str, moment: str, expected: str) -> None:
    session = EXCHANGE.session(instrument, at(moment))
    if session is None:
        assert not expected
    else:
        day, *times = session
        assert " ".join([f"{day:%m-%d}", *map(show, times)]) == expected


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("11-20 15:00:00", "11-20"),
        ("11-20 19:59:59", "11-20"),
        ("11-20 20:00:00", "11-23"),
        ("11-20 20:59:00", "11-23"),
        ("11-21 01:30:00", "11-23"),
        ("11-22 12:00:00", "11-23"),
        ("11-23 00:00:00", "11-23"),
        ("11-19 23:59:59.999", "11-20"),
        ("11-20 00:00:00", "11-20"),
        ("02-13 21:00:00", "02-24"),
        ("09-30 20:00:00", "10-08"),
        ("10-03 12:00:00", "10-08"),
    ],
)
def test_the_trading_day_of_a_moment(moment: str, day: str) -> None:
    assert f"{EXCHANGE.trading_day(GOLD, at(moment)):%m-%d}" == day


@pytest.mark.parametrize(
    ("instrument", "product", "exchange"),
    [
        ("rb2610", "rb", "SHFE"),
        ("rb2610C3500", "rb", "SHFE"),
        ("sc2612P500", "sc", "INE"),
        ("m2601-C-3000", "m", "DCE"),
        ("m2601-MS-C-3000", "m", "DCE"),
        ("l2602F", "l", "DCE"),
        ("SP a2109&a2201", "a", "DCE"),
        ("SPC y2109&p2109", "y", "DCE"),
        ("SR601", "SR", "CZCE"),
        ("SR601C5000", "SR", "CZCE"),
        ("SPD FG601&FG603", "FG", "CZCE"),
        ("IPS SF511&SM511", "SF", "CZCE"),
        ("IO2601-C-4000", "IO", "CFFEX"),
        ("T2603", "T", "CFFEX"),
        ("lc2601-P-80000", "lc", "GFEX"),
        ("600000", "stock", ""),
        ("10004567", "stock", ""),
        ("SH600000", "", ""),
        ("zz2610", "zz", ""),
        ("", "", ""),
        ("螺纹", "", ""),
    ],
)
def test_the_product_of_an_instrument(instrument: str, product: str, exchange: str) -> None:
    assert (product_of(instrument), exchange_of(instrument)) == (product, exchange)


def test_the_embedded_exchange_lists_no_product_that_the_tables_lack_or_tell_otherwise() -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60 % 24:02}:{minute % 60:02}"

    for code, product in futures().items():
        assert exchange_of(f"{code}2612") == product.exchange
        hours = EXCHANGE._products[code]
        assert tuple((clock(s.begins), clock(s.ends)) for s in hours) == product.sessions, code


def test_any_of_many_trades_only_outside_of_its_auction() -> None:
    assert EXCHANGE.any_trades([STOCK, SHFE], at("11-20 21:00:00"))
    assert not EXCHANGE.any_trades([STOCK, SHFE], at("11-20 20:59:59"))
    assert not EXCHANGE.any_trades([STOCK, GFEX], at("11-20 21:00:00"))
    assert not EXCHANGE.any_trades([], at("11-20 21:00:00"))


def test_a_calendar_that_is_always_open_has_sessions_without_an_end() -> None:
    session = always_open().session(STOCK, at("10-03 03:00:00"))
    assert session is not None
    assert session.opens_ns == session.begins_ns == 0
    assert session.ends_ns > at("12-31 00:00:00")
    assert always_open().any_trades([STOCK], at("10-03 03:00:00"))


def test_a_year_without_holidays_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    calendar = exchange_calendar()
    with caplog.at_level(logging.WARNING):
        assert calendar.trades(date(2026, 11, 20))
        assert not caplog.records
        assert calendar.trades(date(2027, 2, 5))
        assert not calendar.trades(date(2027, 2, 6))
    (record,) = caplog.records
    assert record.__dict__["fields"] == {"year": 2027}


def from_file(path: Path, text: str) -> Calendar:
    file = path / "calendar.yaml"
    file.write_text(text, "utf-8")
    return read_calendar(str(file))


def test_a_file_adds_years_days_and_products(tmp_path: Path) -> None:
    calendar = from_file(
        tmp_path,
        """
        holidays:
          2027: [01-01, 02-05..02-11]
        open:
          2026: [11-21]
        products:
          rb: [20:55 21:00-01:00, 09:00-15:00]
          zz: [00:00-24:00]
        """,
    )
    assert not calendar.trades(date(2027, 1, 1))
    assert not calendar.trades(date(2027, 2, 11))
    assert calendar.trades(date(2027, 2, 12))
    assert not calendar.trades(date(2026, 10, 1))  # what is built in stays
    assert calendar.trades(date(2026, 11, 21))
    assert calendar.session("rb2610", at("11-20 00:59:59")) is not None
    assert calendar.session("rb2610", at("11-20 12:00:00")) is not None
    assert calendar.session("zz2612", at("11-20 03:00:00")) is not None
    assert calendar.session("zz2612", at("11-22 03:00:00")) is None
    assert calendar.session("hc2612", at("11-20 12:00:00")) is None
    # the night before a holiday of the file
    assert calendar.session("rb2705", at("12-31 21:30:00")) is None


def test_a_year_in_a_file_replaces_the_known_one(tmp_path: Path) -> None:
    calendar = from_file(tmp_path, "holidays: {2026: [03-02]}")
    assert calendar.trades(date(2026, 10, 1))
    assert not calendar.trades(date(2026, 3, 2))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("holidays: {2027: [2027-01-01]}", "is not like 02-05"),
        ("holidays: {2027: [02-11..02-05]}", "ends before it begins"),
        ("holidays: {2027: 02-11}", "Expected `array`"),
        ("holidays: {next: [02-11]}", "Expected `int`"),
        ("hollydays: {}", "hollydays"),
        ("products: {rb: [9:00-10:15]}", "is not like"),
        ("products: {rb: [09:00-10:75]}", "is no time of day"),
        ("products: {rb: [10:15-09:00]}", "ends before it begins"),
        ("products: {rb: [21:05 21:00-23:00]}", "opens after it begins"),
        ("products: [", "not valid YAML in line 1"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(CalendarError, match=why) as caught:
        from_file(tmp_path, text)
    assert "calendar.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match="No such file"):
        read_calendar(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("name", ["configuration.md", "configuration.zh.md"])
def test_the_documented_example_is_a_file_that_can_be_used(name: str, tmp_path: Path) -> None:
    text = Path(__file__).parents[3].joinpath("docs", name).read_text("utf-8")
    example = text.split("```yaml\nholidays:", 1)[1].split("```", 1)[0]
    calendar = from_file(tmp_path, "holidays:" + example)
    assert not calendar.trades(date(2027, 2, 5))
    assert calendar.trades(date(2027, 3, 6))
