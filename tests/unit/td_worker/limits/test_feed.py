"""Ticks for the price band, over real sockets; md_worker is played by the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from bus.endpoints import Addresses
from bus.errors import Refused
from bus.frames import Flag, Row, message_type, pack_row
from bus.rpc import Call
from td_worker.limits.desk import Limits
from td_worker.limits.ticks import Ticks
from tests.unit.td_worker.limits.helpers import CATALOGUE, order, tick

BAND = 'accounts: {"1": {price_band: 0.02, instruments: [rb2610, "cu*"]}}'


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@dataclass
class World:
    """The limits of a worker, and md_worker's sockets."""

    limits: Limits
    poller: zmq.Poller
    file: Path
    pub: zmq.Socket[bytes]
    rpc: zmq.Socket[bytes]

    def until(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not there():
            assert time.monotonic() < deadline
            self.poller.poll(10)
            self.limits.timers(time.monotonic())


@pytest.fixture
def world(context: zmq.Context[Any], tmp_path: Path) -> World:
    addresses = Addresses(md_pub=f"ipc://{tmp_path}/p", md_rpc=f"ipc://{tmp_path}/r")
    pub, rpc = context.socket(zmq.XPUB), context.socket(zmq.ROUTER)
    pub.bind(addresses.md_pub)
    rpc.bind(addresses.md_rpc)
    file = tmp_path / "limits.yaml"
    file.write_text(BAND)
    poller = zmq.Poller()
    return World(Limits(CATALOGUE, str(file), context, addresses, poller), poller, file, pub, rpc)


def passes(limits: Any, **fields: Any) -> bool:
    call = Call(1, "ReqOrderInsert", 0, body=order(**fields))
    try:
        limits.check(call, 7, time.monotonic())
    except Refused:
        return False
    return True


def subscribed(world: World) -> bytes:
    world.until(lambda: bool(world.pub.poll(0)))
    return world.pub.recv()


def test_a_listed_instrument_is_followed_and_another_one_at_its_first_order(
    world: World, tmp_path: Path
) -> None:
    limits = world.limits.session("1", tmp_path)
    assert subscribed(world) == b"\1tick/rb2610/"
    world.pub.send(tick("rb2610", time.time_ns()))
    world.until(lambda: passes(limits))
    assert not passes(limits, InstrumentID="cu2610")
    assert subscribed(world) == b"\1tick/cu2610/"
    world.pub.send(tick("cu2610", time.time_ns()))
    world.until(lambda: passes(limits, InstrumentID="cu2610"))


def test_the_last_tick_is_asked_of_md_worker(world: World, tmp_path: Path) -> None:
    limits = world.limits.session("1", tmp_path)
    world.until(lambda: not passes(limits) and bool(world.rpc.poll(0)))
    peer, frame = world.rpc.recv_multipart()
    call = msgspec.msgpack.decode(frame, type=Call)
    assert (call.method, msgspec.msgpack.decode(call.body)) == ("Snapshot", ["rb2610"])
    flags = Flag.HAS_FIELD | Flag.LAST
    body = tick("rb2610", time.time_ns())
    kind = message_type("Snapshot")
    row = Row(call.id, 0, 0, kind, CATALOGUE.layout_id, flags, body)
    world.rpc.send_multipart([peer, b"rubbish"])
    world.rpc.send_multipart([peer, pack_row(row)])
    world.until(lambda: passes(limits))


def test_without_a_rule_that_needs_ticks_there_is_no_socket(
    context: zmq.Context[Any], tmp_path: Path
) -> None:
    poller = zmq.Poller()
    limits = Limits(CATALOGUE, "", context, Addresses(), poller)  # no address to connect to
    assert passes(limits.session("1", tmp_path))
    assert not poller.sockets
    assert limits.describe()["ticks"] is None


def test_sockets_come_and_go_with_the_rules(world: World, tmp_path: Path) -> None:
    limits = world.limits.session("1", tmp_path)
    assert len(world.poller.sockets) == 2
    world.file.write_text("defaults: {max_volume: 1}")
    world.until(lambda: world.limits.describe()["reloads"] == 1)
    assert not world.poller.sockets
    assert passes(limits)
    world.file.write_text(BAND)
    world.until(lambda: world.limits.describe()["reloads"] == 2)
    assert len(world.poller.sockets) == 2
    assert not passes(limits)
    assert subscribed(world) == b"\1tick/rb2610/"


def test_what_is_no_tick_of_ours_is_passed_over() -> None:
    ticks = Ticks(CATALOGUE)
    ticks.want(["rb2610", "", "a/b", "a\0"], 5.0)
    assert ticks.unasked == ["rb2610"]
    good = tick("rb2610", time.time_ns())
    for message in (b"", good[:-1], good[:20], tick("cu2610", 1), b"tick/rb2610/\0" + bytes(9)):
        ticks.accept(message, 5.0)
    assert ticks.last("rb2610") is None
    assert ticks.last("cu2610") is None
    ticks.accept(good, 5.0)
    assert ticks.last("rb2610") is not None


def test_an_instrument_is_asked_for_once_a_second() -> None:
    ticks = Ticks(CATALOGUE)
    for now in (0.0, 0.5, 0.9, 1.0, 1.5):
        ticks.want(["rb2610"], now)
    assert ticks.unasked == ["rb2610", "rb2610"]


def test_made_up_instruments_do_not_fill_the_memory() -> None:
    ticks = Ticks(CATALOGUE)
    for number in range(1500):
        ticks.want([f"x{number}"], 0.0)
        ticks.last("x3")
    assert len(ticks) == 1000
    assert len(ticks.unwanted) == 500
    assert "x3" not in ticks.unwanted
