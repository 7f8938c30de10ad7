"""The tables. Rows are only ever added, except for the places and what is too old.

Every message of the bus has its place, (topic, epoch, seq), and no table takes one twice: so what
is written again, by a second recorder or after a crash, changes nothing.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from bus.answers import LONGEST_NAME

# +1 for each change that an older program would not understand.
VERSION: Final = 1

METADATA: Final = MetaData()

VERSIONS: Final = Table(
    "ctpbus_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False)
)


def _place() -> list[Column[Any]]:
    return [
        Column("topic", String(300), nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
    ]


def _account() -> list[Column[Any]]:
    return [
        Column("broker", String(80), nullable=False),
        Column("user", String(80), nullable=False),
        Column("slot", Integer, nullable=False),
        Column("day", String(8), nullable=False),
        Column("arrived_ns", BigInteger, nullable=False),
        Column("layout", Integer, nullable=False),
    ]


EVENTS: Final = Table(
    "events",
    METADATA,
    *_place(),
    *_account(),
    Column("stream", String(16), nullable=False),
    Column("callback", String(32), nullable=False),
    Column("exchange", String(16), nullable=False),
    Column("instrument", String(96), nullable=False),
    Column("front_id", Integer, nullable=False),
    Column("session_id", Integer, nullable=False),
    Column("order_ref", String(16), nullable=False),
    Column("order_sys_id", String(32), nullable=False),
    Column("trade_id", String(32), nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("topic", "epoch", "seq"),
    Index("events_of_instrument", "topic", "instrument", "epoch", "seq"),
    Index("events_of_day", "day"),
)

ANSWERS: Final = Table(
    "answers",
    METADATA,
    *_place(),
    *_account(),
    Column("kind", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("first", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("last", Boolean, nullable=False),
    Column("asked_ns", BigInteger, nullable=False),
    Column("error_id", Integer, nullable=False),
    Column("error_msg", Text, nullable=False),
    Column("request_ids", LargeBinary, nullable=False),  # msgpack
    Column("rows", LargeBinary, nullable=False),  # msgpack: an array of structs
    # msgpack. NULL: written before there were names, or by an older recorder on the same database.
    Column("askers", LargeBinary),
    UniqueConstraint("topic", "epoch", "seq"),
    Index("answers_of_kind", "topic", "kind", "day", "epoch", "seq"),
    Index("answers_of_day", "day"),
)

REQUESTS: Final = Table(
    "answer_requests",
    METADATA,
    *_place(),
    Column("day", String(8), nullable=False),
    Column("request_id", Integer, nullable=False),
    UniqueConstraint("topic", "request_id", "epoch", "seq"),
    Index("answer_requests_of_day", "day"),
)

# Only of those who gave a name.
ASKERS: Final = Table(
    "answer_askers",
    METADATA,
    *_place(),
    Column("day", String(8), nullable=False),
    Column("asker", String(LONGEST_NAME), nullable=False),
    Column("request_id", Integer, nullable=False),
    UniqueConstraint("topic", "asker", "request_id", "epoch", "seq"),
    Index("answer_askers_of_day", "day"),
)

# Returns that nobody can give any more; ``last`` NULL: up to the next one that there is.
GAPS: Final = Table(
    "gaps",
    METADATA,
    Column("topic", String(300), nullable=False),
    Column("stream", String(16), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger),
    Column("day", String(8), nullable=False),
    Column("noted_ns", BigInteger, nullable=False),
    UniqueConstraint("topic", "stream", "epoch", "first"),
    Index("gaps_of_day", "day"),
)

# Up to where a stream has all of a topic. It is raised with the rows, in one transaction.
PLACES: Final = Table(
    "places",
    METADATA,
    Column("topic", String(300), primary_key=True),
    Column("stream", String(16), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# Columns that a table may lack that an earlier version made; all of them may be NULL.
ADDED: Final = (ANSWERS.c.askers,)

OF_A_DAY: Final = (REQUESTS, ASKERS, ANSWERS, EVENTS, GAPS)


def insert_new(table: Table, dialect: Dialect) -> Any:
    """An INSERT that passes over rows that are there."""
    return _insert(table, dialect).on_conflict_do_nothing()


def raise_place(dialect: Dialect) -> Any:
    """An INSERT of a place that never takes one back."""
    insert = _insert(PLACES, dialect)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["topic", "stream"],
        set_={"epoch": new.epoch, "seq": new.seq},
        where=tuple_(PLACES.c.epoch, PLACES.c.seq) < tuple_(new.epoch, new.seq),
    )


def _insert(table: Table, dialect: Dialect) -> Any:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
