"""The line of queries before the counter: which one is next, and when. No I/O."""

from __future__ import annotations

import heapq
import itertools
from collections import deque

from .pace import Pace
from .query import QUEUED, Query, Stage, Waiter
from .turns import Turns


class Line:
    """First the worker's own questions; then, in turns, those that were put off and whose pause is
    over, and those of the clients. So what is never ready does not take all the time.

    ``queued`` counts the waiters of all queries that are not sent.
    """

    def __init__(self) -> None:
        self.pace = Pace()
        self.queued = 0
        self._turns = Turns()
        self._urgent: deque[Query] = deque()
        self._again: list[tuple[float, int, Query]] = []  # a heap: not before, a number, the query
        self._numbers = itertools.count()
        self._ready = 0  # queries that wait for their turn
        self._older_first = False

    @property
    def clients(self) -> int:
        return self._turns.clients

    def oldest(self, now: float) -> float:
        """Since when the first question waits; ``now`` without one."""
        firsts = [next(iter(entry[2].waiters), None) for entry in self._again]
        since = [waiter.since for waiter in firsts if waiter is not None]
        return min([now, *since, *self._turns.firsts()])

    def enter(self, query: Query) -> None:
        """A new query, still without anybody who waits for it."""
        self._ready += 1

    def add(self, waiter: Waiter) -> None:
        """A client who waits for a query that is not sent."""
        self._turns.add(waiter)

    def add_urgent(self, query: Query) -> None:
        self._urgent.append(query)

    def move(self, query: Query, stage: Stage) -> None:
        self.queued += len(query.waiters) * ((stage in QUEUED) - (query.stage in QUEUED))
        self._ready += (stage is Stage.WAITING) - (query.stage is Stage.WAITING)
        query.stage = stage

    def put_off(self, query: Query, until: float) -> None:
        self.move(query, Stage.AGAIN)
        heapq.heappush(self._again, (until, next(self._numbers), query))

    def hurry(self, errors: frozenset[int]) -> None:
        """What was put off for one of these need not wait any longer."""
        self.pace.resume()
        for index, (_, number, query) in enumerate(self._again):
            if query.put_off in errors:
                self._again[index] = (0.0, number, query)
        heapq.heapify(self._again)

    def due(self) -> float | None:
        """When the next one may go; None when nobody waits."""
        while self._again and self._again[0][2].stage is not Stage.AGAIN:
            heapq.heappop(self._again)
        if not (self._ready or self._again):
            return None
        return max(self.pace.due(), 0.0 if self._ready else self._again[0][0])

    def take(self, now: float) -> Query | None:
        due = self.due()
        if due is None or now < due:
            return None
        while self._urgent:
            query = self._urgent.popleft()
            if query.stage is Stage.WAITING:
                return query
        self._older_first = not self._older_first
        if self._older_first:
            return self._take_again(now) or self._turns.take()
        return self._turns.take() or self._take_again(now)

    def clear(self) -> None:
        """Their waiters are told by the caller."""
        self._turns.clear()
        self._urgent.clear()
        self._again.clear()
        self.pace.resume()

    def _take_again(self, now: float) -> Query | None:
        while self._again and self._again[0][0] <= now:
            query = heapq.heappop(self._again)[2]
            if query.stage is Stage.AGAIN:
                return query
        return None
