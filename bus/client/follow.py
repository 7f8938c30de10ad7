"""The order of an account's returns as one iterator sees it. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..frames import BEAT, Message
from .items import Gap, Item, Restarted, Return

_NOTHING: Final = (0, 0)
_MOST_AHEAD: Final = 1000


class Follow:
    """Hands over each message once, in the order of the journal.

    A *place* is (epoch, seq). Live messages are taken as long as each follows the one before; then
    only what td_worker tells again is, until it has told everything of which somebody has heard.
    """

    def __init__(self, topic: str, place: tuple[int, int], put: Callable[[Item], None]) -> None:
        self._topic, self._put = topic, put
        self._place = self._known = place
        self._lost = False  # what is behind the place is not kept
        self._ahead: dict[tuple[int, int], Message] = {}  # came live, behind what is missing

    @property
    def place(self) -> tuple[int, int]:
        """Of what was handed over last."""
        return self._place

    @property
    def complete(self) -> bool:
        """Whether everything of which somebody has heard is handed over."""
        return self._place >= self._known and not self._lost

    @property
    def asked(self) -> tuple[int, int]:
        """The place to ask td_worker for; (0, 0): the beginning of the day."""
        return _NOTHING if self._lost else self._place

    def see(self, message: Message, takes: bool) -> bool:
        """A live message; whether nothing is missing. ``takes``: it may be handed over now."""
        place = (message.epoch, message.seq)
        self._known = max(self._known, place)
        if place <= self._place:
            return True
        follows = place == (self._place[0], self._place[1] + 1)
        if follows and takes and message.type != BEAT:
            self._take(message)
            return True
        if message.type != BEAT and len(self._ahead) < _MOST_AHEAD:
            self._ahead[place] = message
        return False

    def again(self, message: Message) -> bool:
        """A message that td_worker tells again; whether it was missing."""
        place = (message.epoch, message.seq)
        if place <= self._place:
            return False
        self._step(*place)
        self._take(message)
        return True

    def reach(self, place: tuple[int, int], epoch: int) -> None:
        """td_worker, which is in this epoch, has told everything up to a place."""
        for reached in (place, (epoch, 0)):
            if reached > self._place:
                self._step(reached[0], reached[1] + 1)
                self._place = reached
        self._lost = False
        self._go_on()

    def lose(self) -> None:
        """What is behind the place is not kept: go on with what is."""
        if not self._lost:
            self._lost = True
            self._put(Gap(self._topic, self._place[0], self._place[1] + 1, None, "lost"))

    def jump(self, message: Message) -> None:
        """Go on behind what is missing, without asking."""
        place = (message.epoch, message.seq)
        if place <= self._place:
            return
        if message.epoch > self._place[0]:
            self._put(Gap(self._topic, self._place[0], self._place[1] + 1, None, "restarted"))
        if message.type == BEAT:
            self._step(message.epoch, message.seq + 1)
            self._place = place
        else:
            self._step(*place)
            self._take(message)

    def _go_on(self) -> None:
        while (message := self._ahead.pop((self._place[0], self._place[1] + 1), None)) is not None:
            self._take(message)
        self._ahead = {place: m for place, m in self._ahead.items() if place > self._place}

    def _take(self, message: Message) -> None:
        self._place = (message.epoch, message.seq)
        self._put(Return(*message))

    def _step(self, epoch: int, seq: int) -> None:
        """What comes next has this place: say what is between."""
        before = self._place
        if epoch > before[0] and before != _NOTHING:
            self._put(Restarted(self._topic, epoch))
        first = 1 if epoch > before[0] else before[1] + 1
        if seq > first and before != _NOTHING and not self._lost:
            self._put(Gap(self._topic, epoch, first, seq - 1, "lost"))
        self._lost = False
