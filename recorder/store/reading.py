"""What the tables hold, for history. For any thread but that of an event loop: it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import Result, Select, Table, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from bus.frames import account_topic, answer_topic

from .database import Database, StoreError
from .tables import ANSWERS, ASKERS, EVENTS, GAPS, PLACES, REQUESTS

_SEQ_BITS: Final = 32
_MOST: Final = 10_000  # rows of one reading
_decode_rows: Final = msgspec.msgpack.Decoder(list[bytes]).decode
_decode_ids: Final = msgspec.msgpack.Decoder(list[int]).decode
_decode_names: Final = msgspec.msgpack.Decoder(list[str]).decode


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One return as it came: ``body`` and ``flags`` are those of the message, ``after`` is its
    place as one number. The identities are those of the struct, empty or 0 where it has none."""

    topic: str
    epoch: int
    seq: int
    broker: str
    user: str
    slot: int
    day: str
    arrived_ns: int
    layout: int
    stream: str
    callback: str
    exchange: str
    instrument: str
    front_id: int
    session_id: int
    order_ref: str
    order_sys_id: str
    trade_id: str
    flags: int
    body: bytes

    @property
    def after(self) -> int:
        return _number(self.epoch, self.seq)


class AnswerPart(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of one answer, as ``bus.answers.Answer``; parts of one answer have one ``epoch``
    and ``number``. It is complete when one of them has ``last`` and none is missing: ``first`` is
    how many rows the parts before this one have."""

    topic: str
    epoch: int
    seq: int
    broker: str
    user: str
    slot: int
    day: str
    arrived_ns: int
    layout: int
    kind: str
    number: int
    first: int
    count: int
    last: bool
    asked_ns: int
    error_id: int
    error_msg: str
    request_ids: list[int]
    rows: list[bytes]
    askers: list[str]

    @property
    def after(self) -> int:
        return _number(self.epoch, self.seq)


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """Returns that are missing for good; ``last`` None: all up to the next one that there is."""

    topic: str
    stream: str
    epoch: int
    first: int
    last: int | None
    day: str
    noted_ns: int


class Reader:
    """All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(
        self,
        broker: str,
        user: str,
        stream: str,
        *,
        slot: int = 0,
        instrument: str = "",
        day: str = "",
        after: int = 0,
        limit: int = 1000,
    ) -> list[EventRow]:
        """Events of one session behind the one with ``after`` (0: from the first), in the order in
        which they were published. ``stream``: "order_events" or "trade_events"; "" for instrument
        and day is all of them."""
        topic = account_topic(broker, user, slot)
        query = _behind(EVENTS, topic, after, limit).where(EVENTS.c.stream == stream)
        if instrument:
            query = query.where(EVENTS.c.instrument == instrument)
        if day:
            query = query.where(EVENTS.c.day == day)
        with self._read() as read:
            return [EventRow(**row) for row in read(query)]

    def answers(
        self,
        broker: str,
        user: str,
        kind: str,
        *,
        slot: int = 0,
        day: str = "",
        request_id: int | None = None,
        asker: str = "",
        latest: bool = False,
        after: int = 0,
        limit: int = 100,
    ) -> list[AnswerPart]:
        """Parts of answers to ``kind`` ("ReqQryOrder", see ``bus.answers``), the oldest first: of
        all of them, of those that ``request_id`` has asked for, or one who is named ``asker``, or
        only of the ``latest`` that has ended without an error."""
        topic = answer_topic(broker, user, slot)
        query = _behind(ANSWERS, topic, after, limit).where(ANSWERS.c.kind == kind)
        if day:
            query = query.where(ANSWERS.c.day == day)
        if asker:
            query = query.where(_asked_for(topic, asker, request_id))
        elif request_id is not None:
            query = query.where(_asked_by(topic, request_id))
        with self._read() as read:
            if latest:
                newest = (
                    query.with_only_columns(ANSWERS.c.epoch, ANSWERS.c.number)
                    .where(ANSWERS.c.last, ANSWERS.c.error_id == 0)
                    .order_by(None)
                    .order_by(ANSWERS.c.epoch.desc(), ANSWERS.c.seq.desc())
                    .limit(1)
                )
                found = read(newest)
                if not found:
                    return []
                query = query.where(
                    ANSWERS.c.epoch == found[0]["epoch"], ANSWERS.c.number == found[0]["number"]
                )
            return [_part(row) for row in read(query)]

    def gaps(self, broker: str, user: str, *, slot: int = 0, day: str = "") -> list[GapRow]:
        query = select(GAPS).where(GAPS.c.topic == account_topic(broker, user, slot))
        if day:
            query = query.where(GAPS.c.day == day)
        with self._read() as read:
            return [GapRow(**row) for row in read(query.order_by(GAPS.c.noted_ns))]

    def places(self, stream: str) -> dict[str, tuple[int, int]]:
        """Up to where a stream has all of each topic."""
        query = select(PLACES).where(PLACES.c.stream == stream)
        with self._read() as read:
            return {row["topic"]: (row["epoch"], row["seq"]) for row in read(query)}

    def days(self) -> dict[str, int]:
        """The trading days of which there are events, and how many."""
        query = select(EVENTS.c.day, func.count().label("count")).group_by(EVENTS.c.day)
        with self._read() as read:
            return {row["day"]: row["count"] for row in read(query.order_by(EVENTS.c.day))}

    @contextmanager
    def _read(self) -> Iterator[Any]:
        try:
            with self._database.begin() as connection:
                yield lambda query: _rows(connection.execute(query))
        except SQLAlchemyError as exc:
            raise StoreError(self._database.explain(exc)) from None


def _rows(result: Result[Any]) -> list[dict[str, Any]]:
    keys = result.keys()
    names = [str(key) for key in keys]  # plain ones; SQLAlchemy's are of a type of its own
    return [dict(zip(names, row, strict=True)) for row in result]


def _number(epoch: int, seq: int) -> int:
    """A place as one number; epochs begin as Unix time in seconds, so it fits into 63 bits."""
    return epoch << _SEQ_BITS | seq


def _behind(table: Table, topic: str, after: int, limit: int) -> Select[Any]:
    place = tuple_(table.c.epoch, table.c.seq)
    query = select(table).where(table.c.topic == topic)
    if after:
        query = query.where(place > (after >> _SEQ_BITS, after & ((1 << _SEQ_BITS) - 1)))
    return query.order_by(table.c.epoch, table.c.seq).limit(max(1, min(limit, _MOST)))


def _asked_by(topic: str, request_id: int) -> Any:
    asked = select(REQUESTS.c.epoch, REQUESTS.c.seq).where(
        REQUESTS.c.topic == topic, REQUESTS.c.request_id == request_id
    )
    return tuple_(ANSWERS.c.epoch, ANSWERS.c.seq).in_(asked)


def _asked_for(topic: str, asker: str, request_id: int | None) -> Any:
    asked = select(ASKERS.c.epoch, ASKERS.c.seq).where(
        ASKERS.c.topic == topic, ASKERS.c.asker == asker
    )
    if request_id is not None:
        asked = asked.where(ASKERS.c.request_id == request_id)
    return tuple_(ANSWERS.c.epoch, ANSWERS.c.seq).in_(asked)


def _part(row: dict[str, Any]) -> AnswerPart:
    row["rows"], row["request_ids"] = _decode_rows(row["rows"]), _decode_ids(row["request_ids"])
    names = row["askers"]
    row["askers"] = [""] * len(row["request_ids"]) if names is None else _decode_names(names)
    return AnswerPart(**row)
