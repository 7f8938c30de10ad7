"""The requests of clients on their way through the counter."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bus.bodies import Bodies
from bus.errors import Refused, refused, request_failed
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Counter, Event
from schemas.errors import TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND, Action, action_of

from .numbers import RequestIds, error_id
from .queries import QueryQueue
from .replies import Replies

# An order has no other sure answer than its returns, so it stays open for a late refusal; the
# oldest are given up beyond this.
_MOST_OPEN: Final = 10_000
_MOST_WAITING: Final = 10_000
_HELD_GAP_S: Final = 1.0
_BUSY: Final = frozenset({TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})


@dataclass(slots=True, eq=False)
class Pending:
    """One request."""

    peer: bytes
    call: Call
    deadline: float  # of a query
    is_query: bool
    number: int = 0  # nRequestID at the counter, new for each time it is sent


class Requests:
    """One generic path for every Req* of the API: struct bytes in, rows of callbacks out."""

    def __init__(
        self,
        catalogue: Catalogue,
        counter: Counter,
        replies: Replies,
        ids: RequestIds,
        query_s: float,
    ) -> None:
        self._catalogue, self._counter, self._replies = catalogue, counter, replies
        self._ids, self._query_s = ids, query_s
        self.queries: QueryQueue[Pending] = QueryQueue()
        self._bodies = Bodies(catalogue)
        self._open: OrderedDict[int, Pending] = OrderedDict()
        # Since when, and when last, the API refused a query because another one is in flight.
        self._held_since: float | None = None
        self._held_at = 0.0

    def accept(self, peer: bytes, call: Call, now: float) -> None:
        """Queue a query; send anything else at once. Raises Refused when nothing was sent."""
        request = self._catalogue.td.requests[call.method]
        self._bodies.check(call.method, request.struct, call.body)
        if request.is_query:
            if len(self.queries) >= _MOST_WAITING:
                raise request_failed("too many queries of this account wait")
            deadline = now + min(call.seconds_left, self._query_s)
            self.queries.add(Pending(peer, call, deadline, is_query=True))
            self.pump(now)
        else:
            self._act(Pending(peer, call, now, is_query=False))

    def pump(self, now: float) -> None:
        """Send the next query when its time has come."""
        while (pending := self.queries.take(now)) is not None:
            status = self._send(pending)
            self._watch(status, now)
            if status in _BUSY:
                self._close(pending)
                self.queries.not_taken(now)
            elif status != 0:
                self._end(pending, _not_sent(pending.call.method, status))

    def on_reply(self, event: Event, now: float) -> Call | None:
        """Pass a callback on to who asked; his call, or None when nobody did."""
        pending = self._open.get(event.request_id)
        if pending is None:
            return None
        if pending.is_query and self._not_ready(event):
            self._close(pending)
            self.queries.not_ready(now)
            return pending.call
        last = event.last or event.name == "OnRspError"
        self._replies.event(pending.peer, pending.call, event, last)
        if last:
            self._close(pending)
            self.queries.done(pending)
            self.pump(now)
        return pending.call

    def stuck(self, now: float) -> bool:
        """Whether the API has held its place for queries for so long that the answer it waits for
        must be lost; only a new connection frees it."""
        return self._held_since is not None and now - self._held_since > self._query_s

    def _watch(self, status: int, now: float) -> None:
        """We have nothing in flight when we send, so the API waits for what we gave up."""
        if status != TOO_MANY_IN_FLIGHT:
            self._held_since = None
        elif self._held_since is None or now - self._held_at > _HELD_GAP_S:
            self._held_since = now
        self._held_at = now

    def expire(self, now: float) -> None:
        """End the queries that have waited for too long."""
        for pending in self.queries.expired(now):
            self._end(pending, request_failed("no full answer from the counter in time"))

    def front_lost(self) -> None:
        """End the queries. An order that was handed to the API may have reached the counter: it
        stays open, and the private stream will tell."""
        self._held_since = None
        for pending in self.queries.clear():
            self._end(pending, request_failed("the trading front disconnected"))

    def _act(self, pending: Pending) -> None:
        """An order or another request that is no query: now or never."""
        if pending.call.seconds_left < 0:
            raise request_failed("expired before it was sent; nothing was sent")
        status = self._send(pending)
        if status != 0:
            self._close(pending)
            raise _not_sent(pending.call.method, status)
        self._replies.sent(pending.peer, pending.call)

    def _send(self, pending: Pending) -> int:
        pending.number = self._ids.next()
        self._open[pending.number] = pending
        if len(self._open) > _MOST_OPEN:
            self._give_up_oldest()
        return self._counter.request(pending.call.method, pending.call.body, pending.number)

    def _give_up_oldest(self) -> None:
        number, pending = self._open.popitem(last=False)
        if pending is self.queries.in_flight:
            self._open[number] = pending  # that one has a time limit of its own

    def _end(self, pending: Pending, error: Refused) -> None:
        self.queries.done(pending)
        self._close(pending)
        self._replies.refuse(pending.peer, pending.call, error)

    def _not_ready(self, event: Event) -> bool:
        """Whether the counter asks for the same query a little later (90, 154)."""
        return action_of(error_id(self._catalogue, event)) is Action.RETRY

    def _close(self, pending: Pending) -> None:
        self._open.pop(pending.number, None)


def _not_sent(method: str, status: int) -> Refused:
    """A Req* call that returned non-zero."""
    return refused(status, f"{method} returned {status}; nothing was sent")
