"""The receiving side of a worker's streams in an asyncio program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import zmq
import zmq.backend

from . import security
from .publisher import HIGH_WATER

log = logging.getLogger(__name__)

# Messages handed over before the loop may look at its other sockets: 0.5 ms of ticks.
_SLICE: Final = 50
_POLLIN: Final = int(zmq.POLLIN)  # of plain ints; its own type takes longer than the question


class Subscriber:
    """A SUB socket whose messages go to ``on_message``, in slices; ``on_slice`` follows each slice,
    so what waits together can be handled together. Over tcp it takes them from ``worker`` alone.

    ``unhandled`` counts messages that ``on_message`` failed with, see the log.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        on_message: Callable[[bytes], None],
        on_slice: Callable[[], None] | None = None,
        *,
        keys: security.Keys | None = None,
        worker: str = "md_worker",
        high_water: int = HIGH_WATER,
    ) -> None:
        self._on_message, self._on_slice = on_message, on_slice
        self.unhandled = 0
        self._loop = asyncio.get_running_loop()
        self._socket = context.socket(zmq.SUB)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVHWM, high_water)
        # Subscriptions beyond it (1000 by default) would be lost without a word.
        self._socket.set(zmq.SNDHWM, HIGH_WATER)
        security.connect(self._socket, address, keys, worker)
        # Past pyzmq's Python layer, whose options we do not use: 0.5 us less a message.
        self._recv = partial(zmq.backend.Socket.recv, self._socket, zmq.NOBLOCK)
        self._events: Callable[[], Any] = partial(zmq.backend.Socket.get, self._socket, zmq.EVENTS)
        self._fd = int(self._socket.get(zmq.FD))
        self._more: asyncio.Handle | None = None
        self._loop.add_reader(self._fd, self._drain)

    @property
    def behind(self) -> bool:
        """More have come than are taken in one go."""
        return self._more is not None

    def subscribe(self, prefix: bytes) -> None:
        self._socket.setsockopt(zmq.SUBSCRIBE, prefix)
        self._drain_soon()

    def unsubscribe(self, prefix: bytes) -> None:
        self._socket.setsockopt(zmq.UNSUBSCRIBE, prefix)
        self._drain_soon()

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        if self._more is not None:
            self._more.cancel()
            self._more = None
        self._socket.close()

    def _drain_soon(self) -> None:
        # The FD speaks only of changes, and any other use of the socket may swallow one.
        if self._more is None:
            self._more = self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        if self._more is not None:
            self._more.cancel()
            self._more = None
        for number in range(_SLICE):
            # Most messages come alone, and pyzmq's exception costs twice as much as this question.
            if number == 1 and not self._events() & _POLLIN:
                break
            try:
                message = self._recv()
            except zmq.Again:
                break
            try:
                self._on_message(message)
            except Exception:
                self._fail(len(message))
        else:
            self._drain_soon()
        if self._on_slice is not None:
            try:
                self._on_slice()
            except Exception:
                self._fail(0)

    def _fail(self, size: int) -> None:
        self.unhandled += 1
        log.exception("a message was not handled", extra={"fields": {"size": size}})
