"""One topic of ticks as one iterator sees it. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ..frames import BEAT, Message, message_type
from ..healing import Stream
from ..orders import Place
from ..rpc import OnRow, OnSilence
from ..timers import Later
from .items import Fresh, Gap, Item, Restarted, Stale, Tick
from .pulse import Pulse
from .way import Counters

_TICK: Final = message_type("OnRtnDepthMarketData")


class Road(Protocol):
    """The way to md_worker."""

    heal: bool
    counters: Counters
    answer_s: float

    @property
    def later(self) -> Later: ...

    @property
    def now(self) -> Callable[[], float]: ...

    def since(self, topic: str, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        """Calls the verb Since. Raises Unavailable."""
        ...


class Topic:
    """Turns what comes into items.

    It joins with the first of: a message, the snapshot, or a Beat when the snapshot says that there
    is no last tick. A Beat alone must wait, because the last tick comes with the snapshot and would
    be old by then; it waits for the next Beat at the most.
    """

    def __init__(self, name: str, road: Road, put: Callable[[Item], None], complete: bool) -> None:
        self.name, self._road, self._put = name, road, put
        self._stream = Stream(
            name,
            self,
            self._ask,
            road.later,
            road.now,
            whole=True,
            patient=complete,
            answer_s=road.answer_s,
        )
        self._pulse = Pulse()
        self._closed = False
        self._beaten: tuple[int, int] | None = None  # the first Beat, while nothing else has come

    @property
    def joined(self) -> bool:
        return self._stream.place != (0, 0)

    def on_message(self, message: Message) -> None:
        if self._pulse.heard():
            self._put(Fresh(self.name))
        place = (message.epoch, message.seq)
        if message.type != BEAT:
            self._join()
            self._stream.see(message)
        elif self.joined or self._beaten is not None or message.seq == 0:
            self._join()
            self._expect(place)
        else:
            self._beaten = place

    def on_snapshot(self, message: Message | None) -> None:
        """The last tick; None: there is none, or nobody can say."""
        if self.joined:
            return
        if message is not None:
            self._stream.see(message)
        beaten = self._beaten
        if beaten is not None:
            self._expect(beaten)

    def on_epoch(self, epoch: int) -> None:
        """The publisher is in this epoch, says another topic."""
        if self.joined:
            self._stream.expect((epoch, 0))
        self._beaten = None

    def check(self) -> None:
        """Once in CHECK_S."""
        if self._pulse.check():
            self._put(Stale(self.name))

    def close(self) -> None:
        """Nothing is asked for any more."""
        self._closed = True
        self._stream.close()

    def _join(self) -> None:
        if not self.joined and self._beaten is not None:
            self._stream.begin(self._beaten)

    def _expect(self, place: tuple[int, int]) -> None:
        if self.joined:
            self._stream.expect(place, again=True)
        else:
            self._stream.begin(place)

    def _ask(self, handle: bytes, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        self._road.since(self.name, place, on_row, on_silence)

    # -- what the stream brings --------------------------------------------------------------

    def handle(self) -> bytes | None:
        return b"" if self._road.heal and not self._closed else None

    def take(self, message: Message) -> None:
        if message.type == _TICK:
            self._put(Tick(*message))

    def healed(self) -> None:
        self._road.counters.healed += 1

    def skipped(self, missing: int) -> None:
        self._road.counters.lost += missing
        epoch, last = self._stream.place
        self._put(Gap(self.name, epoch, last - missing + 1, last, "lost"))

    def began(self, before: tuple[int, int], epoch: int) -> None:
        if before != (0, 0):
            self._put(Gap(self.name, before[0], before[1] + 1, None, "restarted"))
            self._put(Restarted(self.name, epoch))
