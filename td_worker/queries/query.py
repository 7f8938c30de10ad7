"""A question to the counter, those who wait for its answer, and the rows kept for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from bus.errors import Refused
from schemas.counter import Event

OnRow = Callable[[Event, bool], None]  # (a row as the counter gave it, whether it is the last)
OnFailed = Callable[[Refused], None]
Hand = Callable[["Waiter", Event, bool], None]

# What a kept row takes beside its bytes: the head of a bytes object and its place in a list.
_ROW_BYTES: Final = 48


class Stage(Enum):
    """Where a query is."""

    WAITING = auto()  # for its turn
    AGAIN = auto()  # the API or the counter has put it off; it has had its turn
    FLYING = auto()  # handed to the API
    ENDED = auto()  # the counter is done with it, or nobody waits for it any more


QUEUED: Final = frozenset({Stage.WAITING, Stage.AGAIN})


class Answer:
    """Rows for readers who come later or read slower than the counter sends; it grows meanwhile.

    ``size`` is about the memory it takes, in bytes; ``good``: no row carries an error. The rows are
    kept as bare bytes, because 100,000 tuples would make the garbage collector stop the worker
    for 40 ms; what is not as in the first row stays an Event.
    """

    def __init__(self) -> None:
        self.size = 0
        self.complete = False
        self.good = True
        self.parked: list[tuple[Waiter, Hand]] = []  # readers who have got all that there is
        self._fields: list[bytes | None] = []
        self._first: Event | None = None
        self._others: dict[int, Event] = {}

    def __len__(self) -> int:
        return len(self._fields)

    def add(self, event: Event, last: bool, good: bool) -> None:
        """Keep a row: the exact bytes, and whether it is the last one."""
        first = self._first = self._first or event
        if last or event.name != first.name or event.info != first.info:
            self._others[len(self)] = event._replace(last=last)
        self._fields.append(event.field)
        self.size += _ROW_BYTES + len(event.field or b"")
        self.complete = last
        self.good = self.good and good

    def row(self, index: int) -> Event:
        """With ``last`` as ``add`` was told."""
        assert self._first is not None
        name, _, info, request_id, _, number, recv_ns = self._first
        return self._others.get(index) or Event(
            name, self._fields[index], info, request_id, False, number, recv_ns
        )


@dataclass(slots=True, eq=False)
class Query:
    """One question. ``answer`` is there when its rows are kept; nobody joins one that is alone."""

    method: str
    body: bytes
    answer: Answer | None = None
    alone: bool = False
    stage: Stage = Stage.WAITING
    waiters: dict[Waiter, None] = field(default_factory=dict)
    number: int = 0  # nRequestID at the counter, new for each time it is sent
    rows: int = 0
    tries: int = 0  # how often it was put off
    put_off: int = 0  # by which error or return code, the last time
    asked_ns: int = 0  # Unix time when the API took it
    told: bool = False  # the whole answer is on the bus

    @property
    def key(self) -> tuple[str, bytes]:
        """Equal for equal questions: no struct of a ReqQry* holds a number of its own request."""
        return self.method, self.body


@dataclass(slots=True, eq=False)
class Waiter:
    """One who asked. Exactly one last row or one failure ends it. Times are monotonic seconds."""

    client: bytes
    query: Query
    deadline: float
    since: float
    on_row: OnRow
    on_failed: OnFailed
    request_id: int = 0  # nRequestID of the client
    asker: str = ""  # the name of the client, if he gave one
    position: int = 0  # rows of the kept answer that it has got
    done: bool = False
