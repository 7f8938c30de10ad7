"""The desk for queries: one generic path for every ReqQry* and ReqQuery* of the API.

- The counter takes one ReqQry* at a time and so many a second, so they wait here. Clients have
  their turns one after the other, whatever each of them has asked.
- Equal questions that wait are asked once. One that is in flight already is joined only for a day
  table (``tables``), which does not change: the rows of an order, a trade, a position or an
  account may have been read before the new question was asked, and who asks after his own trade
  must see it.
- The worker's own questions (``ask``) go before all others and stay alone.
- ReqQuery* are outside of the counter's limits and are sent at once.
- -2, -3, 90 and 154 never reach a client: the query is sent again after a growing pause, until
  its deadline.
- The slot of the query in flight comes free in every case: last row, OnRspError, a non-zero
  return, time-out and disconnect; else one lost answer would stop all queries for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from bus.bodies import Bodies
from bus.errors import Refused, refused, request_failed
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND, Action, action_of

from ..connection import Requests
from ..numbers import RequestIds, error_id
from .day_cache import DayCache, key_of
from .delivery import Deliveries
from .line import Line
from .measures import Measures
from .query import QUEUED, Answer, OnFailed, OnRow, Query, Stage, Waiter
from .tables import is_day_table
from .telling import Telling
from .waiting import Waiting

log = logging.getLogger("td_worker")

# Rows of one answer to several clients, all together, that are passed on the moment they come; the
# rest follows at the pace at which the callers can read.
_MOST_AT_ONCE: Final = 20_000
_HELD_GAP_S: Final = 1.0
_BUSY: Final = frozenset({TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})
# The API still holds a query that we gave up, or its second began at another moment than ours.
_NOT_TAKEN_S: Final = (0.05, 0.4)  # the first pause, and the longest
# The counter is not ready. Others may go on after the first pause.
_NOT_READY_S: Final = (1.0, 5.0)


class QueryDesk:
    """The queries of one counter session."""

    def __init__(
        self,
        catalogue: Catalogue,
        counter: Requests,
        ids: RequestIds,
        query_s: float,
        user: str,
        cache: DayCache,
        deliveries: Deliveries,
        telling: Telling,
    ) -> None:
        self.measures = Measures()
        self._catalogue, self._counter, self._ids = catalogue, counter, ids
        self._query_s, self._user = query_s, user
        self._cache, self._deliveries, self._telling = cache, deliveries, telling
        self._day = ""
        self._bodies = Bodies(catalogue)
        self._line = Line()
        self._waiting = Waiting()
        self._same: dict[tuple[str, bytes], Query] = {}  # those that another one may join
        self._open: dict[int, Query] = {}
        self._flying: Query | None = None
        self._given_up = 0  # number of the query in flight that nobody waited for any more
        # Since when, and when last, the API refused a query because another one is in flight.
        self._held_since: float | None = None
        self._held_at = 0.0

    def __len__(self) -> int:
        """How many questions of clients and of the worker itself wait to be asked."""
        return self._line.queued

    # -- questions ---------------------------------------------------------------------------

    def accept(
        self, call: Call, on_row: OnRow, on_failed: OnFailed, now: float, asker: str = ""
    ) -> None:
        """A client's query; ``asker``: his name, if he gave one. Raises Refused."""
        request = self._catalogue.td.requests[call.method]
        self._bodies.check(call.method, request.struct, call.body)
        self._waiting.admit(call.session)
        query = self._question(call)
        deadline = now + min(call.seconds_left, self._query_s)
        waiter = Waiter(
            call.session, query, deadline, now, on_row, on_failed, call.request_id, asker
        )
        self._wait(waiter)
        if query.answer is not None:
            self._deliveries.add(query.answer, waiter, self._hand)
        if not request.is_query:
            self._send(query, now)
        elif query.stage in QUEUED:
            self._line.add(waiter)
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
        query = self._new(method, body, alone=True)
        self._line.add_urgent(query)
        self._wait(Waiter(b"", query, now + timeout_s, now, on_row, on_failed))
        self.pump(now)

    def left(self, client: bytes) -> None:
        """A client is gone: end what it has asked."""
        for waiter in self._waiting.of(client):
            self._fail([waiter], request_failed("the client has left"))

    def new_day(self, trading_day: str) -> None:
        """Called with the TradingDay of each login."""
        self._day = trading_day
        self._cache.new_day(trading_day)

    # -- time --------------------------------------------------------------------------------

    def pace(self, per_s: float) -> None:
        self._line.pace.set(per_s)

    def spent(self, now: float) -> None:
        """A request that was sent past the desk and counts like a query, such as the settlement
        confirm."""
        self._line.pace.sent(now)

    def due(self) -> float | None:
        """When ``pump`` may have something to send; None when only an event can change that."""
        return None if self._flying is not None else self._line.due()

    def pump(self, now: float) -> None:
        """Send the next query when its time has come."""
        while self._flying is None and (query := self._line.take(now)) is not None:
            self._send(query, now)

    def expire(self, now: float) -> None:
        """End the waiting of those who have waited for too long; others wait on for the same
        answer."""
        while (waiter := self._waiting.late(now)) is not None:
            self.measures.timeouts += 1
            self._fail([waiter], request_failed(_why_late(waiter.query)))

    def stuck(self, now: float) -> bool:
        """Whether the API has held its place for queries for so long that the answer it waits for
        must be lost; only a new connection frees it."""
        return self._held_since is not None and now - self._held_since > self._query_s

    def stat(self, now: float) -> dict[str, object]:
        """What ``td_worker.stats`` says of it; the waiting times are those since the last call."""
        return {
            "waiting": len(self),
            "oldest_s": now - self._line.oldest(now),
            "clients": self._line.clients,
            **self.measures.take(),
        }

    # -- answers -----------------------------------------------------------------------------

    def on_reply(self, event: Event, now: float) -> bool:
        """Pass a callback on to who asked; whether somebody did."""
        query = self._open.get(event.request_id)
        last = event.last or event.name == "OnRspError"
        if query is None:
            return self._late(event, last, now)
        error = error_id(self._catalogue, event)
        if action_of(error) is Action.RETRY:
            self._not_ready(query, error, now)
        else:
            query.rows += 1
            if last:
                self._end(query)
            self._pass_on(query, event, last, error == 0)
        self.pump(now)
        return True

    def front_lost(self) -> None:
        """End all queries; what the counter has answered in full is still delivered."""
        self._held_since = None
        self._line.clear()
        lost = [waiter for waiter in self._waiting.all() if waiter.query.stage is not Stage.ENDED]
        for waiter in lost:
            self._fail([waiter], request_failed("the trading front disconnected"))

    # -- inside ------------------------------------------------------------------------------

    def _question(self, call: Call) -> Query:
        """The query whose rows answer this call: one that is answered or under way already, or a
        new one."""
        method, body = call.method, call.body
        if not self._catalogue.td.requests[method].is_query:
            return self._new(method, body, alone=True)
        table = is_day_table(method)
        if table and not call.fresh:
            known = self._cache.get(key_of(self._day, self._user, method, body))
            if known is not None:
                self.measures.hits += 1
                return Query(method, body, known, stage=Stage.ENDED)
        query = self._same.get((method, body))
        if query is not None and (query.stage in QUEUED or not call.fresh):
            self.measures.merged += 1
            return query
        query = self._same[method, body] = self._new(method, body)
        if table:
            query.answer = Answer()
            self.measures.misses += 1
        return query

    def _new(self, method: str, body: bytes, alone: bool = False) -> Query:
        query = Query(method, body, alone=alone)
        self._line.enter(query)
        return query

    def _send(self, query: Query, now: float) -> None:
        limited = self._catalogue.td.requests[query.method].is_query
        query.number = self._ids.next()
        self._open[query.number] = query
        self._line.move(query, Stage.FLYING)
        if limited:
            self._flying = query
            self._line.pace.sent(now)
        if query.answer is None:
            self._forget_key(query)
        asked_ns = time.time_ns()  # the answer may be there before the call returns
        status = self._counter.request(query.method, query.body, query.number)
        if limited:
            self._watch(status, now)
        if status in _BUSY:
            if limited:
                self._line.pace.not_sent()
            self._put_off(query, status, _NOT_TAKEN_S, now)
        elif status != 0:
            self._end(query, refused(status, f"{query.method} returned {status}; nothing was sent"))
        else:
            query.asked_ns = asked_ns
            self._count_sent(query, now)

    def _count_sent(self, query: Query, now: float) -> None:
        self.measures.sent += 1
        for waiter in query.waiters if query.tries == 0 else ():
            self.measures.waited(now - waiter.since)

    def _not_ready(self, query: Query, error: int, now: float) -> None:
        """The counter asks for the same query a little later (90, 154)."""
        if query.rows == 0:
            self._put_off(query, error, _NOT_READY_S, now)
        else:  # it cannot be asked again: its first rows are with those who asked
            self._end(query, request_failed(f"the counter broke off its answer with {error}"))

    def _put_off(self, query: Query, error: int, pauses: tuple[float, float], now: float) -> None:
        """Once more later; the pauses of one query grow."""
        self.measures.busy(error)
        self._land(query)
        if not query.alone:
            self._same.setdefault(query.key, query)
        first, longest = pauses
        pause = min(first * 2.0 ** min(query.tries, 10), longest)
        query.tries, query.put_off = query.tries + 1, error
        self._line.put_off(query, now + pause)
        # The API refuses all of them alike; the counter may have an answer to another one.
        self._line.pace.pause(now + (pause if error in _BUSY else first))

    def _pass_on(self, query: Query, event: Event, last: bool, good: bool) -> None:
        told = self._telling.concerns(query)
        waiters = list(query.waiters) if told and last else query.waiters  # they are about to end
        self._hand_over(query, event, last, good)
        if told:
            try:
                self._telling.row(query, waiters, event, last)
            except Exception:
                log.exception("an answer was not told", extra={"fields": {"callback": event.name}})

    def _hand_over(self, query: Query, event: Event, last: bool, good: bool) -> None:
        readers = len(query.waiters)
        if query.answer is None and readers > 1 and query.rows * readers > _MOST_AT_ONCE:
            query.answer = Answer()
            for waiter in query.waiters:
                self._deliveries.add(query.answer, waiter, self._hand)
        if query.answer is None:
            for waiter in list(query.waiters):
                self._hand(waiter, event, last)
            return
        query.answer.add(event, last, good)
        self._deliveries.grown(query.answer)
        if last and is_day_table(query.method):
            key = key_of(self._day, self._user, query.method, query.body)
            self._cache.put(key, query.answer)

    def _hand(self, waiter: Waiter, event: Event, last: bool) -> None:
        """One row to one who waits."""
        if last:
            self._settle(waiter)
        try:
            waiter.on_row(event, last)
        except Exception:
            # The others who wait, and the slot, must not suffer from it.
            log.exception("a row was not handled", extra={"fields": {"callback": event.name}})

    def _fail(self, waiters: Sequence[Waiter], error: Refused) -> None:
        """These, who wait for one query, get no answer."""
        if waiters and self._telling.concerns(waiters[0].query):
            self._telling.failed(waiters[0].query, waiters, error)
        for waiter in waiters:
            self._settle(waiter)
            try:
                waiter.on_failed(error)
            except Exception:
                log.exception("a failed query was not handled")

    def _wait(self, waiter: Waiter) -> None:
        waiter.query.waiters[waiter] = None
        self._line.queued += waiter.query.stage in QUEUED
        self._waiting.add(waiter)

    def _settle(self, waiter: Waiter) -> None:
        """It waits no more; a query for which nobody waits ends."""
        query = waiter.query
        self._waiting.leave(waiter)
        del query.waiters[waiter]
        self._line.queued -= query.stage in QUEUED
        if not query.waiters and query.stage is not Stage.ENDED:
            if query is self._flying:
                self._given_up = query.number
            self._end(query)

    def _end(self, query: Query, error: Refused | None = None) -> None:
        """The counter is done with it, or nobody waits for it: its place is free."""
        self._land(query)
        self._forget_key(query)
        self._line.move(query, Stage.ENDED)
        if error is not None:
            self._fail(list(query.waiters), error)

    def _land(self, query: Query) -> None:
        self._open.pop(query.number, None)
        if self._flying is query:
            self._flying = None

    def _forget_key(self, query: Query) -> None:
        if self._same.get(query.key) is query:
            del self._same[query.key]

    def _late(self, event: Event, last: bool, now: float) -> bool:
        """The rows of a query that was given up: with the last one the API's place is free."""
        if not event.request_id or event.request_id != self._given_up:
            return False
        if last:
            self._given_up = 0
            self._line.hurry(_BUSY)
            self.pump(now)
        return True

    def _watch(self, status: int, now: float) -> None:
        """We have nothing in flight when we send, so the API waits for what we gave up."""
        if status != TOO_MANY_IN_FLIGHT:
            self._held_since = None
        elif self._held_since is None or now - self._held_at > _HELD_GAP_S:
            self._held_since = now
        self._held_at = now


def _why_late(query: Query) -> str:
    if query.stage is Stage.FLYING:
        return "no full answer from the counter in time"
    if query.stage is Stage.ENDED:
        return "its rows could not be delivered in time"
    if query.tries:
        return f"put off {query.tries} times, the last time by {query.put_off}; not answered"
    return "its turn did not come in time; nothing was sent"
