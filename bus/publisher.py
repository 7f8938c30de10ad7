"""The sending side of the streams."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, Final

import msgspec
import zmq
import zmq.backend

from .frames import HEADER, Flag, message_type

# Messages waiting for one subscriber before the newest are dropped: a burst, not an outage.
HIGH_WATER: Final = 100_000


class Stream:
    """One topic of one publisher: its last seq and its last message (None: nothing yet)."""

    __slots__ = ("last", "prefix", "seq")

    def __init__(self, topic: str) -> None:
        self.prefix = topic.encode() + b"\0"
        self.seq = 0
        self.last: bytes | None = None


class Publisher:
    """An XPUB socket that several threads may use: whoever holds the lock owns it.

    The API's callback thread sends by itself. Handing each tick to a thread that alone owns the
    socket would cost a wake-up and a change of the interpreter lock, more than the send.
    """

    def __init__(self, context: zmq.Context[Any], address: str, epoch: int, layout: int) -> None:
        self.epoch, self.layout = epoch, layout
        self.lock = threading.Lock()
        self.socket = context.socket(zmq.XPUB)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.SNDHWM, HIGH_WATER)
        self.socket.bind(address)
        self.fd = int(self.socket.get(zmq.FD))
        # Past pyzmq's Python layer, whose options we do not use: 0.5 us less a message.
        self._send = partial(zmq.backend.Socket.send, self.socket)
        self._streams: dict[str, Stream] = {}

    def stream(self, topic: str) -> Stream:
        """The stream of a topic, made at first use."""
        stream = self._streams.get(topic)
        if stream is None:
            stream = self._streams.setdefault(topic, Stream(topic))
        return stream

    def publish(self, stream: Stream, kind: int, flags: int, body: bytes, recv_ns: int) -> int:
        """Send one message; never waits. Returns its seq."""
        with self.lock:
            stream.seq = seq = stream.seq + 1
            header = HEADER.pack(self.epoch, seq, recv_ns, time.time_ns(), kind, self.layout, flags)
            stream.last = message = stream.prefix + header + body
            self._send(message, zmq.NOBLOCK)
        return seq

    def tell(self, topic: str, name: str, message: object) -> int:
        """Publish a message of our own, as msgpack."""
        body = msgspec.msgpack.encode(message)
        stream = self.stream(topic)
        return self.publish(stream, message_type(name), Flag.MSGPACK, body, time.time_ns())

    def subscriptions(self) -> list[tuple[bool, str]]:
        """What subscribers asked for since the last call: (wanted, topic prefix)."""
        changes = []
        with self.lock:
            while self.socket.get(zmq.EVENTS) & zmq.POLLIN:
                message = self.socket.recv(zmq.NOBLOCK)
                changes.append((message[:1] == b"\x01", message[1:].decode("utf-8", "replace")))
        return changes

    def close(self) -> None:
        with self.lock:
            self.socket.close()
