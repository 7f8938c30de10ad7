"""Ticks and position rows as strategies see them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import schemas.catalogue
from bus.strategy.position import Position, position_of
from bus.strategy.quote import quote_of
from schemas.calendar import always_open

CATALOGUE = schemas.catalogue.load()
CHINA = timezone(timedelta(hours=8))
AT_10 = datetime(2026, 11, 23, 10, 0, 0, tzinfo=CHINA)


def a_tick(**values: Any) -> dict[str, Any]:
    codec = CATALOGUE.codec("DepthMarketData")
    clock = {"TradingDay": "20261123", "ActionDay": "20261123", "UpdateTime": "10:00:00"}
    return codec.unpack(codec.pack({"InstrumentID": "rb2701", **clock} | values))


def a_row(**values: Any) -> dict[str, Any]:
    codec = CATALOGUE.codec("InvestorPosition")
    return codec.unpack(codec.pack({"HedgeFlag": "1", "PosiDirection": "2"} | values))


def test_a_quote_has_the_time_of_the_exchange_to_the_millisecond() -> None:
    fields = a_tick(LastPrice=3321.0, UpdateMillisec=999, Volume=7, OpenInterest=12.0)
    quote = quote_of(fields, always_open(), int(AT_10.timestamp()) * 10**9)
    assert quote.ctp_datetime == AT_10 + timedelta(milliseconds=999)
    assert (quote.InstrumentID, quote["LastPrice"], quote.Volume) == ("rb2701", 3321.0, 7)
    assert (quote.UpdateTime, quote.UpdateMillisec, quote.OpenInterest) == ("10:00:00", 999, 12.0)


def test_a_price_that_the_exchange_does_not_have_is_nan() -> None:
    quote = quote_of(a_tick(AskPrice1=None, UpdateTime=""), always_open(), 0)
    assert math.isnan(quote.AskPrice1)
    assert quote.ctp_datetime is None


def test_a_position_is_all_rows_of_its_direction_and_what_is_left_of_earlier_days() -> None:
    rows = [
        a_row(PositionDate="1", Position=2, TodayPosition=2, OpenCost=62_400.0),
        a_row(PositionDate="2", Position=3, YdPosition=9, OpenCost=93_000.0),
        a_row(PosiDirection="3", Position=4, TodayPosition=1, YdPosition=9, OpenCost=124_000.0),
        a_row(HedgeFlag="3", Position=50, TodayPosition=50, OpenCost=1.0),
    ]
    position = position_of(rows, 10)
    assert position == Position(
        pos_long=5,
        pos_long_today=2,
        pos_long_his=3,
        open_price_long=3108.0,
        pos_short=4,
        pos_short_today=1,
        pos_short_his=3,
        open_price_short=3100.0,
    )


def test_stocks_are_long() -> None:
    position = position_of([a_row(PosiDirection="1", Position=200, OpenCost=2_300.0)], 1)
    assert (position.pos_long, position.open_price_long) == (200, 11.5)


def test_without_lots_there_is_no_price() -> None:
    position = position_of([a_row(YdPosition=3)], 10)
    assert (position.pos_long, position.pos_long_his) == (0, 0)
    assert math.isnan(position.open_price_long)
    assert math.isnan(position.open_price_short)


def test_what_has_no_price_is_equal_to_the_same() -> None:
    """On Python 3.13, too."""
    fields = a_tick(AskPrice1=None)
    assert quote_of(fields, always_open(), 0) == quote_of(fields, always_open(), 0)
    assert Position(pos_long=1) == Position(pos_long=1) != Position(pos_long=2)
    assert Position() != quote_of(fields, always_open(), 0)
