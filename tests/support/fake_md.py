"""A md_worker by script with the ticks of a test: it beats, and tells again what it keeps.

with FakeMd(group) as md:
    md.wait_subscribed("tick/")
    md.tick("rb2610", raw)
"""

from __future__ import annotations

import threading
import time

import msgspec

from bus.beats import Beats
from bus.endpoints import Addresses, resolve
from bus.frames import HEADER, Flag, message_type, tick_topic
from bus.orders import Place
from bus.publisher import Stream
from bus.rpc import Call
from bus.since import Since
from tests.support.edge_core import Line
from tests.support.fake_worker import FakeWorker
from tests.support.group import Group

KEEP = 40
_TURN_S = 0.05
_HAS_FIELD = 1
_TICK = message_type("OnRtnDepthMarketData")


class FakeMd(FakeWorker):
    """``heals``: whether it answers the verb Since with what it keeps, else with nothing."""

    def __init__(self, group: Group, epoch: int = 1, *, heals: bool = True) -> None:
        addresses = resolve(Addresses(), str(group.data))
        self._closing = threading.Event()
        self._topics: dict[str, None] = {}
        super().__init__(addresses.md_pub, addresses.md_rpc, epoch, KEEP)
        self.heals = heals
        self.answer_by("Since", self._since)
        self._beats = Beats(self.publisher, lambda: list(self._topics))
        self._ticker = threading.Thread(target=self._live, daemon=True)
        self._ticker.start()

    def tick(
        self,
        instrument: str,
        raw: bytes,
        *,
        lost: bool = False,
        late: bool = False,
        recv_ns: int = 0,
    ) -> int:
        """Publish a struct; ``lost``: it takes its seq and never arrives, but is kept."""
        topic = f"late/{instrument}/" if late else tick_topic(instrument)
        stream = self.publisher.stream(topic) if late else self.begin(topic)
        recv_ns = recv_ns or time.time_ns()
        if lost:
            return self._keep_only(stream, raw, recv_ns)
        return self.publisher.publish(stream, _TICK, _HAS_FIELD, raw, recv_ns)

    def begin(self, topic: str) -> Stream:
        """The stream of a topic that has interest from now on."""
        self._topics[topic] = None
        return self.publisher.stream(topic)

    def _keep_only(self, stream: Stream, raw: bytes, recv_ns: int) -> int:
        publisher = self.publisher
        with publisher.lock:
            stream.seq += 1
            header = HEADER.pack(
                *(publisher.epoch, stream.seq, recv_ns, time.time_ns()),
                *(_TICK, publisher.layout, _HAS_FIELD),
            )
            stream.last = message = stream.prefix + header + raw
            stream.kept.append(message)
        return stream.seq

    def close(self) -> None:
        self._closing.set()
        self._ticker.join()
        super().close()

    def _since(self, call: Call) -> list[Line]:
        asked = msgspec.msgpack.decode(call.body, type=Since)
        messages, seq = self.publisher.since(asked.topic, asked.epoch, asked.seq)
        own = Flag.LOCAL | Flag.HAS_FIELD
        rows = [Line("Message", own, message) for message in messages if self.heals]
        reached = msgspec.msgpack.encode(Place(self.publisher.epoch, seq))
        return [*rows, Line("Since", Flag.LOCAL | Flag.MSGPACK | Flag.LAST, reached)]

    def _live(self) -> None:
        while not self._closing.wait(_TURN_S):
            self._beats.step(time.monotonic())
