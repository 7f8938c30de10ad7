"""The streams of events and answers: what comes on the bus goes into the tables."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final

from bus.answers import Answer
from bus.client import Gap
from bus.frames import Message, message_type

from ..streams import Counters
from .database import StoreError
from .reading import Reader
from .returns import Link, Topic
from .rows import ANSWER_STREAMS, EVENT_STREAMS, Rows
from .tables import PLACES
from .writing import Row, Writer

log = logging.getLogger("recorder")

_AGAIN_S: Final = 1.0
_NOTE_S: Final = 2.0


class EventStream:
    """Returns of all accounts. It goes on where the tables end: what was published while it was
    stopped, or while nothing could be written, comes from td_worker's journal.

    What passes and is of another stream raises the place too, a little later. An account may trade
    so seldom that its last trade is no longer in the journal: that would look like a loss."""

    def __init__(self, name: str, link: Link, rows: Rows, writer: Writer, reader: Reader) -> None:
        self.name, self.counters = name, Counters()
        self._link, self._rows, self._writer, self._reader = link, rows, writer, reader
        self._types = frozenset(message_type(callback) for callback in EVENT_STREAMS[name])
        self._topics: dict[str, Topic] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._beginning: asyncio.Task[None] | None = None
        self._passed: dict[str, tuple[int, int]] = {}  # not in the tables yet
        self._noting: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._beginning = asyncio.get_running_loop().create_task(self._begin())

    def stop(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
        self._link.leave_returns(self._on_message)
        for topic in self._topics.values():
            topic.close()
        self._topics.clear()
        if self._noting is not None:
            self._noting.cancel()
            self._note()

    async def _begin(self) -> None:
        """Without the places nobody knows what is in the tables, so nothing is taken before."""
        while True:
            try:
                self._places = await asyncio.to_thread(self._reader.places, self.name)
            except StoreError as exc:
                fields = {"stream": self.name, "reason": str(exc)}
                log.error("a stream waits for its database", extra={"fields": fields})
                await asyncio.sleep(_AGAIN_S)
            else:
                self._link.hear_returns(self._on_message)
                return

    def _on_message(self, message: Message) -> None:
        topic = self._topics.get(message.topic)
        if topic is None:
            place = self._places.get(message.topic, (0, 0))
            topic = self._topics[message.topic] = Topic(
                self._link, message.topic, place, self._take, self._lose, self._has_room
            )
        topic.on_message(message)

    def _has_room(self) -> bool:
        return not self._writer.full

    def _take(self, message: Message) -> None:
        if message.type not in self._types:
            self._passed[message.topic] = (message.epoch, message.seq)
            self._note_later()
            return
        self._passed.pop(message.topic, None)
        self.counters.received += 1
        self.counters.last_ns = message.recv_ns
        self._writer.put([self._rows.event(self.name, message)], anyway=True)

    def _note_later(self) -> None:
        if self._noting is None:
            self._noting = asyncio.get_running_loop().call_later(_NOTE_S, self._note)

    def _note(self) -> None:
        """Behind all that came before it, so that no place is written ahead of its events."""
        self._noting = None
        rows = [
            Row(PLACES, {"topic": topic, "stream": self.name, "epoch": epoch, "seq": seq})
            for topic, (epoch, seq) in self._passed.items()
        ]
        if self._writer.put(rows):
            self._passed.clear()
        else:
            self._note_later()

    def _lose(self, gap: Gap) -> None:
        """Of both streams together; which of them it would have been nobody knows."""
        self.counters.lost += 1 if gap.last is None else gap.last - gap.first + 1
        fields = {"topic": gap.topic, "epoch": gap.epoch, "first": gap.first, "last": gap.last}
        log.error("returns are lost", extra={"fields": {"stream": self.name, **fields}})
        self._writer.put(self._rows.gap(self.name, gap, time.time_ns()), anyway=True)


class AnswerStream:
    """The answers to one kind of question, of all accounts."""

    def __init__(self, name: str, link: Link, rows: Rows, writer: Writer) -> None:
        self.name, self.counters = name, Counters()
        self._link, self._rows, self._writer = link, rows, writer
        self._method = ANSWER_STREAMS[name]

    def start(self) -> None:
        self._link.hear_answers(self._on_answer)

    def stop(self) -> None:
        self._link.leave_answers(self._on_answer)

    def _on_answer(self, message: Message, answer: Answer) -> None:
        if answer.method != self._method:
            return
        self.counters.received += 1
        self.counters.last_ns = message.recv_ns
        if not self._writer.put(self._rows.answer(self.name, message, answer)):
            self.counters.lost += 1


TableStream = EventStream | AnswerStream


def make(link: Link, rows: Rows, writer: Writer, reader: Reader) -> list[TableStream]:
    events = [EventStream(name, link, rows, writer, reader) for name in EVENT_STREAMS]
    answers = [AnswerStream(name, link, rows, writer) for name in ANSWER_STREAMS]
    return [*events, *answers]


def count(
    streams: Iterable[TableStream], written: dict[str, int], rejected: dict[str, int]
) -> None:
    """What the writer reports, in the thread of the event loop."""
    for stream in streams:
        stream.counters.written += written.get(stream.name, 0)
        stream.counters.lost += rejected.get(stream.name, 0)
