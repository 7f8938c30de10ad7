"""Which lots an order closes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.closing import CLOSE_TODAY, CLOSE_YESTERDAY, Closable, Leg, closable, legs


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
