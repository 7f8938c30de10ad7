"""The iterator of ticks, and the sockets to md_worker behind all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final, Self

import msgspec
import zmq

from ..errors import Unavailable
from ..frames import Flag, FrameError, Message, Row, message_type, tick_topic, unpack_message
from ..healing import answer_s
from ..orders import Place
from ..rpc import Caller, OnRow, OnSilence
from ..since import Since
from ..subscriber import Subscriber
from ..timers import Later, Timer
from .calls import Calls
from .items import Item, Tick
from .pulse import CHECK_S
from .queue import Queue
from .topic import Topic
from .way import Way

_AGAIN_S: Final = 0.05
_SNAPSHOT_S: Final = 2.0
_TICKS: Final = "tick/"
_MESSAGE: Final = message_type("Message")
_SINCE: Final = message_type("Since")
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode


class Ticks:
    """An asynchronous iterator; see the package."""

    def __init__(self, market: Market, names: tuple[str, ...], complete: bool, limit: int) -> None:
        self._market, self._complete = market, complete
        self._queue = Queue(limit, self._on_conflated)
        self.beginnings = tuple(_TICKS + name[:-1] for name in names if name.endswith("*"))
        exact = dict.fromkeys(tick_topic(name) for name in names if not name.endswith("*"))
        self._topics = {name: self._made(name) for name in exact}
        self._exact = tuple(exact)
        self._closed = False
        self._timer: Timer | None = None
        market.add(self, self._exact)
        self._ask()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await self._queue.get()

    def ready(self, most: int) -> list[Item]:
        """Items that have come, without waiting for any."""
        return self._queue.ready(most)

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """What has come can still be taken."""
        if self._closed:
            return
        self._closed = True
        self._market.remove(self, self._exact)
        if self._timer is not None:
            self._timer.cancel()
        for topic in self._topics.values():
            topic.close()
        self._queue.end(StopAsyncIteration())

    def on_message(self, message: Message) -> None:
        """Of one of its topics."""
        self._topic(message.topic).on_message(message)

    def on_epoch(self, epoch: int) -> None:
        for topic in list(self._topics.values()):
            topic.on_epoch(epoch)

    def check(self) -> None:
        for topic in list(self._topics.values()):
            topic.check()

    def _made(self, name: str) -> Topic:
        return Topic(name, self._market, self._queue.put, self._complete)

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = self._made(name)
        return topic

    def _on_conflated(self, count: int) -> None:
        self._market.counters.slow += count

    # -- the last ticks of who joins late ----------------------------------------------------

    def _ask(self) -> None:
        """Until md_worker has answered."""
        names = [n[len(_TICKS) : -1] for n in self._exact if not self._topics[n].joined]
        if self._closed or not (names or self.beginnings):
            return
        try:
            self._market.snapshot([] if self.beginnings else names, self._on_row, self._on_silence)
        except Unavailable:
            self._on_silence("")

    def _on_silence(self, why: str) -> None:
        self._timer = self._market.later(_AGAIN_S, self._ask)

    def _on_row(self, row: Row) -> None:
        if self._closed:
            return
        if row.flags & Flag.HAS_FIELD:
            self._on_snapshot(unpack_message(row.body))
        if row.flags & Flag.LAST:  # also that of a refusal
            for topic in list(self._topics.values()):
                topic.on_snapshot(None)

    def _on_snapshot(self, message: Message) -> None:
        self._market.on_epoch(message.epoch)
        followed = message.topic in self._topics or message.topic.startswith(self.beginnings)
        if followed and message.epoch == self._market.epoch:
            self._topic(message.topic).on_snapshot(message)


class Market:
    """One SUB and one DEALER socket for all iterators of a client."""

    def __init__(self, context: zmq.Context[Any], way: Way) -> None:
        loop = asyncio.get_running_loop()
        self.heal, self.counters = way.heal, way.counters
        self.later: Later = loop.call_later
        self.now: Callable[[], float] = loop.time
        addresses, keys = way.addresses, way.keys
        self.answer_s = answer_s(addresses.md_rpc)
        self._caller = Caller(context, addresses.md_rpc, "md_worker", keys)
        self._subscriber = Subscriber(
            context,
            addresses.md_pub,
            self._on_frame,
            keys=keys,
            high_water=addresses.high_water,
        )
        self._calls = Calls(self._caller, self.later)
        self.epoch = 0  # the highest that anything told of
        self._exact: dict[str, dict[Ticks, None]] = {}
        self._wide: dict[Ticks, None] = {}
        self._all: dict[Ticks, None] = {}
        self._timer: Timer = self.later(CHECK_S, self._check)

    def add(self, ticks: Ticks, topics: tuple[str, ...]) -> None:
        self._all[ticks] = None
        if ticks.beginnings:
            self._wide[ticks] = None
        for topic in topics:
            self._exact.setdefault(topic, {})[ticks] = None
        for prefix in (*topics, *ticks.beginnings):
            self._subscriber.subscribe(prefix.encode())

    def remove(self, ticks: Ticks, topics: tuple[str, ...]) -> None:
        del self._all[ticks]
        self._wide.pop(ticks, None)
        for topic in topics:
            followers = self._exact[topic]
            del followers[ticks]
            if not followers:
                del self._exact[topic]
        for prefix in (*topics, *ticks.beginnings):
            self._subscriber.unsubscribe(prefix.encode())

    def close(self) -> None:
        for ticks in list(self._all):
            ticks.close()
        self._timer.cancel()
        self._subscriber.close()
        self._caller.close()

    def on_epoch(self, epoch: int) -> None:
        """Heard of, on whatever way. What may still come of an epoch before is old, on all
        topics."""
        if epoch > self.epoch:
            self.epoch = epoch
            for ticks in list(self._all):
                ticks.on_epoch(epoch)

    def since(self, topic: str, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        def take(row: Row) -> None:
            if row.type == _SINCE:
                self.on_epoch(_decode_place(row.body).epoch)
            elif row.type == _MESSAGE:
                self.on_epoch(unpack_message(row.body).epoch)
            on_row(row)

        body = msgspec.msgpack.encode(Since(topic, place.epoch, place.seq))
        self._calls.start("Since", take, on_silence, self.answer_s, body=body)

    def snapshot(self, names: list[str], on_row: OnRow, on_silence: OnSilence) -> None:
        """The last ticks of these instruments; none: of all. Raises Unavailable."""
        body = msgspec.msgpack.encode(names)
        self._calls.start("Snapshot", on_row, on_silence, _SNAPSHOT_S, body=body)

    async def newest(self, names: list[str]) -> dict[str, Tick]:
        """The last tick of each that has one. Raises Unavailable, Refused."""
        found: dict[str, Tick] = {}

        def take(row: Row) -> None:
            if row.flags & Flag.HAS_FIELD:
                tick = Tick(*unpack_message(row.body))
                found[tick.instrument] = tick

        body = msgspec.msgpack.encode(names)
        take(await self._calls.ask("Snapshot", take, _SNAPSHOT_S, body=body))
        return found

    async def request(self, method: str, body: bytes, timeout_s: float) -> list[Row]:
        """Raises Refused, Unavailable."""
        rows: list[Row] = []
        last = await self._calls.ask(method, rows.append, timeout_s, body=body)
        return [*rows, last]

    def _on_frame(self, frame: bytes) -> None:
        try:
            message = unpack_message(frame)
        except FrameError:
            return
        if message.epoch >= self.epoch:
            for ticks in list(self._followers(message.topic)):
                ticks.on_message(message)
            self.on_epoch(message.epoch)

    def _followers(self, topic: str) -> Iterator[Ticks]:
        exact = self._exact.get(topic, {})
        yield from exact
        for ticks in self._wide:
            if ticks not in exact and topic.startswith(ticks.beginnings):
                yield ticks

    def _check(self) -> None:
        self._timer = self.later(CHECK_S, self._check)
        for ticks in list(self._all):
            ticks.check()
