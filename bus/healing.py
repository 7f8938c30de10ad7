"""One topic in the order of its publisher; what is lost on the way is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from . import links
from .errors import Refused, Unavailable
from .frames import Message, Row, message_type, unpack_message
from .orders import Place
from .rpc import OnRow, OnSilence
from .timers import Later, Timer

HEAL_S: Final = 2.0  # for what is missing to come, once it can be asked for; then it is lost
UNREACHED_S: Final = 15.0  # for a worker that cannot be asked, all in all
_AGAIN_S: Final = 0.1
_STOOD_STILL_S: Final = 1.0  # so late no loop is that does its work
GO_BACK_S: Final = 10.0  # so long a lower epoch is heard alone before it is that of now
_MOST_AHEAD: Final = 10_000  # messages behind a gap; 10 MB of orders
# Rows of the verbs Returns (td_worker) and Since (md_worker): the messages, and how far they go.
_AGAIN: Final = frozenset({message_type("Return"), message_type("Message")})
_REACHED: Final = frozenset({message_type("Returns"), message_type("Since")})
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode


def answer_s(address: str) -> float:
    """How long an answer of the worker at this address is waited for. A tcp link that was cut takes
    questions for some seconds more."""
    return HEAL_S + (links.CUT_S if links.is_tcp(address) else 0)


class Ask(Protocol):
    """Calls the worker's verb Returns, or Since, for what lies behind ``place``. Raises Refused,
    Unavailable. The last row, or the silence instead of it, must come some time."""

    def __call__(
        self, handle: bytes, place: Place, on_row: OnRow, on_silence: OnSilence
    ) -> None: ...


class Reader(Protocol):
    """Who gets the messages."""

    def handle(self) -> bytes | None:
        """Of a login, for the worker (md_worker wants none: b""); None: nobody reads, so nothing
        needs to be asked for."""
        ...

    def take(self, message: Message) -> None:
        """The next message; ``place`` is that of it."""
        ...

    def healed(self) -> None:
        """The message that comes next was missing and came by the second way."""
        ...

    def skipped(self, missing: int) -> None:
        """``place`` has gone on past a loss of so many messages."""
        ...

    def began(self, before: tuple[int, int], epoch: int) -> None:
        """A new epoch; how many messages there were behind the place ``before`` nobody knows.
        (0, 0): it is the first that was heard of."""
        ...


class Stream:
    """Hands over each message once and in order.

    A *place* is (epoch, seq). Behind a gap messages wait until the worker has said what was in it,
    for ``answer_s`` without news at the most; what has not come then, or is known to be gone, is
    lost. Time in which the worker cannot be asked does not count, up to UNREACHED_S: after a cut
    the link of the messages may be there before that of the calls. A new epoch ends the one before
    it, with all its gaps: its logins are void, its messages gone. A lower one is what comes late,
    unless for GO_BACK_S nothing else comes: then the publisher has lost its folder, or its clock
    was set back, and it is taken like a new one.

    place    up to which all was handed over, or is lost
    whole    an epoch that begins while one is followed counts from its first message, not from
             the first that arrives; and who tells of an end (``expect``) knows that its messages
             cannot be on their way any more, so they are lost when they cannot be had
    patient  messages wait behind a gap; else the gap is a loss as soon as something is behind it,
             and only an end that was told of is asked for
    """

    def __init__(
        self,
        topic: str,
        reader: Reader,
        ask: Ask,
        later: Later,
        now: Callable[[], float],
        *,
        whole: bool = False,
        patient: bool = True,
        answer_s: float = HEAL_S,
    ) -> None:
        self.topic, self.place = topic, (0, 0)
        self._whole, self._patient = whole, patient
        self._reader, self._ask, self._later = reader, ask, later
        self._now, self._answer_s = now, answer_s
        self._ahead: dict[int, Message] = {}  # by seq, behind a gap
        self._known = 0  # the highest seq of this epoch of which somebody has told
        self._vain = 0  # up to here nobody could say what was missing
        self._healing: Timer | None = None
        self._until = self._limit = self._due = self._asked_at = 0.0
        self._asked = False
        self._asked_for = 0  # what was known then
        self._lower: tuple[int, tuple[int, int]] | None = None  # epoch, and the place meanwhile
        self._lower_since = 0.0

    def see(self, message: Message) -> None:
        """A message, from the stream itself or once more from the worker."""
        epoch, seq = self.place
        if message.epoch == epoch and message.seq == seq + 1 and self._healing is None:
            self._hand_over(message)  # as nearly always
            return
        if message.epoch < epoch and not self._goes_back(message.epoch):
            return
        if message.epoch == epoch and message.seq <= seq:
            return
        if message.epoch != epoch:
            joins = not self._whole or self.place == (0, 0)
            self.begin((message.epoch, message.seq - 1 if joins else 0))
        self._ahead[message.seq] = message
        self._go_on()
        self._mend()

    def passes(self, epoch: int, seq: int) -> bool:
        """Whether a message with this place is the next one; then the caller has handed it over
        himself. For those who cannot afford ``see`` for each."""
        if self._healing is None and self.place == (epoch, seq - 1):
            self.place = (epoch, seq)
            return True
        return False

    def begin(self, place: tuple[int, int]) -> None:
        """Go on behind a place of another epoch; what is still missing before it is lost."""
        self._skip(self._last())
        self._stop()
        self._known = self._vain = self._asked_for = 0
        before, self.place = self.place, place
        self._reader.began(before, place[0])

    def close(self) -> None:
        """Ask for nothing any more."""
        self._stop()

    def expect(self, place: tuple[int, int], *, again: bool = False) -> bool:
        """So much was published before something else that has come by now. Whether it is still
        to be waited for. ``again``: try also what nobody could say before."""
        lower = place[0] < self.place[0] and self._goes_back(place[0])
        if lower or (self._whole and place[0] > self.place[0]):
            self.begin((place[0], 0))
        if place[0] == self.place[0]:
            self._lower = None
        if place[0] != self.place[0] or (place[1] <= self._vain and not again):
            return False
        self._known = max(self._known, place[1])
        self._mend()
        return place > self.place and self._healing is not None

    def _goes_back(self, epoch: int) -> bool:
        """Whether a lower epoch is that of now."""
        now = self._now()
        if self._lower != (epoch, self.place):
            self._lower, self._lower_since = (epoch, self.place), now
        return now - self._lower_since >= GO_BACK_S

    # -- in order ----------------------------------------------------------------------------

    def _hand_over(self, message: Message) -> None:
        self.place = (message.epoch, message.seq)
        self._reader.take(message)

    def _go_on(self) -> None:
        while (message := self._ahead.pop(self.place[1] + 1, None)) is not None:
            self._hand_over(message)

    def _last(self) -> int:
        return max(self._known, *self._ahead, 0)

    def _skip(self, until: int) -> None:
        """What is missing up to this seq cannot be had: go on behind it."""
        for seq in [*sorted(self._ahead), self._known + 1]:
            end = min(seq - 1, until)
            if end > self.place[1]:
                self._lose(end)
                self._go_on()

    def _lose(self, end: int) -> None:
        epoch, seq = self.place
        self.place = (epoch, end)
        self._reader.skipped(end - seq)

    # -- healing -----------------------------------------------------------------------------

    def _mend(self) -> None:
        """Begin to heal, or end it."""
        if not self._patient and self._ahead:
            self._skip(max(self._ahead))
        if self._last() <= self.place[1]:
            self._stop()
        elif self._reader.handle() is None or len(self._ahead) > _MOST_AHEAD:
            self._give_up()
        elif self._healing is None:
            self._due = self._now()
            self._hope()
            self._try()

    def _stop(self) -> None:
        if self._healing is not None:
            self._healing.cancel()
            self._healing = None

    def _give_up(self) -> None:
        """What follows a gap is handed over. Unless it is known to be lost, an end that only was
        told of is not skipped: the next message shows what is missing, and that is healed then."""
        self._stop()
        self._skip(self._last() if self._whole else max(self._ahead, default=0))
        self._known, self._vain = 0, max(self._vain, self._known)

    def _try(self) -> None:
        """Ask, unless an answer is on its way; and look again soon."""
        handle, now = self._reader.handle(), self._now()
        if now - self._due > _STOOD_STILL_S:  # this process; what came meanwhile is not read yet
            self._until += now - self._due
            self._limit += now - self._due
        if handle is None or now >= min(self._until, self._limit):
            self._give_up()
            return
        self._due = now + _AGAIN_S
        self._healing = self._later(_AGAIN_S, self._try)
        if not self._asked:
            try:
                self._ask(handle, Place(*self.place), self._on_row, self._on_silence)
                self._asked, self._asked_at, self._asked_for = True, now, self._known
            except Unavailable:
                self._until = now + self._answer_s
            except Refused:
                pass  # the next try is soon enough

    def _on_row(self, row: Row) -> None:
        if row.type in _AGAIN:
            self._see_again(unpack_message(row.body))
            return
        self._asked = False
        if row.type in _REACHED:
            reached = _decode_place(row.body)
            if self._whole and reached.epoch > self.place[0]:
                self.begin((reached.epoch, 0))
            if reached.epoch == self.place[0]:
                if self._known <= self._asked_for:  # else more was told of since
                    self._known = min(self._known, reached.seq)
                self._skip(reached.seq)  # what was not among the rows is not kept
                self._mend()

    def _on_silence(self, why: str) -> None:
        self._asked = False
        if self._now() - self._asked_at < self._answer_s:  # lost with its link
            self._until = self._now() + self._answer_s

    def _hope(self) -> None:
        now = self._now()
        self._until, self._limit = now + self._answer_s, now + UNREACHED_S

    def _see_again(self, message: Message) -> None:
        if message.topic != self.topic:
            raise ValueError(f"a message of {message.topic} among those of {self.topic}")
        lacked = message.seq not in self._ahead and (message.epoch, message.seq) > self.place
        if lacked:
            self._reader.healed()
        self._hope()
        self.see(message)
