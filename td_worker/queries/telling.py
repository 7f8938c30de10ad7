"""What the counter answers about orders, trades, money and positions, told on the bus as well."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bus.answers import METHODS, MOST_ROWS, Answer
from bus.errors import Refused
from bus.frames import Flag, message_type
from bus.publisher import Publisher
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .query import Query, Waiter

_ANSWER: Final = message_type("Answer")
_encode: Final = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class _Begun:
    """An answer of which rows have come. ``told``: how many are published."""

    number: int
    told: int = 0
    rows: list[bytes] = field(default_factory=list)


class Telling:
    """Publishes the answers of one session, see ``bus.answers``. ``shown`` gives a row the
    identities that clients know."""

    def __init__(
        self,
        catalogue: Catalogue,
        publisher: Publisher,
        topic: str,
        shown: Callable[[Event], Event],
    ) -> None:
        self.topic = topic
        self._publisher, self._shown = publisher, shown
        self._layout, self._info = catalogue.layout_id, catalogue.codec("RspInfo")
        self._numbers = itertools.count(1)
        self._begun: dict[Query, _Begun] = {}

    def concerns(self, query: Query) -> bool:
        """The worker's own questions are not told."""
        return query.method in METHODS and not query.alone

    def row(self, query: Query, waiters: Iterable[Waiter], event: Event, last: bool) -> None:
        """A row of the counter for these."""
        begun = self._begun.get(query)
        if begun is None:
            begun = self._begun[query] = _Begun(next(self._numbers))
        if event.field is not None:
            shown = self._shown(event).field
            assert shown is not None
            begun.rows.append(shown)
        if last or len(begun.rows) >= MOST_ROWS:
            self._tell(query, begun, list(waiters), last, event.recv_ns, *self._error(event))
        if last:
            query.told = True
            del self._begun[query]

    def failed(self, query: Query, waiters: Sequence[Waiter], error: Refused) -> None:
        """These get no answer; others may wait on for it."""
        if query.told:  # the counter has answered, only they have not heard it in time
            return
        everybody = len(waiters) == len(query.waiters)
        begun = self._begun.pop(query, None) if everybody else None
        begun = begun or _Begun(next(self._numbers))
        detail = f"{error.error_msg}: {error.detail}" if error.detail else error.error_msg
        self._tell(query, begun, waiters, True, time.time_ns(), error.error_id, detail)

    def _tell(
        self,
        query: Query,
        begun: _Begun,
        waiters: Sequence[Waiter],
        last: bool,
        recv_ns: int,
        error_id: int,
        error_msg: str,
    ) -> None:
        rows, begun.rows = begun.rows, []
        answer = Answer(
            method=query.method,
            request_ids=[waiter.request_id for waiter in waiters],
            asked_ns=query.asked_ns,
            layout=self._layout,
            rows=rows,
            last=last,
            error_id=error_id,
            error_msg=error_msg,
            number=begun.number,
            first=begun.told,
            askers=[waiter.asker for waiter in waiters],
        )
        begun.told += len(rows)
        stream = self._publisher.stream(self.topic)
        self._publisher.publish(stream, _ANSWER, Flag.MSGPACK, _encode(answer), recv_ns)
        stream.last = None  # nobody asks for it again, and it may have half a megabyte
        stream.kept.clear()

    def _error(self, event: Event) -> tuple[int, str]:
        if event.info is None:
            return 0, ""
        error = int(self._info.get(event.info, "ErrorID") or 0)
        return error, str(self._info.get(event.info, "ErrorMsg")) if error else ""
