"""The programme-trading meters."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.td_worker.limits.helpers import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def meter(desk: Desk, exchange: str = "SHFE") -> dict[str, Any]:
    meters: dict[str, Any] = desk.limits.describe()["meters"]
    return dict(meters[exchange])


def test_orders_and_cancels_are_counted_by_exchange(desk: Desk) -> None:
    for _ in range(3):
        desk.order()
    desk.order(ExchangeID="DCE", InstrumentID="a2611")
    desk.cancel(ExchangeID="SHFE", InstrumentID="rb2610")
    expected = {"orders": 3, "cancels": 1, "last_s": 4, "peak": 4, "busy_seconds": 0}
    assert meter(desk) == expected
    assert meter(desk, "DCE")["orders"] == 1
    desk.now += 1
    assert meter(desk)["last_s"] == 0
    assert meter(desk)["peak"] == 4


def test_a_request_that_was_refused_before_the_front_does_not_count(desk: Desk) -> None:
    desk.rules(max_volume=1)
    desk.order()
    desk.refused(VolumeTotalOriginal=2)
    assert meter(desk)["orders"] == 1


def test_the_exchange_of_an_order_without_one_is_learnt_from_the_returns(desk: Desk) -> None:
    desk.order(ExchangeID="")
    desk.returned(None, "3", InstrumentID="rb2610", ExchangeID="SHFE")
    desk.order(ExchangeID="")
    desk.cancel(InstrumentID="rb2610")
    assert meter(desk, "")["orders"] == 1
    assert (meter(desk)["orders"], meter(desk)["cancels"]) == (1, 1)


def test_made_up_exchanges_do_not_fill_the_memory(desk: Desk) -> None:
    for number in range(200):
        desk.order(ExchangeID=f"X{number}")
    assert len(desk.limits.describe()["meters"]) <= 51


def test_a_busy_second_is_any_second_with_so_many(desk: Desk) -> None:
    """Also one that lies across two seconds of the clock; and none is counted twice."""
    desk.rules(meters={"busy": 10})
    desk.now = 1_800_000_000.9
    for _ in range(6):
        desk.order()
    desk.now += 0.2
    for _ in range(3):
        desk.order()
    assert (meter(desk)["peak"], meter(desk)["busy_seconds"]) == (9, 0)
    for _ in range(5):
        desk.order()
    assert (meter(desk)["peak"], meter(desk)["busy_seconds"]) == (14, 1)
    desk.now += 2
    for _ in range(9):
        desk.order()
    assert meter(desk)["busy_seconds"] == 1
    desk.now += 1.5
    for _ in range(30):
        desk.order()
    assert meter(desk)["busy_seconds"] == 2


# What is sent first, the bound, and what one order more would be.
BOUNDS: list[tuple[dict[str, int], str]] = [
    ({"per_s": 3}, "meters.refuse.per_s 3 of account 028742: 4 at SHFE"),
    ({"per_day": 3}, "meters.refuse.per_day 3 of account 028742: 4 at SHFE"),
]


@pytest.mark.parametrize(("bounds", "text"), BOUNDS)
def test_an_insertion_beyond_a_bound_is_refused_and_a_cancel_never(
    desk: Desk, bounds: dict[str, int], text: str
) -> None:
    desk.rules(meters={"refuse": bounds})
    desk.order()
    desk.cancel(InstrumentID="rb2610", ExchangeID="SHFE")
    desk.order()
    assert desk.refused() == text
    desk.order(ExchangeID="DCE", InstrumentID="a2611")
    desk.cancel(InstrumentID="rb2610", ExchangeID="SHFE")
    desk.rules()
    desk.order()


def test_an_insertion_that_would_make_one_busy_second_too_many_is_refused(desk: Desk) -> None:
    desk.rules(meters={"busy": 3, "refuse": {"busy_seconds": 1}})
    for _ in range(5):
        desk.order()  # this second is busy already: more of it make no second one
    desk.now += 1.5
    desk.order()
    desk.order()
    text = "meters.refuse.busy_seconds 1 of account 028742: 2 at SHFE"
    assert desk.refused() == text
    desk.now += 1.5
    desk.order()
    desk.rules()
    for _ in range(5):
        desk.order()
    assert meter(desk)["busy_seconds"] == 1  # the default counts from 10


@pytest.mark.parametrize("name", ["per_s", "per_day", "busy_seconds"])
def test_a_mark_is_told_once_a_day(desk: Desk, name: str, caplog: pytest.LogCaptureFixture) -> None:
    mark = 1 if name == "busy_seconds" else 3
    desk.rules(meters={"busy": 3, "warn": {name: mark}})
    with caplog.at_level(logging.WARNING):
        desk.order()
        desk.order()
        assert desk.limits.describe()["warnings"] == []
        for _ in range(5):
            desk.order()
    assert desk.limits.describe()["warnings"] == [f"meters.warn.{name} {mark} at SHFE"]
    assert len(caplog.records) == 1
    desk.limits.new_day("20261124")
    assert desk.limits.describe()["warnings"] == []


# -- over a restart --------------------------------------------------------------------------


def tally(desk: Desk) -> Path:
    (file,) = desk.folder.glob("limits/*.tally")
    return file


def test_the_meters_of_the_day_go_on_after_a_restart(desk: Desk) -> None:
    for _ in range(12):
        desk.order()
    desk.cancel(InstrumentID="rb2610", ExchangeID="SHFE")
    before = meter(desk)
    desk.restart()
    assert meter(desk) == before
    desk.order()
    assert meter(desk)["orders"] == 13
    desk.limits.new_day("20261124")
    assert desk.limits.describe()["meters"] == {}


def test_a_tally_that_was_cut_off_is_read_and_goes_on(desk: Desk) -> None:
    desk.order()
    desk.order()
    content = tally(desk).read_bytes()
    tally(desk).write_bytes(content[:-3])
    desk.restart()
    assert meter(desk)["orders"] == 1
    desk.order(ExchangeID="DCE")
    desk.restart()
    assert (meter(desk)["orders"], meter(desk, "DCE")["orders"]) == (1, 1)


def test_a_disk_with_room_for_a_part_of_a_record_puts_no_later_one_out_of_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.order()
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, content: write(fd, content[:5]))
        desk.order()
    assert desk.limits.describe()["not_tallied"] == 1
    desk.order(ExchangeID="DCE")
    desk.restart()
    assert {name: one["orders"] for name, one in desk.limits.describe()["meters"].items()} == {
        "SHFE": 1,
        "DCE": 1,
    }


def test_a_tally_that_cannot_be_written_keeps_no_request_back(desk: Desk) -> None:
    file = tally(desk)
    file.unlink()
    file.mkdir()
    desk.restart()
    desk.order()
    desk.cancel(InstrumentID="rb2610", ExchangeID="SHFE")
    assert meter(desk)["orders"] == 1
    assert desk.limits.describe()["not_tallied"] > 0


def test_the_tallies_of_old_days_go(desk: Desk) -> None:
    for day in range(10, 30):
        desk.limits.new_day(f"202611{day}")
    assert len(list(desk.folder.glob("limits/*.tally"))) == 5
