"""Round trips over the bus: a Caller and a Router, and bare pyzmq. Part of bus.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import uvloop
import zmq

from bus.errors import Unavailable
from bus.frames import Flag, Row, message_type
from bus.rpc import Caller, Router

from .roads import TIMEOUT_S, Road, beside, end_of, message_size

CALLS, AT_ONCE = 3_000, 100


def our_answerer(pipe: Connection, road: Road) -> None:
    router = Router(zmq.Context(), road.address, 0, road.server_keys)
    pipe.send(end_of(router.socket))
    flags, kind = Flag.LAST | Flag.HAS_FIELD, message_type("RspBench")
    while True:
        router.socket.poll()
        while received := router.receive():
            peer, call = received
            router.send(peer, Row(call.id, 0, call.request_id, kind, 0, flags, call.body))


def bare_answerer(pipe: Connection, road: Road) -> None:
    socket = zmq.Context().socket(zmq.ROUTER)
    pipe.send(road.serve(socket))
    while True:
        socket.send_multipart(socket.recv_multipart())


@dataclass
class Trips:
    """Round trips in ms, and calls a second with many on their way."""

    each: list[float]
    at_once: float


def our_trips(road: Road) -> Trips:
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with beside(our_answerer, road) as (_, address), runner:
        return runner.run(_our_trips(address, road))


async def _our_trips(address: str, road: Road) -> Trips:
    context: zmq.Context[Any] = zmq.Context()
    keys = road.client_keys
    caller = Caller(context, address, "md_worker", keys)
    loop, body = asyncio.get_running_loop(), bytes(message_size())
    deadline_ns = time.time_ns() + int(TIMEOUT_S * 1e9)

    def call(on_row: Callable[[Row], None]) -> None:
        caller.call("Bench", on_row, deadline_ns=deadline_ns, body=body)

    async def trip() -> None:
        answered = loop.create_future()
        call(answered.set_result)
        await answered

    async with asyncio.timeout(TIMEOUT_S):
        await _reachable(call)
        each = []
        for _ in range(CALLS):
            began = time.perf_counter()
            await trip()
            each.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()

        async def many() -> None:
            for _ in range(CALLS // AT_ONCE):
                await trip()

        await asyncio.gather(*(many() for _ in range(AT_ONCE)))
        speed = CALLS // AT_ONCE * AT_ONCE / (time.perf_counter() - began)
    caller.close()
    context.term()
    return Trips(each, speed)


async def _reachable(call: Callable[[Callable[[Row], None]], None]) -> None:
    """A Caller queues nothing for a worker that is not connected yet."""
    while True:
        answered = asyncio.get_running_loop().create_future()
        try:
            call(answered.set_result)
            await answered
            return
        except Unavailable:
            await asyncio.sleep(0.01)


def bare_trips(road: Road) -> Trips:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.set(zmq.RCVTIMEO, int(TIMEOUT_S * 1000))
    body = bytes(message_size())
    with beside(bare_answerer, road) as (_, address):
        road.reach(socket, address)
        socket.send(body)
        socket.recv()
        each = []
        for _ in range(CALLS):
            began = time.perf_counter()
            socket.send(body)
            socket.recv()
            each.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            socket.send(body)
        for _ in range(CALLS - AT_ONCE):
            socket.recv()
            socket.send(body)
        for _ in range(AT_ONCE):
            socket.recv()
        speed = CALLS / (time.perf_counter() - began)
    socket.close(linger=0)
    context.term()
    return Trips(each, speed)
