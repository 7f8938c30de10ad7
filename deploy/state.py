"""What a worker says of itself on the bus, once a second."""

from __future__ import annotations

from typing import Any

import msgspec
import zmq

from bus.frames import state_topic, unpack_message
from bus.security import Keys, connect

HEARD_WITHIN_MS = 3000


def heard(pub: str, worker: str, keys: Keys | None = None) -> dict[str, Any] | None:
    """The next state message of the worker that publishes at ``pub``; None when none comes."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.SUBSCRIBE, state_topic(worker).encode())
        connect(socket, pub, keys, worker)
        if not socket.poll(HEARD_WITHIN_MS):
            return None
        state: dict[str, Any] = msgspec.msgpack.decode(unpack_message(socket.recv()).body)
        return state
