"""Answers that are sent in turns, so that one that is long or not read delays no other."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

import zmq

from bus.errors import Refused, refused, request_failed
from bus.frames import Flag, Row
from bus.rpc import Call, Router
from schemas.errors import INTERNAL_ERROR

from ..store.database import StoreError
from ..ticks.record import FileError
from .manners import give_way
from .ticks import Answer

log = logging.getLogger("recorder")

# Nothing else happens in the recorder's loop meanwhile; a step that has begun is finished.
TURN_S: Final = 0.001
# Rows that wait for one caller, of 60 KB each at the most: who does not read costs 4 MB.
HIGH_WATER: Final = 64
MOST_OF_CALLER: Final = 64
_MOST: Final = 512


@dataclass(slots=True, eq=False)
class Open:
    """One call. ``held``: a row that its caller did not take yet."""

    call: Call
    answers: Iterator[Answer]
    held: Row | None = None


@dataclass(slots=True, eq=False)
class Reader:
    """One caller and what is open for him. ``stuck``: he has not read HIGH_WATER rows."""

    peer: bytes
    open: deque[Open] = field(default_factory=deque)
    stuck: bool = False


class Turns:
    """Callers take turns, and so do the calls of one. The Router has ``high_water=HIGH_WATER``.

    sent  rows
    """

    def __init__(self, router: Router, now: Callable[[], float] = time.perf_counter) -> None:
        self._router, self._now = router, now
        self._readers: dict[bytes, Reader] = {}
        self._order: deque[Reader] = deque()
        self._asked: Counter[bytes] = Counter()
        self.sent = 0

    def __len__(self) -> int:
        """Callers to whom something is to be sent."""
        return len(self._order)

    @property
    def stuck(self) -> bool:
        """Only callers that do not read are left."""
        return all(reader.stuck for reader in self._order)

    def check(self, peer: bytes) -> None:
        """Raises Refused when nothing more can be opened for this caller."""
        if self._asked[peer] >= MOST_OF_CALLER:
            raise request_failed(f"{MOST_OF_CALLER} questions of this caller are open")
        if self._asked.total() >= _MOST:
            raise request_failed(f"{_MOST} questions are open")

    def reserve(self, peer: bytes) -> None:
        """One whose answer is being made elsewhere is open as well, until ``release``."""
        self._asked[peer] += 1

    def release(self, peer: bytes) -> None:
        self._asked[peer] -= 1
        if not self._asked[peer]:
            del self._asked[peer]

    def add(self, peer: bytes, call: Call, answers: Iterator[Answer]) -> None:
        reader = self._readers.get(peer)
        if reader is None:
            reader = self._readers[peer] = Reader(peer)
            self._order.append(reader)
        reader.open.append(Open(call, answers))
        self.reserve(peer)

    def pump(self) -> None:
        """One turn."""
        until = self._now() + TURN_S
        for reader in self._order:
            reader.stuck = False
        while self._order and not self.stuck:
            reader = self._order.popleft()
            if not reader.stuck:
                self._serve(reader)
                give_way()
            if reader.open:
                self._order.append(reader)
            else:
                del self._readers[reader.peer]
            if self._now() >= until:
                return

    def close(self) -> None:
        for reader in self._order:
            for opened in reader.open:
                _end(opened)
        self._order.clear()
        self._readers.clear()
        self._asked.clear()

    def _serve(self, reader: Reader) -> None:
        """One row of one call."""
        opened = reader.open.popleft()
        more = False
        try:
            more = self._step(reader, opened)
        except Exception as exc:
            self._router.refuse(reader.peer, opened.call, as_refused(exc))
        if not more:
            self.release(reader.peer)
            _end(opened)
        elif reader.stuck:
            reader.open.appendleft(opened)
        else:
            reader.open.append(opened)

    def _step(self, reader: Reader, opened: Open) -> bool:
        """Whether there is more."""
        call = opened.call
        if call.seconds_left < 0:
            raise request_failed("no time was left for all; ask again from the last that came")
        row = opened.held
        if row is None:
            answer = next(opened.answers, None)
            if answer is None:
                return False
            row = self._row(call, answer)
        failure = self._router.offer(reader.peer, row)
        reader.stuck = failure == zmq.EAGAIN
        opened.held = row if reader.stuck else None
        self.sent += not failure
        return failure != zmq.EHOSTUNREACH

    def _row(self, call: Call, answer: Answer) -> Row:
        flags = Flag.LOCAL | Flag.MSGPACK | (Flag.LAST if answer.last else 0)
        layout = self._router.layout
        return Row(call.id, 0, call.request_id, answer.type, layout, flags, answer.body)


def as_refused(exc: Exception) -> Refused:
    """What a caller hears of it."""
    if isinstance(exc, Refused):
        return exc
    if isinstance(exc, (OSError, FileError, StoreError)):
        log.error("history cannot be read", extra={"fields": {"error": str(exc)}})
        return request_failed("what is on record cannot be read")
    log.error("a question was not answered", exc_info=exc)
    return refused(INTERNAL_ERROR, "see the recorder's log")


def _end(opened: Open) -> None:
    if isinstance(opened.answers, Generator):
        opened.answers.close()  # its file
