"""One topic of ticks on its way into the files. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from bus.frames import BEAT, HEADER, Message, message_type
from bus.healing import Stream
from bus.orders import Place
from bus.rpc import OnRow, OnSilence
from bus.timers import Later

from .days import DayOf
from .ticks.store import TickStore

TICK: Final = message_type("OnRtnDepthMarketData")


class Hub(Protocol):
    """What all lines share. ``answer_s``: how long an answer of md_worker is waited for."""

    healing: bool
    answer_s: float

    @property
    def later(self) -> Later: ...
    @property
    def now(self) -> Callable[[], float]: ...

    def ask(self, topic: str, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        """Calls the verb Since. Raises Unavailable."""

    def keep(self, line: Line, header: bytes, body: bytes) -> None:
        """A tick for the files."""

    def on_healed(self) -> None: ...
    def on_lost(self, line: Line, missing: int) -> None:
        """So many that were published, and nobody has any more."""

    def on_missing(self, line: Line) -> None:
        """``line.missing`` has to be marked, behind the last tick if none comes soon."""


class Missing(NamedTuple):
    """Of one epoch; ``first`` 0: nobody knows how many."""

    epoch: int
    first: int
    last: int


class Line:
    """Hands each tick to the hub once and in order, and keeps what is missing for the mark.

    key      trading day and instrument of the last tick, "" before it
    stream   heals; its place is how far the files are complete, or known not to be
    missing  not marked yet
    """

    __slots__ = (
        "_hub",
        "_joins",
        "day_of",
        "heard",
        "instrument",
        "key",
        "missing",
        "store",
        "stream",
    )

    def __init__(
        self, topic: str, instrument: str, store: TickStore, day_of: DayOf, hub: Hub
    ) -> None:
        self.instrument, self.store, self.day_of = instrument, store, day_of
        self.key = ("", instrument)
        self.missing: list[Missing] = []
        self._hub, self._joins = hub, False
        self.stream = Stream(
            topic, self, self._ask, hub.later, hub.now, whole=True, answer_s=hub.answer_s
        )

    def follow(self, day: str, place: tuple[int, int]) -> None:
        """What the files have is complete up to here."""
        self.key = (day, self.instrument)
        self.stream.place = place

    def go_back(self, epoch: int, now_ns: int) -> None:
        """The publisher counts from a lower epoch than that of the files."""
        self.stream.begin((epoch, 0))
        begun = self.missing.pop()
        if self.key[0]:
            self.mark(self.key[0], now_ns)
        self.missing[:] = [begun]

    def on_frame(self, message: Message) -> None:
        """Whatever is not simply the next tick."""
        place = (message.epoch, message.seq)
        if self.stream.place == (0, 0):
            self.stream.begin((message.epoch, 0))  # what is kept is wanted too
        if message.type == BEAT:
            self.stream.expect(place, again=True)
        else:
            self.stream.see(message)

    def reach(self, place: tuple[int, int]) -> None:
        """So far the publisher has come."""
        if self.stream.place != (0, 0):
            self.stream.expect(place, again=True)

    def mark(self, day: str, now_ns: int) -> None:
        """Write down what is missing, into the file of this day if there is one."""
        for part in self.missing:
            self.store.add_gap(day, self.instrument, *part, now_ns)

    def _ask(self, handle: bytes, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        self._hub.ask(self.stream.topic, place, on_row, on_silence)

    # -- what the stream brings ------------------------------------------------------------------

    def handle(self) -> bytes | None:
        return b"" if self._hub.healing else None

    def take(self, message: Message) -> None:
        self._joins = False
        if message.type == TICK:
            self._hub.keep(self, HEADER.pack(*message[1:8]), message.body)

    def healed(self) -> None:
        self._hub.on_healed()

    def skipped(self, missing: int) -> None:
        epoch, last = self.stream.place
        self.missing.append(Missing(epoch, last - missing + 1, last))
        if not self._joins:  # else nobody was there to lose it
            self._hub.on_lost(self, missing)
        self._joins = False
        self._hub.on_missing(self)

    def began(self, before: tuple[int, int], epoch: int) -> None:
        if before == (0, 0):
            self._joins = True
        else:
            self.missing.append(Missing(epoch, 0, 0))
            self._hub.on_missing(self)
