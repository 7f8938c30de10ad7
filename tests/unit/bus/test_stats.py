"""What processes say of themselves, and over which sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from admin.keygen import make
from bus.endpoints import Addresses
from bus.frames import Flag, message_type, stat_topic, unpack_message
from bus.roles import ROLES
from bus.security import Keys, connect
from bus.stats import (
    BUCKETS,
    MdStat,
    Meter,
    Stat,
    StatSocket,
    age,
    buckets,
    program_name,
    stat_address,
    with_more,
)
from tests.support.deployment import free_port

WAIT_MS = 5000


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    with zmq.Context() as made:
        yield made


def test_every_difference_of_times_has_a_bucket() -> None:
    counts = buckets()
    for delay in (0, 1, 1023, 1024, 2**64 - 1, -(2**64 - 1), -5):
        counts[delay.bit_length()] += 1
    assert len(counts) == BUCKETS
    assert (counts[0], counts[10], counts[11], counts[64]) == (1, 1, 1, 2)


def test_a_message_says_what_the_process_uses() -> None:
    counts = buckets()
    counts[3] = 7
    stat = Meter("md_worker").stat(
        {"ticks": 5}, {"calls": 1}, {"wanted": 2}, hops={"publish": counts, "front": buckets()}
    )
    assert (stat.program, stat.pid) == ("md_worker", os.getpid())
    assert 1 << 20 < stat.memory < 1 << 34
    assert 0 < stat.files < stat.most_files
    assert stat.hops == {"publish": [0, 0, 0, 7], "front": []}
    read = msgspec.msgpack.decode(
        msgspec.msgpack.encode(with_more(stat, instruments=["rb2701"])), type=MdStat
    )
    assert read.instruments == ["rb2701"]
    assert read.counters == {"ticks": 5}


def test_a_message_is_due_once_a_second() -> None:
    meter = Meter("sim")
    now = time.monotonic()
    assert not meter.due(now + 0.5)
    assert meter.due(now + 1.1)
    meter.stat({}, {})
    assert not meter.due(now + 0.9)


def test_any_number_of_readers_hear_a_process_that_has_no_other_socket(
    context: zmq.Context[Any], tmp_path: Path
) -> None:
    address = stat_address(Addresses(), str(tmp_path / "var"), program_name("ws_edge", "1"))
    assert address.endswith("/stat.ws_edge_1")
    socket = StatSocket(context, address, None, "ws_edge_1")
    readers = [context.socket(zmq.SUB) for _ in range(2)]
    for reader in readers:
        reader.subscribe("stat/")
        reader.connect(address)
    meter = Meter("ws_edge_1")
    for reader in readers:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not reader.poll(20):
            assert time.monotonic() < deadline
            socket.tell(meter.stat({}, {}))
        message = unpack_message(reader.recv())
        assert (message.topic, message.flags) == (stat_topic("ws_edge_1"), Flag.MSGPACK)
        assert message.type == message_type("Stat")
        assert msgspec.msgpack.decode(message.body, type=Stat).program == "ws_edge_1"
        reader.close(linger=0)
    socket.close()


def test_an_address_of_one_s_own_is_taken() -> None:
    addresses = Addresses(stat_pub={"recorder": "tcp://10.0.0.5:5571"})
    assert stat_address(addresses, "var", "recorder") == "tcp://10.0.0.5:5571"


def test_what_was_never_heard_has_no_age() -> None:
    assert (age(7.5, 7.0), age(7.5, 0.0)) == (0.5, -1.0)


def test_between_machines_figures_are_for_admin_alone(
    context: zmq.Context[Any], tmp_path: Path
) -> None:
    make(tmp_path / "keys", list(ROLES))
    address = f"tcp://127.0.0.1:{free_port()}"
    edge = Keys(tmp_path / "keys", "edge")
    told = StatSocket(context, address, edge, "ws_edge")
    readers = {}
    for role in ("admin", "client", "service", "recorder"):
        readers[role] = context.socket(zmq.SUB)
        readers[role].set(zmq.LINGER, 0)
        readers[role].subscribe("stat/")
        connect(readers[role], address, Keys(tmp_path / "keys", role), "edge")
    meter = Meter("ws_edge")
    deadline = time.monotonic() + WAIT_MS / 1000
    while not readers["admin"].poll(50) or edge.refused < 3:
        assert time.monotonic() < deadline
        told.tell(meter.stat({}, {}))
    heard = [role for role, reader in readers.items() if reader.poll(0)]
    assert heard == ["admin"]
    for reader in readers.values():
        reader.close()
    told.close()
    edge.close()
