"""The worker's loop: callbacks in slices, and the cost of its counters."""

from __future__ import annotations

import time
from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from bus.wake import Inbox
from td_worker import worker as module
from td_worker.worker import TdWorker

from .queries.desk import Office


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def worker(clock: list[float]) -> tuple[TdWorker, list[int]]:
    """Of its loop only what takes callbacks; each of them takes half a millisecond."""
    made, handled = TdWorker.__new__(TdWorker), list[int]()

    def handle(number: int, _: float) -> None:
        handled.append(number)
        clock[0] += 0.0005

    parts: dict[str, Any] = {
        "inbox": Inbox(),
        "_callbacks": deque(),
        "_calls_took_s": 0.0,
        "_on_event": handle,
    }
    made.__dict__.update(parts)
    for number in range(200):
        made.inbox.put(cast(Any, (number,)))
    return made, handled


def test_many_callbacks_leave_room_for_calls_and_stay_in_order(clock: list[float]) -> None:
    made, handled = worker(clock)
    made._take_callbacks(0)
    assert 5 < len(handled) < 9
    made.inbox.put(cast(Any, (200,)))
    while made._callbacks:
        made._take_callbacks(0)
    assert handled == list(range(201))


def test_callbacks_get_as_long_as_the_calls_took(clock: list[float]) -> None:
    made, handled = worker(clock)
    made._calls_took_s = 0.03
    made._take_callbacks(0)
    assert 55 < len(handled) < 65


def test_the_counters_of_the_queries_of_150_accounts_cost_about_a_millisecond() -> None:
    office = Office()
    desks = [office.of(f"u{number}") for number in range(150)]
    best = 1.0
    for _ in range(20):
        began = time.thread_time()
        msgspec.msgpack.encode([desk.stat(office.now) for desk in desks])
        best = min(best, time.thread_time() - began)
    assert best < 0.002
