"""The pace of queries: the API takes one at a time and the front so many a second. No I/O.

The slot of the query in flight must come free in every case: last row, error, refusal by the API,
time-out and disconnect; one lost answer would otherwise stop all queries for ever.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Protocol, TypeVar

# The API still holds a query that we gave up, or its second began at another moment than ours.
_AGAIN_S: Final = 0.05
_NOT_READY_S: Final = 1.0


class Query(Protocol):
    """What is queued: anything with a time after which nobody wants it any more."""

    @property
    def deadline(self) -> float: ...


Q = TypeVar("Q", bound=Query)


class QueryQueue(Generic[Q]):
    """Queries of one counter session, in the order in which they came. Times are seconds of one
    clock that the caller chooses."""

    def __init__(self) -> None:
        self.in_flight: Q | None = None
        self._waiting: deque[Q] = deque()
        self._pause_until = 0.0
        self._sent: deque[float] = deque()
        self.pace(1.0)

    def pace(self, per_s: float) -> None:
        """So many queries in any second, one after the other without a pause up to there."""
        burst = max(1, int(per_s))
        self._window_s = burst / per_s
        self._sent = deque(self._sent, maxlen=burst)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, query: Q) -> None:
        self._waiting.append(query)

    def add_urgent(self, query: Q) -> None:
        """It goes before all others, the last one of several before the earlier ones."""
        self._waiting.appendleft(query)

    def spent(self, now: float) -> None:
        """Somebody else sent a request that the front counts as a query."""
        self._sent.append(now)

    def take(self, now: float) -> Q | None:
        """The query to hand to the API now; it is in flight until one of the methods below."""
        due = self.due()
        if due is None or now < due:
            return None
        self.in_flight = self._waiting.popleft()
        self._sent.append(now)
        return self.in_flight

    def not_taken(self, now: float) -> None:
        """The API did not send the query in flight: it stays the first and has cost nothing."""
        self._back(now + _AGAIN_S)
        if self._sent:
            self._sent.pop()

    def not_ready(self, now: float) -> None:
        """The counter wants the query in flight a little later: it stays the first."""
        self._back(now + _NOT_READY_S)

    def done(self, query: Q) -> None:
        """It was answered in full, or refused."""
        if self.in_flight is query:
            self.in_flight = None

    def expired(self, now: float) -> list[Q]:
        """Take out what is too old, in flight or waiting."""
        old = [query for query in self._all() if query.deadline < now]
        if old:
            self._waiting = deque(query for query in self._waiting if query.deadline >= now)
        for query in old:
            self.done(query)
        return old

    def clear(self) -> list[Q]:
        """Take out everything: the front is gone."""
        everything = self._all()
        self._waiting.clear()
        self.in_flight, self._pause_until = None, 0.0
        return everything

    def due(self) -> float | None:
        """When ``take`` may have something; None when only an event can change that."""
        if not self._waiting or self.in_flight is not None:
            return None
        full = len(self._sent) == self._sent.maxlen
        return max(self._pause_until, self._sent[0] + self._window_s if full else 0.0)

    def _back(self, pause_until: float) -> None:
        if self.in_flight is not None:
            self._waiting.appendleft(self.in_flight)
            self.in_flight = None
        self._pause_until = pause_until

    def _all(self) -> list[Q]:
        return [*([] if self.in_flight is None else [self.in_flight]), *self._waiting]
