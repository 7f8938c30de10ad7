"""The returns that a client missed while it was away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from bus.errors import Refused, Unavailable
from bus.frames import Message, Row, message_type, unpack_message
from bus.orders import NOT_KEPT, Place
from bus.rpc import refusal

from .session import Services

_CALL_S: Final = 2.0
_AGAIN_S: Final = (0.1, 1.0)  # the first time, and at the most
# Beyond the restart of a worker, which ends the connection: its next login asks again.
_PATIENCE_S: Final = 10.0
_MOST_WAITING: Final = 50_000  # rows of replies, too: instruments alone are 20,000
_RETURN: Final = message_type("Return")
_BEGINNING: Final = (0, 0)


class Reader(Protocol):
    """Who missed them."""

    def show(self, message: Message) -> None:
        """The next one."""
        ...

    def on_gap(self, place: Place) -> None:
        """Returns are missing here; what comes next is behind ``place``."""
        ...

    def on_resumed(self) -> None:
        """All was shown, or its loss was told."""
        ...


class Resume:
    """Has the worker read from its journal what came after a place, up to ``live``, from where on
    the client gets everything as it comes. That waits here meanwhile, and so do replies, so that
    all is in the counter's order.

    What is not kept is a gap, and so is what has not come when there was no news for _PATIENCE_S
    or when too much waits.
    """

    def __init__(
        self, services: Services, handle: bytes, after: Place, live: Place, reader: Reader
    ) -> None:
        self._services, self._handle, self._reader = services, handle, reader
        self._place, self._live = (after.epoch, after.seq), (live.epoch, live.seq)
        self._until = services.now() + _PATIENCE_S
        self._waiting: list[Callable[[], None]] = []
        self._pause_s = _AGAIN_S[0]
        self._unreadable = self._over = False

    def start(self) -> None:
        """Ask for what comes next; again while nobody answers."""
        if self._over:
            return
        if self._place == self._live:
            self._end()
        elif self._services.now() >= self._until:
            self.give_up()
        else:
            self._ask()

    def wait(self, then: Callable[[], None]) -> None:
        """Call it when everything missed was shown."""
        self._waiting.append(then)
        if len(self._waiting) > _MOST_WAITING:
            self.give_up()

    def give_up(self) -> None:
        """The rest cannot be had, or is not wanted any more."""
        if not self._over:
            self._reader.on_gap(Place(*self._live))
            self._end()

    def _ask(self) -> None:
        try:
            self._services.td_background.start(
                "Returns",
                self._on_row,
                lambda why: self.start(),
                _CALL_S,
                session=self._handle,
                body=msgspec.msgpack.encode(Place(*self._place)),
            )
        except (Refused, Unavailable):
            self._again()

    def _again(self) -> None:
        self._services.later(self._pause_s, self.start)
        self._pause_s = min(2 * self._pause_s, _AGAIN_S[1])

    def _on_row(self, row: Row) -> None:
        if self._over:
            return
        if row.type == _RETURN:
            self._take(unpack_message(row.body))
            return
        refused = refusal(row)
        if refused is None:
            self._finish()
        elif NOT_KEPT in refused.detail:
            self.give_up()
        else:
            self._again()

    def _take(self, message: Message) -> None:
        place = (message.epoch, message.seq)
        self._until = self._services.now() + _PATIENCE_S
        if place > self._live:
            self._finish()
            return
        if message.layout != self._services.catalogue.layout_id:
            self._unreadable = True  # from before another version of the API was installed
            return
        if self._unreadable or not self._follows(place):
            self._reader.on_gap(Place(place[0], place[1] - 1))
        self._place, self._unreadable = place, False
        self._reader.show(message)
        if place == self._live:
            self._end()

    def _follows(self, place: tuple[int, int]) -> bool:
        """Whether nothing is between what came last and this."""
        epoch, seq = self._place
        if self._place == _BEGINNING:
            return True
        return place[1] == (seq + 1 if place[0] == epoch else 1)

    def _finish(self) -> None:
        """There is no more. A day without returns has no beginning."""
        if self._unreadable or self._place not in (self._live, _BEGINNING):
            self._reader.on_gap(Place(*self._live))
        self._end()

    def _end(self) -> None:
        self._over = True
        self._reader.on_resumed()
        for then in self._waiting:
            then()
