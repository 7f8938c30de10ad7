"""md_workers by script: they publish prepared ticks over real sockets, for md_merge.

with FakeFeed(group, "a") as a:
    a.wait_subscribed(tick_topic("rb2610"))
    a.tick("rb2610", raw)
    a.silence()  # it stands still
"""

from __future__ import annotations

import threading
import time

from bus.beats import Beats
from bus.endpoints import feed_addresses
from bus.frames import message_type, state_topic, tick_topic
from tests.support.fake_worker import FakeWorker
from tests.support.group import Group

_TURN_S = 0.05
_STATE_S = 0.5
_HAS_FIELD = 1
_TICK = message_type("OnRtnDepthMarketData")


class FakeFeed(FakeWorker):
    """One that is logged in until it is told otherwise, and beats as md_worker does."""

    def __init__(self, group: Group, name: str, epoch: int = 1) -> None:
        addresses = feed_addresses(str(group.data), name)
        self._own: dict[str, object] = {}
        self._next = 0.0
        self._mute = threading.Event()
        self._closing = threading.Event()
        super().__init__(addresses.md_pub, addresses.md_rpc, epoch)
        self._beats = Beats(self.publisher, self._wanted)
        self.front(True)
        self._ticker = threading.Thread(target=self._live, daemon=True)
        self._ticker.start()

    def front(self, there: bool, reason: int | None = None) -> None:
        """The front of this feed is there, or has hung up."""
        self._own = {
            "front": "connected" if there else "disconnected",
            "logged_in": there,
            "state": "ready" if there else "disconnected",
            "reason": None if there else reason,
            "epoch": self.publisher.epoch,
        }
        self._next = 0.0

    def tick(self, instrument: str, raw: bytes, *, lost: bool = False) -> int:
        """Publish a struct; ``lost``: it takes its seq and never arrives."""
        stream = self.publisher.stream(tick_topic(instrument))
        if lost:
            with self.publisher.lock:
                stream.seq += 1
            return stream.seq
        return self.publisher.publish(stream, _TICK, _HAS_FIELD, raw, time.time_ns())

    def silence(self, on: bool = True) -> None:
        """It says nothing any more, as a process that stands still."""
        (self._mute.set if on else self._mute.clear)()

    def close(self) -> None:
        self._closing.set()
        self._ticker.join()
        super().close()

    def _wanted(self) -> list[str]:
        return [topic for topic in list(self._subscriptions) if topic.startswith("tick/")]

    def _live(self) -> None:
        while not self._closing.wait(_TURN_S):
            if self._mute.is_set():
                continue
            now = time.monotonic()
            self._beats.step(now)
            if now >= self._next:
                self._next = now + _STATE_S
                self.publisher.tell(state_topic("md_worker"), "State", self._own)
