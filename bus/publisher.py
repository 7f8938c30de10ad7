"""The sending side of the streams."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import msgspec
import zmq
import zmq.backend

from . import security
from .endpoints import HIGH_WATER as HIGH_WATER
from .frames import BEAT, HEADER, Flag, message_type
from .stats import buckets

log = logging.getLogger(__name__)

_LONGEST_TOPIC: Final = 1024  # bytes of a subscription; a longer one ends its connection
# Subscriptions taken under one lock, so that a flood of them does not stop the ticks, and in all.
_UNDER_LOCK: Final = 256
_AT_ONCE: Final = 8192
_MOST_ENDED: Final = 10_000  # topics whose seq is remembered one by one


class Stream:
    """One topic of one publisher: its last seq, its last message (None: nothing yet, or nothing
    that counts now) and the last ones that were published, whether they still count or not."""

    __slots__ = ("kept", "last", "prefix", "seq")

    def __init__(self, topic: str, seq: int = 0, keep: int = 1) -> None:
        self.prefix = topic.encode() + b"\0"
        self.seq = seq
        self.last: bytes | None = None
        self.kept: deque[bytes] = deque(maxlen=keep)

    @property
    def recv_ns(self) -> int:
        """Of the last message that was published; 0 before it."""
        if not self.kept:
            return 0
        return int(HEADER.unpack_from(self.kept[-1], len(self.prefix))[2])


class Publisher:
    """An XPUB socket that several threads may use: whoever holds the lock owns it.

    The API's callback thread sends by itself. Handing each tick to a thread that alone owns the
    socket would cost a wake-up and a change of the interpreter lock, more than the send.

    ``keep``: how many messages of each topic can be had again. ``high_water``: how many may wait
    for one subscriber before the newest are dropped. ``patience_s``: how long everything waits
    for a subscriber with so many. A real front's ticks wait for nobody (0), those of a recording
    do. Once it is used up nobody is waited for any more.

    delays  from the callback to here, counted by who publishes what comes from the counter
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        epoch: int,
        layout: int,
        keep: int = 1,
        *,
        keys: security.Keys | None = None,
        high_water: int = HIGH_WATER,
        patience_s: float = 0.0,
    ) -> None:
        self.epoch, self.layout, self._keep = epoch, layout, keep
        self.lock = threading.Lock()
        self.delays = buckets()
        self.socket = context.socket(zmq.XPUB)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.SNDHWM, high_water)
        # libzmq loses subscriptions beyond this (1000 by default) without a word; a subscriber
        # needs the same as its SNDHWM.
        self.socket.set(zmq.RCVHWM, HIGH_WATER)
        self.socket.set(zmq.MAXMSGSIZE, _LONGEST_TOPIC)
        security.bind(context, self.socket, address, keys, "pub")
        self.fd = int(self.socket.get(zmq.FD))
        # Past pyzmq's Python layer, whose options we do not use: 0.5 us less a message.
        self._send: Callable[[bytes, int], object] = partial(zmq.backend.Socket.send, self.socket)
        if patience_s:
            self.socket.set(zmq.XPUB_NODROP, 1)
            self._patience_s, self._send_now = patience_s, self._send
            self._send = self._send_patiently
        self._streams: dict[str, Stream] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()  # topics that were dropped, their seq
        self._floor = 0  # above every seq of a topic that is not remembered any more

    def stream(self, topic: str) -> Stream:
        """The stream of a topic, made at first use."""
        stream = self._streams.get(topic)
        if stream is None:
            begun = Stream(topic, self._ended.pop(topic, self._floor), self._keep)
            stream = self._streams.setdefault(topic, begun)
        return stream

    def last(self, topic: str) -> bytes | None:
        """The last message of a topic; makes no stream for what somebody only asks about."""
        stream = self._streams.get(topic)
        return stream.last if stream is not None else None

    def since(self, topic: str, epoch: int, seq: int) -> tuple[list[bytes], int]:
        """What is kept of a topic after this place, oldest first, and its last seq."""
        with self.lock:
            stream = self._streams.get(topic)
            if stream is None:
                return [], self._ended.get(topic, self._floor)
            kept, last = list(stream.kept), stream.seq
        if epoch < self.epoch:
            seq = 0
        elif epoch > self.epoch:
            seq = last
        return kept[max(0, len(kept) - max(0, last - seq)) :], last

    def forget(self, topic: str) -> None:
        """The last message of a topic says nothing any more; its seq goes on."""
        stream = self._streams.get(topic)
        if stream is not None:
            stream.last = None

    def drop(self, topic: str) -> None:
        """A topic ends. If it ever comes back its seq goes on, or leaves some out when many topics
        have ended since; it never repeats one, which a subscriber would take for old."""
        stream = self._streams.pop(topic, None)
        if stream is None or not stream.seq:
            return
        self._ended[topic] = stream.seq
        if len(self._ended) > _MOST_ENDED:
            self._floor = max(self._floor, self._ended.popitem(last=False)[1])

    def publish(
        self,
        stream: Stream,
        kind: int,
        flags: int,
        body: bytes,
        recv_ns: int,
        keep: Callable[[bytes], None] | None = None,
    ) -> int:
        """Send one message; never waits. Returns its seq. ``keep`` gets the message first."""
        with self.lock:
            stream.seq = seq = stream.seq + 1
            header = HEADER.pack(self.epoch, seq, recv_ns, time.time_ns(), kind, self.layout, flags)
            stream.last = message = stream.prefix + header + body
            stream.kept.append(message)
            if keep is not None:
                keep(message)
            self._send(message, zmq.NOBLOCK)
        return seq

    def tell(
        self,
        topic: str,
        name: str,
        message: object,
        keep: Callable[[bytes], None] | None = None,
    ) -> int:
        """Publish a message of our own, as msgpack."""
        body = msgspec.msgpack.encode(message)
        stream = self.stream(topic)
        return self.publish(stream, message_type(name), Flag.MSGPACK, body, time.time_ns(), keep)

    def beat(self, topics: Iterable[str]) -> None:
        """Tell on each of these topics how far it has come, also where nothing was published yet.
        In the pipe of the messages: who has not got the last one by now has lost it."""
        with self.lock:
            for topic in topics:
                self._send(self._beat(topic), zmq.NOBLOCK)

    def subscriptions(self) -> list[tuple[bool, str]]:
        """What subscribers asked for since the last call: (wanted, topic prefix).

        Not more than some thousands at once; the next call goes on.
        """
        changes: list[tuple[bool, str]] = []
        while len(changes) < _AT_ONCE:
            messages = self._received()
            # Other first bytes are messages that a peer made up; XPUB hands over any.
            changes += [
                (message[0] == 1, message[1:].decode("utf-8", "replace"))
                for message in messages
                if message[:1] in (b"\0", b"\1")
            ]
            if len(messages) < _UNDER_LOCK:
                break
        return changes

    def close(self, linger_s: float = 0.0) -> None:
        """Not before subscribers have what waits for them, for ``linger_s`` at the most."""
        with self.lock:
            self.socket.close(linger=int(linger_s * 1000))

    def _send_patiently(self, message: bytes, flags: int) -> None:
        """With the lock held: nothing may overtake the message that waits, Beats neither."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._send_now(message, flags)
                return
            except zmq.Again:
                if time.monotonic() > deadline:
                    log.warning("a subscriber takes nothing and loses messages")
                    self.socket.set(zmq.XPUB_NODROP, 0)
            time.sleep(0.0005)

    def _beat(self, topic: str) -> bytes:
        stream = self._streams.get(topic)  # none is made for what nothing may ever be published on
        if stream is None:
            prefix, seq, recv_ns = topic.encode() + b"\0", self._ended.get(topic, self._floor), 0
        else:
            prefix, seq, recv_ns = stream.prefix, stream.seq, stream.recv_ns
        now = time.time_ns()
        return prefix + HEADER.pack(self.epoch, seq, recv_ns, now, BEAT, self.layout, Flag.LOCAL)

    def _received(self) -> list[bytes]:
        messages: list[bytes] = []
        with self.lock:
            while len(messages) < _UNDER_LOCK and self.socket.get(zmq.EVENTS) & zmq.POLLIN:
                messages.append(self.socket.recv(zmq.NOBLOCK))
        return messages
