"""The bus itself: a Publisher and a Subscriber, a Router and a Caller, against bare pyzmq.

    python -m tests.bench.bus [--rounds N]

Both sides are processes. "bare" is pyzmq as one would use it by hand: PUB ``send`` and SUB
``recv`` of frames of the same size, DEALER and ROUTER; "ctpbus" adds header, seq, the ticks that it
keeps and the receiver's event loop (uvloop), which is where a message must arrive in an edge.

throughput  bursts of 50,000 ticks that are taken as they come; ctpbus's receiver sees their seq and
            fails when one is missing
latency     1,000 ticks a second, from before the send to the handler
round trip  one call after the other; "at once": 100 are always on their way
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import uvloop
import zmq

import schemas.catalogue
from bus.frames import Flag, message_type, unpack_message
from bus.publisher import HIGH_WATER, Publisher
from bus.subscriber import Subscriber

from .calls import Trips, bare_trips, our_trips
from .json_ratio import tick_bytes
from .roads import TIMEOUT_S, TOPIC, Road, beside, end_of, make_keys, message_size
from .table import finish, header, quantile, row

T = TypeVar("T")
BURST, BURSTS = 50_000, 3
PACED, PACE = 2_000, 1_000
_STAMP = struct.Struct("<Q")
_TICK = message_type("OnRtnDepthMarketData")


# -- the other process -----------------------------------------------------------------------


def _obey(pipe: Connection, send: Callable[[], object]) -> None:
    """Each order is so many messages at a rate; 0: flat out."""
    while True:
        count, rate = pipe.recv()
        due = time.monotonic()
        for _ in range(count):
            if rate:
                due += 1 / rate
                time.sleep(max(0.0, due - time.monotonic()))
            send()


def our_sender(pipe: Connection, road: Road) -> None:
    catalogue = schemas.catalogue.load()
    body, flags = tick_bytes(catalogue), Flag.HAS_FIELD
    publisher = Publisher(
        zmq.Context(), road.address, 1, catalogue.layout_id, keep=40, keys=road.server_keys
    )
    stream = publisher.stream(TOPIC)
    pipe.send(end_of(publisher.socket))
    _obey(pipe, lambda: publisher.publish(stream, _TICK, flags, body, time.time_ns()))


def bare_sender(pipe: Connection, road: Road) -> None:
    topic, rest = TOPIC.encode(), bytes(message_size() - _STAMP.size - len(TOPIC))
    socket = zmq.Context().socket(zmq.PUB)
    socket.set(zmq.SNDHWM, HIGH_WATER)
    pipe.send(road.serve(socket))
    _obey(pipe, lambda: socket.send(topic + _STAMP.pack(time.time_ns()) + rest))


# -- PUB and SUB -----------------------------------------------------------------------------


@dataclass
class Figures:
    """ticks a second of each burst; latencies in ms."""

    rates: list[float]
    latencies: list[float]


def ours(road: Road) -> Figures:
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with beside(our_sender, road) as (pipe, address), runner:
        return runner.run(_ours(pipe, address, road))


async def _ours(pipe: Connection, address: str, road: Road) -> Figures:
    seen, first, last, expected = 0, 0.0, 0.0, 0
    latencies: list[float] = []
    timed = False
    done = asyncio.Event()

    def on_message(frame: bytes) -> None:
        nonlocal seen, first, last, expected
        message = unpack_message(frame)
        assert not expected or message.seq == expected, f"{message.seq} instead of {expected}"
        expected = message.seq + 1
        seen += 1
        if timed:
            latencies.append((time.time_ns() - message.sent_ns) / 1e6)
        if seen == 1:
            first = time.perf_counter()
        if seen == target:
            last = time.perf_counter()
            done.set()

    context: zmq.Context[Any] = zmq.Context()
    subscriber = Subscriber(context, address, on_message, keys=road.client_keys)
    subscriber.subscribe(TOPIC.encode())
    target = 1
    async with asyncio.timeout(TIMEOUT_S):
        while not done.is_set():  # until the subscription has arrived
            pipe.send((1, 0))
            await asyncio.sleep(0.05)
        rates = []
        await asyncio.sleep(0.2)
        for _ in range(BURSTS):
            seen, target = 0, BURST
            done.clear()
            pipe.send((BURST, 0))
            await done.wait()
            rates.append((BURST - 1) / (last - first))
        seen, target, timed = 0, PACED, True
        done.clear()
        pipe.send((PACED, PACE))
        await done.wait()
    subscriber.close()
    context.term()
    assert not subscriber.unhandled
    return Figures(rates, latencies)


def bare(road: Road) -> Figures:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.set(zmq.RCVHWM, HIGH_WATER)
    socket.set(zmq.RCVTIMEO, 50)
    socket.subscribe(TOPIC)
    with beside(bare_sender, road) as (pipe, address):
        road.reach(socket, address)
        while True:
            pipe.send((1, 0))
            try:
                socket.recv()
                break
            except zmq.Again:
                continue
        try:
            while True:
                socket.recv()
        except zmq.Again:
            pass
        socket.set(zmq.RCVTIMEO, int(TIMEOUT_S * 1000))
        rates, latencies = [], []
        for _ in range(BURSTS):
            pipe.send((BURST, 0))
            socket.recv()
            first = time.perf_counter()
            for _ in range(BURST - 1):
                socket.recv()
            rates.append((BURST - 1) / (time.perf_counter() - first))
        pipe.send((PACED, PACE))
        for _ in range(PACED):
            frame = socket.recv()
            sent = _STAMP.unpack_from(frame, len(TOPIC))[0]
            latencies.append((time.time_ns() - sent) / 1e6)
    socket.close(linger=0)
    context.term()
    return Figures(rates, latencies)


# ----------------------------------------------------------------------------------------------


def show_streams(name: str, rounds: Sequence[Figures]) -> None:
    rates = [rate / 1000 for one in rounds for rate in one.rates]
    latencies = [value for one in rounds for value in one.latencies]
    row(
        name,
        k_a_second=median(rates),
        most=max(rates),
        p50_ms=quantile(latencies, 0.5),
        p99_ms=quantile(latencies, 0.99),
        max_ms=max(latencies),
    )


def show_trips(name: str, rounds: Sequence[Trips]) -> None:
    each = [value for one in rounds for value in one.each]
    row(
        name,
        p50_ms=quantile(each, 0.5),
        p99_ms=quantile(each, 0.99),
        max_ms=max(each),
        at_once_a_second=int(median(one.at_once for one in rounds)),
    )


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    parser = argparse.ArgumentParser(description="the bus against bare pyzmq")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        keys = make_keys(Path(folder) / "keys")
        ipc = Road("ipc", f"ipc://{folder}/bus")
        curve = Road("tcp with CURVE", "tcp://127.0.0.1:*", keys)
        tcp = Road("tcp without", "tcp://127.0.0.1:*")
        roads = [ipc, tcp, curve]
        header(f"PUB and SUB, {message_size()} bytes")
        for name, figures in in_turns(roads, bare, ours, rounds).items():
            show_streams(name, figures)
        header(f"round trips, {message_size()} bytes")
        for name, trips in in_turns(roads, bare_trips, our_trips, rounds).items():
            show_trips(name, trips)
    return []


def in_turns(
    roads: Sequence[Road], theirs: Callable[[Road], T], ours: Callable[[Road], T], rounds: int
) -> dict[str, list[T]]:
    """The figures by name; each round measures everything once. ctpbus has no tcp without keys."""
    results: dict[str, list[T]] = {}
    for _ in range(rounds):
        for road in roads:
            results.setdefault(f"bare, {road.name}", []).append(theirs(road))
            if road.keys or road.address.startswith("ipc"):
                results.setdefault(f"ctpbus, {road.name}", []).append(ours(road))
    return results


if __name__ == "__main__":
    finish(main())
