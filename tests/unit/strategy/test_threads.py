"""Strategies run beside each other and end for themselves."""

from __future__ import annotations

import logging
import threading
from functools import partial

import pytest

from bus.strategy.stopping import Stopped
from bus.strategy.threads import Strategies

LONG_S = 20.0


def test_two_of_one_name_are_two_and_each_leaves_its_own_place() -> None:
    strategies, ends = Strategies(5), [threading.Event(), threading.Event()]

    def cross(number: int, *, lots: int) -> None:
        assert lots == 3
        ends[number].wait(LONG_S)

    threads = [strategies.run(cross, number, lots=3) for number in (0, 1)]
    assert strategies.running() == {"cross": threads[0], "cross-2": threads[1]}
    ends[0].set()
    threads[0].join(LONG_S)
    assert strategies.running() == {"cross-2": threads[1]}
    third = strategies.run(partial(cross, 1, lots=3))
    assert strategies.running() == {"cross-2": threads[1], "partial": third}
    ends[1].set()
    assert strategies.join(LONG_S) == []


def test_more_than_may_run_are_refused_until_one_has_ended() -> None:
    strategies, end = Strategies(1), threading.Event()
    thread = strategies.run(end.wait, LONG_S)
    with pytest.raises(RuntimeError, match="max_strategies"):
        strategies.run(end.wait, LONG_S)
    assert strategies.join(0.01) == ["wait"]
    end.set()
    thread.join(LONG_S)
    strategies.run(end.wait).join(LONG_S)
    assert strategies.running() == {}


def test_the_error_of_a_strategy_is_logged_and_being_stopped_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    def be_stopped() -> None:
        raise Stopped

    strategies = Strategies(5)
    with caplog.at_level(logging.INFO, "bus.strategy"):
        for function in (fail, be_stopped):
            strategies.run(function).join(LONG_S)
    (failed,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert failed.exc_info is not None
    assert isinstance(failed.exc_info[1], ValueError)
    assert caplog.records[-1].message == "a strategy has been stopped"


def test_a_strategy_may_wait_for_the_others() -> None:
    strategies = Strategies(5)
    left: list[list[str]] = []
    strategies.run(lambda: left.append(strategies.join(LONG_S))).join(LONG_S)
    assert left == [[]]
