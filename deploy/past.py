"""What the recorder has on record."""

from __future__ import annotations

import time

import msgspec
import zmq

from bus.frames import HEADER, message_type, unpack_row
from bus.history import LastTicks, TickBlock
from bus.rpc import Call
from bus.security import Keys, connect

ANSWER_MS = 3000


def newest(address: str, instrument: str, keys: Keys | None = None) -> int:
    """``recv_ns`` of the newest tick of an instrument; 0 without one, or without an answer."""
    body = msgspec.msgpack.encode(LastTicks(instruments=[instrument]))
    call = Call(1, "LastTicks", time.time_ns() + ANSWER_MS * 1_000_000, body=body)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.set(zmq.LINGER, 0)
        connect(socket, address, keys, "recorder")
        socket.send(msgspec.msgpack.encode(call))
        if not socket.poll(ANSWER_MS):
            return 0
        row = unpack_row(socket.recv())
    if row.type != message_type("LastTick"):
        return 0
    block = msgspec.msgpack.decode(row.body, type=TickBlock)
    return int(HEADER.unpack_from(block.data)[2]) if block.ticks else 0
