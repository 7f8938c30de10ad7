"""Which lots an order closes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.closing import CLOSE, CLOSE_TODAY, CLOSE_YESTERDAY, OPEN, Closable, Leg, closable, legs


def a_row(**values: Any) -> dict[str, Any]:
    blank = {"PosiDirection": "2", "HedgeFlag": "1", "PositionDate": "2", "Position": 0}
    return blank | {"LongFrozen": 0, "ShortFrozen": 0} | values


def test_what_can_be_closed_is_free_speculative_and_on_the_other_side() -> None:
    rows = [
        a_row(PositionDate="1", Position=5, ShortFrozen=2, LongFrozen=9),
        a_row(PositionDate="2", Position=4),
        a_row(Position=7, HedgeFlag="3"),
        a_row(PosiDirection="3", Position=8, LongFrozen=9),
    ]
    assert closable(rows, buys=False) == Closable(today=3, earlier=4)
    assert closable(rows, buys=True) == Closable(0, 0)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (2, [Leg(CLOSE_YESTERDAY, 2)]),
        (3, [Leg(CLOSE_YESTERDAY, 3)]),
        (4, [Leg(CLOSE_YESTERDAY, 3), Leg(CLOSE_TODAY, 1)]),
        (5, [Leg(CLOSE_YESTERDAY, 3), Leg(CLOSE_TODAY, 2)]),
    ],
)
def test_lots_of_earlier_days_are_closed_first(volume: int, expected: list[Leg]) -> None:
    assert list(legs(volume, Closable(today=2, earlier=3))) == expected


@given(st.integers(1, 9), st.integers(0, 6), st.integers(0, 6))
def test_the_legs_are_all_that_was_asked_and_none_is_more_than_there_is(
    volume: int, today: int, earlier: int
) -> None:
    lots = Closable(today, earlier)
    if volume > today + earlier:
        with pytest.raises(ValueError, match=f"{volume} lots to close"):
            legs(volume, lots)
        return
    found = legs(volume, lots)
    assert sum(leg.volume for leg in found) == volume
    most = {CLOSE_TODAY: today, CLOSE_YESTERDAY: earlier}
    assert all(0 < leg.volume <= most[leg.offset] for leg in found)


@pytest.mark.parametrize(
    ("exchange", "offset", "left"),
    [
        ("SHFE", OPEN, Closable(3, 4)),
        ("SHFE", CLOSE, Closable(3, 2)),
        ("SHFE", CLOSE_YESTERDAY, Closable(3, 2)),
        ("SHFE", CLOSE_TODAY, Closable(1, 4)),
        ("SHFE", "2", Closable(1, 2)),
        ("DCE", CLOSE, Closable(1, 4)),
    ],
)
def test_orders_on_their_way_take_the_lots_that_they_close(
    exchange: str, offset: str, left: Closable
) -> None:
    order = {"ExchangeID": exchange, "CombOffsetFlag": offset, "VolumeTotalOriginal": 2}
    assert Closable(today=3, earlier=4).without([order]) == left


def test_no_more_lots_are_taken_than_there_are() -> None:
    order = {"ExchangeID": "DCE", "CombOffsetFlag": CLOSE, "VolumeTotalOriginal": 9}
    assert Closable(today=3, earlier=4).without([order]) == Closable(0, 0)
