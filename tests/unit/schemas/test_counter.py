"""What a callback hands over, by calling the methods that the binding's directors call."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import pytest

from schemas.binding import Binding
from schemas.catalogue import Catalogue, Side
from schemas.counter import Event, spi_class

from .helpers import random_raw, struct_class, write

SIDES: list[Side] = ["md", "td"]
REQUEST_ID, NUMBER = 77, 4097


def module_of(binding: Binding, side: Side) -> Any:
    return binding.mdapi if side == "md" else binding.tdapi


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("null", [False, True], ids=["structs", "nulls"])
def test_every_callback_is_copied_whole(
    binding: Binding, catalogue: Catalogue, side: Side, null: bool
) -> None:
    module, rng = module_of(binding, side), random.Random(11)
    events: list[Event] = []
    spi = spi_class(module, catalogue, side, events.append, {})()

    def argument(name: str) -> tuple[Any, bytes | None]:
        obj, raw = struct_class(module, name)(), random_raw(catalogue.layouts[name], rng)
        write(obj, raw)
        return (None, None) if null else (obj, raw)

    for name, callback in catalogue.api(side).callbacks.items():
        field = argument(callback.struct) if callback.struct else None
        info = argument("RspInfo") if callback.has_info else None
        arguments = [
            *([field[0]] if field else []),
            *([info[0]] if info else []),
            *([REQUEST_ID, True] if callback.has_id else []),
            *([NUMBER] if callback.number else []),
        ]
        before = time.time_ns()
        getattr(spi, name)(*arguments)
        event = events.pop()
        assert event[:6] == (
            name,
            field[1] if field else None,
            info[1] if info else None,
            REQUEST_ID if callback.has_id else 0,
            callback.has_id,
            NUMBER if callback.number else 0,
        )
        assert before <= event.recv_ns <= time.time_ns()
    assert events == []


def test_a_quick_handler_gets_the_struct_alone(binding: Binding, catalogue: Catalogue) -> None:
    got: list[bytes] = []
    quick = {"OnRtnDepthMarketData": lambda raw, recv_ns: got.append(raw)}
    spi = spi_class(binding.mdapi, catalogue, "md", lambda event: None, quick)()
    raw = random_raw(catalogue.layouts["DepthMarketData"], random.Random(12))
    tick = struct_class(binding.mdapi, "DepthMarketData")()
    write(tick, raw)
    spi.OnRtnDepthMarketData(tick)
    assert got == [raw]


def test_a_callback_that_fails_is_told_and_does_not_reach_the_library(
    binding: Binding, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """Some versions of the binding abort the process on an exception."""

    def fail(*arguments: object) -> None:
        raise RuntimeError("broken handler")

    quick = {"OnRtnDepthMarketData": fail}
    spi = spi_class(binding.mdapi, catalogue, "md", fail, quick)()
    with caplog.at_level(logging.ERROR):
        spi.OnFrontDisconnected(4097)
        spi.OnRtnDepthMarketData(struct_class(binding.mdapi, "DepthMarketData")())
        spi.OnRtnDepthMarketData(None)
        spi.OnRspError("no struct", REQUEST_ID, True)
    told = [record.fields["callback"] for record in caplog.records]  # type: ignore[attr-defined]
    assert told == [
        "OnFrontDisconnected",
        "OnRtnDepthMarketData",
        "OnRtnDepthMarketData",
        "OnRspError",
    ]
    assert all(record.exc_info for record in caplog.records)
