"""The recorder in a real group: what is in its files is what a subscriber of the bus saw."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from bus.frames import BEAT, Flag, Message, tick_topic, unpack_message, unpack_row
from bus.recording import StreamState
from bus.rpc import Call
from recorder.ticks.record import GAP, Record
from recorder.ticks.store import TickStore
from tests.support.group import Group

NAMES = ("600000", "000001")
WAIT_S = 30


class Bystander:
    """Another subscriber, and a caller of the recorder."""

    def __init__(self, group: Group, *names: str, md: str = "md_worker") -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._sub = self._context.socket(zmq.SUB)
        self._sub.set(zmq.RCVHWM, 0)
        self._sub.connect(group.ready[md]["pub"])
        for name in names:
            self._sub.subscribe(tick_topic(name).encode())
        self.seen: dict[str, list[Message]] = {name: [] for name in names}

    def take(self, wait_ms: int = 20) -> None:
        while self._sub.poll(wait_ms):
            message = unpack_message(self._sub.recv())
            if message.type != BEAT:
                self.seen[message.topic.split("/")[1]].append(message)
            wait_ms = 0

    def until(self, fact: Callable[[], bool], what: str = "") -> None:
        deadline = time.monotonic() + WAIT_S
        while not fact():
            assert time.monotonic() < deadline, what
            self.take()

    def ticks(self, count: int) -> None:
        """Until so many more of each instrument have come."""
        goal = {name: len(seen) + count for name, seen in self.seen.items()}
        self.until(lambda: all(len(self.seen[name]) >= goal[name] for name in goal), "ticks")

    def close(self) -> None:
        self._context.destroy(linger=0)


def ask(group: Group, method: str, body: object = None, recorder: str = "recorder") -> Any:
    """The only row of a call to the recorder; its own message."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.set(zmq.LINGER, 0)
        dealer.connect(group.ready[recorder]["rpc"])
        call = Call(1, method, time.time_ns() + 10**10, body=msgspec.msgpack.encode(body))
        dealer.send(msgspec.msgpack.encode(call))
        assert dealer.poll(WAIT_S * 1000), f"no answer to {method}"
        row = unpack_row(dealer.recv())
        assert row.flags & Flag.LAST
        return msgspec.msgpack.decode(row.body)


def stream(group: Group, name: str = "ticks", recorder: str = "recorder") -> StreamState:
    states = msgspec.convert(ask(group, "Streams", recorder=recorder), list[StreamState])
    return next(state for state in states if state.name == name)


def recorded(group: Group, name: str, recorder: str = "recorder") -> list[Record]:
    """All records of an instrument, over all days."""
    store = TickStore(group.data / recorder / "ticks")
    found = []
    for day in store.days():
        for reader in store.readers(day, name):
            with reader:
                found += list(reader.records())
    return found


def written(group: Group, by: Bystander, recorder: str = "recorder") -> bool:
    """Whether the files reach as far as the bystander has seen."""
    for name, seen in by.seen.items():
        last = [(r.epoch, r.seq) for r in recorded(group, name, recorder)][-1:]
        if not seen or not last or last[0] < (seen[-1].epoch, seen[-1].seq):
            return False
    return True


def check_same(group: Group, by: Bystander, recorder: str = "recorder") -> None:
    """What was seen is in the files, to the last byte, once and in order."""
    for name, seen in by.seen.items():
        records = [r for r in recorded(group, name, recorder) if r.type != GAP]
        places = [(r.epoch, r.seq) for r in records]
        assert places == sorted(set(places))
        by_place = dict(zip(places, records, strict=True))
        for message in seen:
            assert by_place[message.epoch, message.seq] == Record(*message[1:])


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    overrides = {"calendar": "always", "recorder": {"instruments": list(NAMES)}}
    with Group(tmp_path, overrides=overrides) as made:
        made.start("sim", "md_worker", "recorder")
        yield made


@pytest.fixture
def by(group: Group) -> Iterator[Bystander]:
    made = Bystander(group, *NAMES)
    yield made
    made.close()


def test_a_recorder_lets_ticks_and_orders_go_first(group: Group) -> None:
    assert os.getpriority(os.PRIO_PROCESS, group.pid("recorder")) > os.getpriority(
        os.PRIO_PROCESS, group.pid("md_worker")
    )


def test_what_is_in_the_files_is_what_a_subscriber_saw(group: Group, by: Bystander) -> None:
    by.ticks(6)
    by.until(lambda: written(group, by))
    check_same(group, by)
    state = stream(group)
    assert state.running and state.received >= 12 and state.lost == 0
    assert state.written <= state.received and state.last_ns > time.time_ns() - 60 * 10**9
    assert group.stop("recorder") == 0
    by.take()
    by.until(lambda: True)


def test_a_restart_of_the_recorder_leaves_no_hole(group: Group, by: Bystander) -> None:
    by.ticks(3)
    by.until(lambda: written(group, by))
    group.kill("recorder")
    by.ticks(4)  # nobody records them; md_worker keeps 40
    group.start("recorder")
    by.ticks(3)
    by.until(lambda: written(group, by))
    check_same(group, by)
    assert stream(group).lost == 0
    assert ask(group, "State")["healed"] >= 8
    assert not [r for name in NAMES for r in recorded(group, name) if r.type == GAP]


def test_a_restart_of_md_worker_is_marked(group: Group, by: Bystander) -> None:
    by.ticks(3)
    by.until(lambda: written(group, by))
    group.restart("md_worker")
    by.ticks(3)
    by.until(lambda: written(group, by))
    check_same(group, by)
    for name in NAMES:
        (gap,) = [r for r in recorded(group, name) if r.type == GAP]
        assert (gap.epoch, gap.seq, gap.first_missing) == (by.seen[name][-1].epoch, 0, None)


def test_a_stopped_stream_stays_stopped_and_goes_on_without_a_hole(
    group: Group, by: Bystander
) -> None:
    by.ticks(2)
    by.until(lambda: written(group, by))
    assert ask(group, "StopStream", "ticks")["running"] is False
    before = {name: len(recorded(group, name)) for name in NAMES}
    group.restart("recorder")
    by.ticks(3)
    assert stream(group).running is False
    assert {name: len(recorded(group, name)) for name in NAMES} == before
    assert ask(group, "StartStream", "ticks")["running"] is True
    by.ticks(2)
    by.until(lambda: written(group, by))
    check_same(group, by)
    assert stream(group).lost == 0
    assert ask(group, "StopStream", "nonsense")["error_id"]
    assert ask(group, "StopStream", 7)["error_id"]
    assert ask(group, "Nonsense")["error_id"]
