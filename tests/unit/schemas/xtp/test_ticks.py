"""Ticks as records of XTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from schemas.xtp.structs import TICK, TICK_EXTRA
from schemas.xtp.ticks import average, tick

from ..test_calendar import at
from ..test_tick_time import GOLDEN

CODEC = schemas.catalogue.load().codec("DepthMarketData")
NOW = at("11-20 09:30:00.1")


def a_tick(**values: Any) -> dict[str, Any]:
    return CODEC.unpack(
        CODEC.pack(
            {
                "InstrumentID": "rb2701",
                "TradingDay": "20261120",
                "ActionDay": "20261120",
                "UpdateTime": "09:30:00",
            }
            | values
        )
    )


def test_keys_and_their_types() -> None:
    record = tick(a_tick(), "SHFE", 10, NOW)
    assert list(record) == [*TICK, *TICK_EXTRA]
    for key, zero in (TICK | TICK_EXTRA).items():
        assert type(record[key]) is type(zero), key
        if isinstance(zero, list):
            assert [type(each) for each in record[key]] == [type(each) for each in zero]


@pytest.mark.parametrize(("instrument", "trading", "action", "clock", "received", "made"), GOLDEN)
def test_data_time(
    instrument: str, trading: str, action: str, clock: str, received: str, made: str
) -> None:
    def full(day: str) -> str:
        return day and f"2026{day}"

    fields = a_tick(
        InstrumentID=instrument,
        TradingDay=full(trading),
        ActionDay=full(action),
        UpdateTime=clock,
        UpdateMillisec=500,
    )
    expected = int("2026" + "".join(char for char in made if char.isdigit()) + "500")
    assert tick(fields, "", 1, at(received))["data_time"] == expected


@pytest.mark.parametrize("clock", ["", "25:00:00", "9:30:00"])
def test_a_tick_without_a_time(clock: str) -> None:
    assert tick(a_tick(UpdateTime=clock), "SHFE", 10, NOW)["data_time"] == 0


@pytest.mark.parametrize("nothing", [None, 0.0, 3.4028234663852886e38, float("inf"), float("nan")])
def test_close_follows_the_last_price_while_there_is_none(nothing: float | None) -> None:
    record = tick(a_tick(LastPrice=3120.0, ClosePrice=nothing), "SHFE", 10, NOW)
    assert record["close_price"] == 3120.0
    record = tick(a_tick(LastPrice=3120.0, ClosePrice=3119.0), "SHFE", 10, NOW)
    assert record["close_price"] == 3119.0


def test_no_value_is_0() -> None:
    fields = a_tick(**dict.fromkeys(f.name for f in CODEC.layout.fields if f.kind == "d"))
    assert all(not value for value in tick(fields, "", 1, NOW).values() if type(value) is float)


# AveragePrice, multiplier, low, high, whether the exchange sends it plain; avg_price
AVERAGES = [
    (31_205.0, 10, 3_100.0, 3_140.0, False, 3_120.5),
    (3_120.5, 10, 3_100.0, 3_140.0, True, 3_120.5),
    # a counter of another habit
    (3_120.5, 10, 3_100.0, 3_140.0, False, 3_120.5),
    (31_205.0, 10, 3_100.0, 3_140.0, True, 3_120.5),
    # the noise of a double at the edge
    (31_200.000000004, 10, 3_120.0, 3_120.0, False, 3_120.0000000004),
    (11.52, 1, 11.5, 11.6, False, 11.52),
    (0.0, 10, 0.0, 0.0, False, 0.0),
    # both could be meant
    (50.0, 10, 1.0, 100.0, False, 5.0),
    (50.0, 10, 1.0, 100.0, True, 50.0),
]


@pytest.mark.parametrize(("price", "multiplier", "low", "high", "plain", "expected"), AVERAGES)
def test_the_average_is_a_price(
    price: float, multiplier: int, low: float, high: float, plain: bool, expected: float
) -> None:
    assert average(price, multiplier, low, high, plain) == pytest.approx(expected, rel=1e-15)


@given(st.floats(1, 1e5), st.floats(0, 1), st.floats(0, 0.2), st.integers(1, 10_000), st.booleans())
def test_whatever_the_counters_habit(
    low: float, part: float, width: float, multiplier: int, per_lot: bool
) -> None:
    """As long as a day's prices are not ten times as high as others of it."""
    high = low * (1 + width)
    price = low + part * (high - low)
    sent = price * multiplier if per_lot else price
    if multiplier == 1 or multiplier > 1 + width:
        found = average(sent, multiplier, low, high, not per_lot)
        assert found == pytest.approx(price)
        if low < price < high:
            assert average(sent, multiplier, low, high, per_lot) == pytest.approx(price)


def test_the_book_has_five_levels_and_five_empty_ones() -> None:
    values: dict[str, Any] = {}
    for level in range(1, 6):
        values |= {f"BidPrice{level}": 10.0 - level, f"AskPrice{level}": 10.0 + level}
        values |= {f"BidVolume{level}": level * 100, f"AskVolume{level}": level * 10}
    record = tick(a_tick(**values), "SZSE", 1, NOW)
    assert record["bid"] == [9.0, 8.0, 7.0, 6.0, 5.0] + [0.0] * 5
    assert record["ask"] == [11.0, 12.0, 13.0, 14.0, 15.0] + [0.0] * 5
    assert record["bid_qty"] == [100, 200, 300, 400, 500] + [0] * 5
    assert record["ask_qty"] == [10, 20, 30, 40, 50] + [0] * 5
