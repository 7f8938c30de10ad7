"""The returns of one account: their order, and the replies that wait for their place in it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from bus.frames import Message, message_type

from .calls import Later, Timer
from .counters import Counters

log = logging.getLogger(__name__)

HOLD_S: Final = 0.2
SESSION_LOST: Final = message_type("SessionLost")  # the counter's session has ended for good


class Viewer(Protocol):
    """A socket that is logged in to the account."""

    def on_return(self, message: Message) -> None: ...


class _Held(NamedTuple):
    place: tuple[int, int]
    deliver: Callable[[], None]
    due: float


class Watch:
    """Waits for one place in the stream."""

    __slots__ = ("place", "then")

    def __init__(self, place: tuple[int, int], then: Callable[[], None]) -> None:
        self.place, self.then = place, then


class Returns:
    """One topic ``td/BROKER/USER/`` as this edge has seen it.

    A *place* is (epoch, seq) of the topic. A reply row says what had been published before it was
    made; it comes on another socket and may be the faster one, so it waits here until that much
    has been handed to the viewers, but not for longer than HOLD_S: the message may be lost.

    ``lost_at`` is the place of the last SessionLost: a login from before it counts no more.
    """

    def __init__(
        self,
        topic: str,
        later: Later,
        counters: Counters,
        now: Callable[[], float],
    ) -> None:
        self.topic, self._later, self._counters = topic, later, counters
        self._now = now
        self.place = self.lost_at = (0, 0)
        self.viewers: dict[Viewer, None] = {}
        self._held: deque[_Held] = deque()
        self._watches: list[Watch] = []
        self._timer: Timer | None = None

    def see(self, message: Message) -> None:
        """The next message of the topic."""
        place = (message.epoch, message.seq)
        if message.epoch == self.place[0] and place <= self.place:
            return
        self._count_gap(place)
        self.place = max(place, self.place)
        if message.type == SESSION_LOST:
            self.lost_at = place
        for viewer in list(self.viewers):
            viewer.on_return(message)
        while self._held and self._held[0].place <= self.place:
            self._held.popleft().deliver()
        for watch in [watch for watch in self._watches if watch.place <= self.place]:
            self._watches.remove(watch)
            watch.then()

    def in_order(self, place: tuple[int, int], deliver: Callable[[], None]) -> None:
        """Call ``deliver`` when ``place`` has been handled, at once if it has been."""
        if not self._held and place <= self.place:
            deliver()
            return
        self._held.append(_Held(place, deliver, self._now() + HOLD_S))
        if self._timer is None:
            self._timer = self._later(HOLD_S, self._on_time)

    def watch(self, place: tuple[int, int], then: Callable[[], None]) -> Watch:
        """Call ``then`` when a message at ``place``, or after it, has come; never before it."""
        watch = Watch(place, then)
        if place <= self.place:
            then()
        else:
            self._watches.append(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        if watch in self._watches:
            self._watches.remove(watch)

    def _count_gap(self, place: tuple[int, int]) -> None:
        epoch, seq = self.place
        missing = place[1] - seq - 1
        if place[0] == epoch and missing > 0:
            self._counters.returns_lost += missing
            fields = {"topic": self.topic, "after": seq, "missing": missing}
            log.warning("returns lost on the bus", extra={"fields": fields})

    def _on_time(self) -> None:
        self._timer = None
        now = self._now()
        while self._held and (self._held[0].due <= now or self._held[0].place <= self.place):
            held = self._held.popleft()
            self._counters.held_too_long += held.place > self.place
            held.deliver()
        if self._held:
            self._timer = self._later(max(0.001, self._held[0].due - now), self._on_time)
