"""Ticks from md_worker, which may be away."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from typing import Any, Final

import msgspec
import zmq

from bus.endpoints import Addresses
from bus.frames import FrameError, message_type, tick_topic, unpack_row
from bus.publisher import HIGH_WATER
from bus.rpc import Call
from bus.security import Keys, connect

from .ticks import Ticks

_AT_ONCE: Final = 500  # messages taken before the worker goes on with orders
_DEADLINE_NS: Final = 2_000_000_000
_SNAPSHOT: Final = message_type("Snapshot")


class Feed:
    """A SUB and a DEALER socket of the main thread; whoever polls registers ``sockets``."""

    def __init__(
        self, context: zmq.Context[Any], addresses: Addresses, ticks: Ticks, keys: Keys | None
    ) -> None:
        self._ticks = ticks
        self._ids = itertools.count(1)
        self._followed: set[str] = set()
        self._sub = context.socket(zmq.SUB)
        self._rpc = context.socket(zmq.DEALER)
        self._rpc.set(zmq.IDENTITY, b"l" + os.urandom(12))
        self._rpc.set(zmq.IMMEDIATE, 1)  # nothing is queued for a worker that is away
        for socket, address in ((self._sub, addresses.md_pub), (self._rpc, addresses.md_rpc)):
            socket.set(zmq.LINGER, 0)
            socket.set(zmq.RCVHWM, HIGH_WATER)
            connect(socket, address, keys, "md_worker")
        self.sockets = (self._sub, self._rpc)

    def pump(self, now: float) -> None:
        """Take what has come and ask for what is wanted; never waits."""
        for _ in range(_AT_ONCE):
            try:
                self._ticks.accept(self._sub.recv(zmq.NOBLOCK), now)
            except zmq.Again:
                break
        for _ in range(_AT_ONCE):
            try:
                self._on_row(self._rpc.recv(zmq.NOBLOCK), now)
            except zmq.Again:
                break
        self._follow()

    def close(self) -> None:
        for socket in self.sockets:
            socket.close()

    def _follow(self) -> None:
        names, self._ticks.unasked = self._ticks.unasked, []
        left, self._ticks.unwanted = self._ticks.unwanted, []
        for name in left:
            self._sub.unsubscribe(tick_topic(name))
            self._followed.discard(name)
        for name in names:
            if name not in self._followed:
                self._followed.add(name)
                self._sub.subscribe(tick_topic(name))
        if names:
            self._ask(names)

    def _ask(self, names: list[str]) -> None:
        body, deadline = msgspec.msgpack.encode(names), time.time_ns() + _DEADLINE_NS
        call = Call(next(self._ids), "Snapshot", deadline, body=body)
        with contextlib.suppress(zmq.Again):  # the first live tick will do
            self._rpc.send(msgspec.msgpack.encode(call), zmq.NOBLOCK)

    def _on_row(self, frame: bytes, now: float) -> None:
        with contextlib.suppress(FrameError):
            row = unpack_row(frame)
            if row.type == _SNAPSHOT and row.body:
                self._ticks.accept(row.body, now)
