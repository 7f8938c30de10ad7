"""The desk for queries: one generic path for every ReqQry* and ReqQuery* of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bus.bodies import Bodies
from bus.errors import Refused, refused, request_failed
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND, Action, action_of

from ..connection import Requests
from ..numbers import RequestIds, error_id
from .pace import QueryQueue

_MOST_WAITING: Final = 10_000
_HELD_GAP_S: Final = 1.0
_BUSY: Final = frozenset({TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})

OnRow = Callable[[Event, bool], None]  # (a row as the counter gave it, whether it is the last)
OnFailed = Callable[[Refused], None]


@dataclass(slots=True, eq=False)
class Query:
    """One query and who waits for it. Exactly one last row or one failure ends it."""

    method: str
    body: bytes
    deadline: float
    on_row: OnRow
    on_failed: OnFailed
    number: int = 0  # nRequestID at the counter, new for each time it is sent


class QueryDesk:
    """The queries of one counter session."""

    def __init__(
        self, catalogue: Catalogue, counter: Requests, ids: RequestIds, query_s: float
    ) -> None:
        self._catalogue, self._counter = catalogue, counter
        self._ids, self._query_s = ids, query_s
        self._queue: QueryQueue[Query] = QueryQueue()
        self._bodies = Bodies(catalogue)
        self._open: dict[int, Query] = {}
        # Since when, and when last, the API refused a query because another one is in flight.
        self._held_since: float | None = None
        self._held_at = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    def accept(self, call: Call, on_row: OnRow, on_failed: OnFailed, now: float) -> None:
        """Queue a client's query. Raises Refused."""
        request = self._catalogue.td.requests[call.method]
        self._bodies.check(call.method, request.struct, call.body)
        if len(self._queue) >= _MOST_WAITING:
            raise request_failed("too many queries of this account wait")
        deadline = now + min(call.seconds_left, self._query_s)
        self._queue.add(Query(call.method, call.body, deadline, on_row, on_failed))
        self.pump(now)

    def ask(
        self,
        method: str,
        body: bytes,
        on_row: OnRow,
        on_failed: OnFailed,
        now: float,
        timeout_s: float,
    ) -> None:
        """A query of the worker itself: it goes before those of all clients."""
        self._queue.add_urgent(Query(method, body, now + timeout_s, on_row, on_failed))
        self.pump(now)

    def spent(self, now: float) -> None:
        """A request that was sent past the desk and counts like a query, such as the settlement
        confirm."""
        self._queue.spent(now)

    def pace(self, per_s: float) -> None:
        self._queue.pace(per_s)

    def due(self) -> float | None:
        """When ``pump`` may have something to send."""
        return self._queue.due()

    def pump(self, now: float) -> None:
        """Send the next query when its time has come."""
        while (query := self._queue.take(now)) is not None:
            status = self._send(query)
            self._watch(status, now)
            if status in _BUSY:
                self._open.pop(query.number, None)
                self._queue.not_taken(now)
            elif status != 0:
                error = refused(status, f"{query.method} returned {status}; nothing was sent")
                self._end(query, error)

    def on_reply(self, event: Event, now: float) -> bool:
        """Pass a callback on to who asked; whether somebody did."""
        query = self._open.get(event.request_id)
        if query is None:
            return False
        if self._not_ready(event):
            self._open.pop(query.number, None)
            self._queue.not_ready(now)
            return True
        last = event.last or event.name == "OnRspError"
        query.on_row(event, last)
        if last:
            self._open.pop(query.number, None)
            self._queue.done(query)
            self.pump(now)
        return True

    def stuck(self, now: float) -> bool:
        """Whether the API has held its place for queries for so long that the answer it waits for
        must be lost; only a new connection frees it."""
        return self._held_since is not None and now - self._held_since > self._query_s

    def expire(self, now: float) -> None:
        """End the queries that have waited for too long."""
        for query in self._queue.expired(now):
            self._end(query, request_failed("no full answer from the counter in time"))

    def front_lost(self) -> None:
        """End all queries."""
        self._held_since = None
        for query in self._queue.clear():
            self._end(query, request_failed("the trading front disconnected"))

    def _watch(self, status: int, now: float) -> None:
        """We have nothing in flight when we send, so the API waits for what we gave up."""
        if status != TOO_MANY_IN_FLIGHT:
            self._held_since = None
        elif self._held_since is None or now - self._held_at > _HELD_GAP_S:
            self._held_since = now
        self._held_at = now

    def _send(self, query: Query) -> int:
        query.number = self._ids.next()
        self._open[query.number] = query
        return self._counter.request(query.method, query.body, query.number)

    def _end(self, query: Query, error: Refused) -> None:
        self._queue.done(query)
        self._open.pop(query.number, None)
        query.on_failed(error)

    def _not_ready(self, event: Event) -> bool:
        """Whether the counter asks for the same query a little later (90, 154)."""
        return action_of(error_id(self._catalogue, event)) is Action.RETRY
