"""The returns of one account: who views them, and the replies that wait for their place in them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from bus.frames import Message, message_type
from bus.healing import HEAL_S, Ask, Stream
from bus.timers import Later, Timer

from .counters import Counters

log = logging.getLogger("ws_edge")

HOLD_S: Final = 0.2
_LOOK_S: Final = 0.05
SESSION_LOST: Final = message_type("SessionLost")  # the counter's session has ended for good


class Viewer(Protocol):
    """A socket that is logged in to the account."""

    def on_return(self, message: Message) -> None: ...

    def on_loss(self) -> None:
        """Returns are missing from here on."""
        ...


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
    has been handed to the viewers. What has not come after HOLD_S is missing, and the stream asks
    for it; the reply waits on while it does.

    viewers  with the handles of their logins
    lost_at  the place of the last SessionLost: a login from before it counts no more
    """

    def __init__(
        self,
        topic: str,
        ask: Ask,
        later: Later,
        counters: Counters,
        now: Callable[[], float],
        answer_s: float = HEAL_S,
    ) -> None:
        self.topic, self._later, self._counters, self._now = topic, later, counters, now
        self._stream = Stream(topic, self, ask, later, now, answer_s=answer_s)
        self.lost_at = (0, 0)
        self.viewers: dict[Viewer, bytes] = {}
        self._held: deque[_Held] = deque()
        self._watches: list[Watch] = []
        self._timer: Timer | None = None

    @property
    def place(self) -> tuple[int, int]:
        return self._stream.place

    def see(self, message: Message) -> None:
        """A message of the topic, as it comes."""
        self._stream.see(message)

    def expect(self, place: tuple[int, int]) -> None:
        """So much has been published by now, as the worker's Beats tell again and again: who has
        just not answered for a while may do so now, and the next return may be hours away."""
        if self.viewers:
            self._stream.expect(place, again=True)

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

    # -- what the stream brings --------------------------------------------------------------

    def handle(self) -> bytes | None:
        """Of the latest login."""
        return next(reversed(self.viewers.values()), None)

    def take(self, message: Message) -> None:
        if message.type == SESSION_LOST:
            self.lost_at = (message.epoch, message.seq)
        for viewer in list(self.viewers):
            viewer.on_return(message)
        self._deliver()
        for watch in [watch for watch in self._watches if watch.place <= self.place]:
            self._watches.remove(watch)
            watch.then()

    def healed(self) -> None:
        self._counters.returns_healed += 1

    def skipped(self, missing: int) -> None:
        fields = {"topic": self.topic, "until": self.place[1], "missing": missing}
        log.warning("returns lost on the bus", extra={"fields": fields})
        self._counters.returns_lost += missing
        for viewer in list(self.viewers):
            viewer.on_loss()
        self._deliver()

    def began(self, before: tuple[int, int], epoch: int) -> None:
        """Who was logged in before it is sent away, see Edge."""

    def _deliver(self) -> None:
        while self._held and self._held[0].place <= self.place:
            self._held.popleft().deliver()

    def _on_time(self) -> None:
        self._timer = None
        now = self._now()
        while self._held and (self._held[0].due <= now or self._held[0].place <= self.place):
            held = self._held[0]
            if self._stream.expect(held.place):
                break
            if self._held and self._held[0] is held:  # not even asked for: another epoch's
                self._held.popleft()
                self._counters.held_too_long += held.place > self.place
                held.deliver()
        if self._held:
            self._timer = self._later(max(_LOOK_S, self._held[0].due - now), self._on_time)
