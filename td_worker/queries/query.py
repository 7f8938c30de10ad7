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

# What a kept row takes beside its bytes: an Event, two bytes objects and their numbers.
_ROW_BYTES: Final = 240


class Stage(Enum):
    """Where a query is."""

    WAITING = auto()  # for its turn
    AGAIN = auto()  # the API or the counter has put it off; it has had its turn
    FLYING = auto()  # handed to the API
    ENDED = auto()  # the counter is done with it, or nobody waits for it any more


QUEUED: Final = frozenset({Stage.WAITING, Stage.AGAIN})


class Answer:
    """Rows for readers who come later or read slower than the counter sends; it grows meanwhile.

    ``size`` is about the memory it takes, in bytes; ``good``: no row carries an error.
    """

    def __init__(self) -> None:
        self.rows: list[Event] = []
        self.size = 0
        self.complete = False
        self.good = True
        self.parked: list[tuple[Waiter, Hand]] = []  # readers who have got all that there is
        self._info: bytes | None = None

    def add(self, event: Event, last: bool, good: bool) -> None:
        """Keep a row: the exact bytes, and whether it is the last one."""
        if event.info == self._info:  # mostly the same for every row, so one copy is enough
            event = event._replace(info=self._info)
        self._info = event.info
        self.rows.append(event if event.last == last else event._replace(last=last))
        self.size += _ROW_BYTES + len(event.field or b"")
        self.complete = last
        self.good = self.good and good


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
    position: int = 0  # rows of the kept answer that it has got
    done: bool = False
