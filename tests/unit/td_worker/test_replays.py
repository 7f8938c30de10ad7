"""The verb "Returns", with a caller that reads as the test wants."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import zmq

from bus.errors import Refused
from bus.frames import HEADER, Flag, Row, message_type
from bus.orders import After, Place
from bus.rpc import Call, Router
from schemas.errors import BAD_REQUEST, NETWORK_FAILURE
from td_worker.returns.journal import Journal
from td_worker.returns.records import NO_DIGEST
from td_worker.returns.replays import Replays

DAY = "20261123"


class FakeRouter:
    """Callers that take as many rows as they have ``room`` for; without an entry they are gone."""

    def __init__(self) -> None:
        self.room = {b"a": 10**9, b"b": 10**9}
        self.rows: list[tuple[bytes, Row]] = []
        self.refused: list[str] = []

    def offer(self, peer: bytes, row: Row) -> int:
        if peer not in self.room:
            return zmq.EHOSTUNREACH
        if not self.room[peer]:
            return zmq.EAGAIN
        self.room[peer] -= 1
        self.rows.append((peer, row))
        return 0

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self.refused.append(error.detail)

    def frames(self, peer: bytes = b"a") -> list[bytes]:
        return [row.body for whose, row in self.rows if whose == peer and not row.flags & Flag.LAST]


def frame(seq: int) -> bytes:
    return b"td/9999/u1/\0" + HEADER.pack(7, seq, 0, 0, 1, 0x670B, 1) + bytes(800)


class Bench:
    def __init__(self, folder: Path, count: int) -> None:
        self.router = FakeRouter()
        self.replays = Replays(cast(Router, self.router), 0x670B)
        self.journal = Journal(folder, keep_days=3)
        self.journal.begin(DAY)
        self.frames: list[bytes] = []
        self.now = 100.0
        self.grow(count)

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.frames.append(frame(len(self.frames) + 1))
            self.journal.append(NO_DIGEST, self.frames[-1])

    def ask(self, seq: int = 0, peer: bytes = b"a", *, left_s: float = 60, **options: Any) -> None:
        deadline = time.time_ns() + int(left_s * 1e9)
        body = options.pop("body", msgspec.msgpack.encode(Place(7 if seq else 0, seq)))
        call = Call(3, "Returns", deadline, request_id=9, body=body)
        self.replays.accept(peer, call, self.journal)

    def turn(self) -> bool:
        """One turn of the loop, when it is due; whether it was."""
        due = self.replays.due()
        if due is not None:
            self.now = max(self.now + 1e-4, due)
            self.replays.pump(self.now)
        return due is not None

    def finish(self) -> None:
        while self.turn():
            pass


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, 10)


def test_the_rows_are_the_messages_as_published_and_the_place_reached(bench: Bench) -> None:
    bench.ask(4)
    bench.finish()
    assert bench.router.frames() == bench.frames[4:]
    *rows, last = [row for _, row in bench.router.rows]
    assert {(row.id, row.request_id, row.after_seq) for row in (*rows, last)} == {(3, 9, 0)}
    assert {row.type for row in rows} == {message_type("Return")}
    assert {row.flags for row in rows} == {Flag.LOCAL | Flag.HAS_FIELD}
    assert last.type == message_type("Returns")
    assert msgspec.msgpack.decode(last.body, type=Place) == Place(7, 10)


@pytest.mark.parametrize("most", [1, 4, 6, 7])
def test_who_wants_a_part_is_told_how_far_it_goes(bench: Bench, most: int) -> None:
    bench.ask(body=msgspec.msgpack.encode(After(7, 4, most)))
    bench.finish()
    assert bench.router.frames() == bench.frames[4 : 4 + most]
    reached = msgspec.msgpack.decode(bench.router.rows[-1][1].body, type=Place)
    assert reached == Place(7, min(4 + most, 10))


def test_who_has_everything_gets_only_his_place(bench: Bench) -> None:
    bench.ask(10)
    bench.finish()
    assert [row.flags & Flag.LAST for _, row in bench.router.rows] == [Flag.LAST]


def test_what_is_published_meanwhile_is_not_part_of_it(bench: Bench) -> None:
    bench.ask(1)
    bench.grow(5)
    bench.finish()
    assert bench.router.frames() == bench.frames[1:10]
    assert msgspec.msgpack.decode(bench.router.rows[-1][1].body, type=Place) == Place(7, 10)


def test_a_place_that_is_not_known_is_refused_with_what_to_do(bench: Bench) -> None:
    with pytest.raises(Refused) as refusal:
        bench.ask(11)
    assert refusal.value.error_id == NETWORK_FAILURE
    assert refusal.value.detail == (
        "the returns after 7/11 are not kept: query orders, trades and positions anew and go on "
        "from 7/10"
    )


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x93\x01\x02\x03", msgspec.msgpack.encode({})])
def test_a_body_that_is_no_place_is_refused(bench: Bench, body: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        bench.ask(body=body)
    assert refusal.value.error_id == BAD_REQUEST


def test_a_long_replay_leaves_the_loop_its_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock on which a row takes 20 us."""
    bench = Bench(tmp_path, 2000)
    monkeypatch.setattr(time, "perf_counter", lambda: len(bench.router.rows) * 20e-6)
    bench.ask()
    turns: list[float] = []
    while bench.replays.due() is not None:
        began = time.perf_counter()
        bench.turn()
        turns.append(time.perf_counter() - began)
    assert max(turns) < 0.005
    assert min(turns[:-1]) > 0.001, "and it gets on"
    assert bench.router.frames() == bench.frames


def test_a_replay_is_not_faster_than_a_caller_reads(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 20_000)
    began = bench.now
    bench.ask()
    bench.finish()
    assert bench.router.frames() == bench.frames
    assert 0.4 < bench.now - began < 0.6, "10,000 at once and 20,000 a second"


def test_replays_share_the_turns(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2000)
    bench.ask()
    bench.ask(peer=b"b")
    bench.turn()
    assert abs(len(bench.router.frames(b"a")) - len(bench.router.frames(b"b"))) <= 32
    bench.finish()
    assert bench.router.frames(b"a") == bench.router.frames(b"b") == bench.frames


def test_a_caller_that_does_not_read_loses_nothing_and_holds_nobody_up(bench: Bench) -> None:
    bench.router.room[b"a"] = 3
    bench.ask()
    bench.ask(peer=b"b")
    bench.finish()
    assert bench.router.frames(b"b") == bench.frames
    assert len(bench.router.frames()) == 3
    for _ in range(3):
        bench.replays.pump(bench.now)
        assert bench.replays.due() is None, "nothing to do until the timer"
    bench.router.room[b"a"] = 100
    bench.replays.pump(bench.now)
    assert bench.router.frames() == bench.frames


def test_a_caller_that_is_gone_ends_his_replay(bench: Bench) -> None:
    bench.ask(peer=b"x")
    bench.finish()
    bench.replays.pump(bench.now)
    assert (bench.router.rows, bench.router.refused) == ([], [])


def test_a_replay_ends_with_its_call(bench: Bench) -> None:
    bench.ask(left_s=-0.1)
    bench.finish()
    assert bench.router.refused == [
        "no time was left for all; ask again from the last one you have"
    ]


def test_a_journal_that_cannot_be_read_is_no_end_of_the_worker(bench: Bench) -> None:
    bench.ask()
    bench.journal.close()
    bench.finish()
    assert bench.router.refused == [
        "returns that cannot be read are not kept: query orders and trades"
    ]


def test_replays_are_limited(bench: Bench) -> None:
    for _ in range(100):
        bench.ask()
    with pytest.raises(Refused, match="under way"):
        bench.ask()
    bench.finish()
    bench.ask()
