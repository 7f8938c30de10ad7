"""Questions about events and answers, as rows. They wait for a database, so not in a loop.

Raises StoreError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from bus import answers as queries
from bus.frames import message_type
from bus.history import Answered, AnswerKind, Answers, Event, Events, Page

from ..store.reading import AnswerPart, EventRow, Reader
from .ticks import Answer

_TOGETHER: Final = 50  # events in a row, 30 KB
_METHODS: Final[dict[AnswerKind, str]] = {
    "orders": queries.ORDERS,
    "trades": queries.TRADES,
    "assets": queries.ASSETS,
    "positions": queries.POSITIONS,
}
_EVENTS: Final = message_type("EventBlock")
_EVENTS_END: Final = message_type("Events")
_ANSWERS: Final = message_type("AnswerBlock")
_ANSWERS_END: Final = message_type("Answers")
_encode = msgspec.msgpack.encode


def event_rows(records: Reader, question: Events) -> list[Answer]:
    found = records.events(
        question.broker,
        question.user,
        question.stream,
        slot=question.slot,
        instrument=question.instrument,
        day=question.day,
        after=question.after,
        limit=question.limit + 1,
    )
    events = [_event(row) for row in found[: question.limit]]
    made = [
        Answer(_EVENTS, _encode(events[begin : begin + _TOGETHER]))
        for begin in range(0, len(events), _TOGETHER)
    ]
    return [*made, _end(_EVENTS_END, question, found)]


def answer_rows(records: Reader, question: Answers) -> list[Answer]:
    found = records.answers(
        question.broker,
        question.user,
        _METHODS[question.kind],
        slot=question.slot,
        day=question.day,
        request_id=question.request_id,
        asker=question.asker.replace("\0", " "),
        latest=question.latest,
        after=question.after,
        limit=question.limit + 1,
    )
    made = [Answer(_ANSWERS, _encode([_answered(row)])) for row in found[: question.limit]]
    return [*made, _end(_ANSWERS_END, question, found)]


def _end(
    kind: int, question: Events | Answers, found: Sequence[EventRow] | Sequence[AnswerPart]
) -> Answer:
    told = found[: question.limit]
    after = told[-1].after if told else question.after
    page = Page(day=question.day, after=after, more=len(found) > question.limit)
    return Answer(kind, _encode(page), last=True)


def _event(row: EventRow) -> Event:
    return Event(
        number=row.after,
        day=row.day,
        epoch=row.epoch,
        seq=row.seq,
        recv_ns=row.arrived_ns,
        callback=row.callback,
        layout=row.layout,
        flags=row.flags,
        body=row.body,
    )


def _answered(row: AnswerPart) -> Answered:
    return Answered(
        number=row.after,
        day=row.day,
        epoch=row.epoch,
        answer=row.number,
        request_ids=row.request_ids,
        asked_ns=row.asked_ns,
        arrived_ns=row.arrived_ns,
        layout=row.layout,
        first=row.first,
        rows=row.rows,
        last=row.last,
        error_id=row.error_id,
        error_msg=row.error_msg,
        askers=row.askers,
    )
