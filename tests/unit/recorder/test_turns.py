"""Many answers at once: who asks for much, or does not read, is nobody else's trouble."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator
from typing import cast

import pytest
import zmq

from bus.errors import Refused, bad_parameters
from bus.frames import Row
from bus.rpc import Call, Router
from recorder.history.ticks import Answer
from recorder.history.turns import TURN_S, Turns
from recorder.ticks.record import FileError

STEP_S = TURN_S / 4


class FakeRouter:
    """Callers that take as many rows as they have ``room`` for; without an entry they are gone."""

    layout = 0x670B

    def __init__(self) -> None:
        self.room = dict.fromkeys((b"a", b"b", b"c"), 10**9)
        self.rows: list[tuple[bytes, Row]] = []
        self.refused: list[tuple[int, str]] = []

    def offer(self, peer: bytes, row: Row) -> int:
        if peer not in self.room:
            return zmq.EHOSTUNREACH
        if not self.room[peer]:
            return zmq.EAGAIN
        self.room[peer] -= 1
        self.rows.append((peer, row))
        return 0

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self.refused.append((call.id, error.detail))

    def count(self, peer: bytes) -> int:
        return sum(whose == peer for whose, _ in self.rows)


class Bench:
    """Each row takes STEP_S to make."""

    def __init__(self) -> None:
        self.router = FakeRouter()
        self.clock = 0.0
        self.ids = itertools.count(1)
        self.turns = Turns(cast(Router, self.router), lambda: self.clock)
        self.ended: list[int] = []

    def ask(self, peer: bytes, rows: int, *, left_s: float = 60.0) -> int:
        number = next(self.ids)
        call = Call(number, "Ticks", time.time_ns() + int(left_s * 1e9))
        self.turns.check(peer)
        self.turns.add(peer, call, self._rows(number, rows))
        return number

    def _rows(self, number: int, count: int) -> Iterator[Answer]:
        try:
            for index in range(count):
                self.clock += STEP_S
                yield Answer(1, b"%d" % index, last=index == count - 1)
        finally:
            self.ended.append(number)

    def bodies(self, number: int) -> list[bytes]:
        return [row.body for _, row in self.router.rows if row.id == number]

    def finish(self) -> None:
        for _ in range(10_000):
            if not len(self.turns):
                return
            self.turns.pump()
        raise AssertionError("it does not end")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_turn_is_short_however_much_is_asked(bench: Bench) -> None:
    bench.ask(b"a", 1000)
    bench.turns.pump()
    assert TURN_S <= bench.clock <= TURN_S + STEP_S
    bench.finish()
    assert bench.router.count(b"a") == 1000


def test_between_two_rows_who_waits_for_the_core_has_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What that does to the p99 of ticks ``tests.bench.history`` shows."""
    ways: list[int] = []
    monkeypatch.setattr("os.sched_yield", lambda: ways.append(len(bench.router.rows)))
    bench.ask(b"a", 5)
    bench.finish()
    assert ways[:5] == [1, 2, 3, 4, 5]


def test_callers_take_turns_however_many_calls_one_has(bench: Bench) -> None:
    many = [bench.ask(b"a", 100) for _ in range(50)]
    bench.ask(b"b", 100)
    while bench.router.count(b"b") < 100:
        bench.turns.pump()
    assert bench.router.count(b"a") <= 101
    assert all(bench.bodies(number) for number in many)  # and the calls of one take turns as well
    bench.finish()
    assert all(bench.bodies(number) == [b"%d" % n for n in range(100)] for number in many)


def test_one_who_does_not_read_holds_up_nobody_and_loses_nothing(bench: Bench) -> None:
    bench.router.room[b"a"] = 3
    slow, other = bench.ask(b"a", 20), bench.ask(b"b", 20)
    for _ in range(30):
        bench.turns.pump()
    assert len(bench.bodies(slow)) == 3 and len(bench.bodies(other)) == 20
    assert bench.turns.stuck
    before = bench.clock
    bench.turns.pump()
    assert bench.clock == before, "a row was made that nobody takes"
    bench.router.room[b"a"] = 100
    bench.finish()
    assert bench.bodies(slow) == [b"%d" % n for n in range(20)]


def test_what_is_held_for_one_who_does_not_read_ends_with_its_deadline(bench: Bench) -> None:
    bench.router.room[b"a"] = 0
    number = bench.ask(b"a", 5, left_s=0.3)
    bench.turns.pump()
    assert bench.turns.stuck and not bench.router.refused
    time.sleep(0.31)
    bench.turns.pump()
    assert len(bench.turns) == 0 and bench.ended == [number]
    assert bench.router.refused[0][0] == number and "no time" in bench.router.refused[0][1]


def test_one_who_is_gone_is_forgotten(bench: Bench) -> None:
    number = bench.ask(b"x", 5)
    bench.turns.pump()
    assert len(bench.turns) == 0 and bench.ended == [number]


def test_calls_are_bounded_for_each_caller_and_for_all(bench: Bench) -> None:
    for _ in range(64):
        bench.ask(b"a", 1)
    with pytest.raises(Refused, match="64 questions of this caller"):
        bench.ask(b"a", 1)
    bench.ask(b"b", 1)
    for number in range(7):
        for _ in range(64 if number else 63):
            bench.ask(b"c%d" % number, 1)
    with pytest.raises(Refused, match="512 questions"):
        bench.ask(b"d", 1)
    for number in range(7):
        bench.router.room[b"c%d" % number] = 10**9
    bench.finish()
    bench.ask(b"a", 1)


def test_what_is_asked_elsewhere_is_open_until_it_is_there(bench: Bench) -> None:
    for _ in range(64):
        bench.turns.reserve(b"a")
    with pytest.raises(Refused):
        bench.turns.check(b"a")
    bench.turns.release(b"a")
    bench.turns.check(b"a")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (bad_parameters("wrong"), "wrong"),
        (FileError("head"), "cannot be read"),
        (OSError(5, "broken"), "cannot be read"),
        (RuntimeError("ours"), "see the recorder's log"),
    ],
)
def test_an_error_ends_one_call(bench: Bench, error: Exception, text: str) -> None:
    def fails() -> Generator[Answer, None, None]:
        yield Answer(1, b"")
        raise error

    bench.turns.add(b"a", Call(9, "Ticks", time.time_ns() + 10**10), fails())
    other = bench.ask(b"a", 3)
    bench.finish()
    assert [(number, text in detail) for number, detail in bench.router.refused] == [(9, True)]
    assert len(bench.bodies(other)) == 3


def test_the_end_closes_what_is_open(bench: Bench) -> None:
    numbers = [bench.ask(b"a", 500), bench.ask(b"b", 500)]
    bench.turns.pump()
    bench.turns.close()
    assert sorted(bench.ended) == numbers
    assert len(bench.turns) == 0
