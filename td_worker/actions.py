"""Orders and every other request that is no query: now or never, and never twice."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bus.bodies import Bodies
from bus.errors import Refused, refused, request_failed
from bus.orders import OrderState, OutcomeQuery
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .connection import Requests
from .limits.session import SessionLimits
from .numbers import RequestIds
from .orders.book import Book
from .orders.families import Families
from .orders.record import Duplicate, Record
from .replies import Replies

log = logging.getLogger("td_worker")

# An order has no other sure answer than its returns, so it stays open for a late refusal; the
# oldest are given up beyond this.
_MOST_OPEN: Final = 10_000


@dataclass(slots=True, eq=False)
class Pending:
    """One request that was handed to the API under ``number``; ``record`` is None for what is no
    insertion, ``doubtful`` once its client was told that nothing is known of it."""

    peer: bytes
    call: Call
    number: int
    record: Record | None
    doubtful: bool = False


class Actions:
    """Struct bytes in, rows of callbacks out.

    An insertion (``ReqOrderInsert`` and its like) is on record on the disk before the API sees it.
    ``book`` is that of the trading day; without one nothing is accepted.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        counter: Requests,
        replies: Replies,
        ids: RequestIds,
        answer_s: float,
        limits: SessionLimits,
    ) -> None:
        self._catalogue, self._counter, self._replies = catalogue, counter, replies
        self._ids, self._limits = ids, limits
        self._answer_ns = int(answer_s * 1e9)
        self._bodies = Bodies(catalogue)
        self._insertions = Families(catalogue).insertions
        self._open: OrderedDict[int, Pending] = OrderedDict()
        self._unanswered: dict[int, Pending] = {}
        self.book: Book | None = None
        self.problem = ""  # why no order can be recorded

    def opened(self, book: Book, problem: str) -> None:
        """The book of a login's day. Nobody will say more of what is unknown of another one."""
        self.timers()
        self.book, self.problem = book, problem
        self._unanswered.clear()

    def is_insertion(self, method: str) -> bool:
        return method in self._insertions

    def is_again(self, call: Call) -> bool:
        """Whether it names an order that is on record: it is answered from there, and not sent. No
        limit and no deadline refuses it: its client must hear what became of the order, and not
        that nothing was sent."""
        if self.book is None or not call.client_order_id or not self.is_insertion(call.method):
            return False
        return self.book.find(OutcomeQuery(client_order_id=call.client_order_id)) is not None

    def accept(self, peer: bytes, call: Call, session_id: int) -> None:
        """Send it at once. Raises Refused when nothing was sent."""
        request = self._catalogue.td.requests[call.method]
        self._bodies.check(call.method, request.struct, call.body)
        if self.book is None:
            raise request_failed("no login has told the trading day yet; nothing was sent")
        if not self.is_again(call):
            if call.seconds_left < 0:
                raise _expired()
            self._limits.check(call, session_id, time.monotonic())
        if self.is_insertion(call.method):
            self._insert(peer, call, session_id, self.book)
        else:
            number = self._ids.next()
            body = self.book.action(call, session_id, number)
            self._send(Pending(peer, call, number, None), body)
            self._limits.sent(call.method, call.body, session_id, None, time.monotonic())
            self._replies.sent(peer, call)

    def end(self, record: Record) -> int:
        """Cancel an order of ours; what the API returned."""
        assert self.book is not None
        method, body = self.book.cancel(record)
        status = self._counter.request(method, body, self._ids.next())
        if status == 0:
            self._limits.sent(method, body, record.session_id, None, time.monotonic())
        return status

    def on_reply(self, event: Event) -> Call | None:
        """Pass a callback on to who asked; his call, or None when nobody did."""
        pending = self._open.get(event.request_id)
        if pending is None:
            return None
        last = event.last or event.name == "OnRspError"
        if last:
            del self._open[event.request_id]
            self._look(pending)
            self._unanswered.pop(event.request_id, None)
        self._replies.event(pending.peer, pending.call, event, last)
        return pending.call

    def timers(self) -> None:
        """Tell of orders without an answer, and of those that have been resolved since."""
        if self.book is None:
            return
        for record in self.book.silent(time.time_ns() - self._answer_ns):
            fields = {"order_id": record.order_id, "method": record.method}
            log.error("an order has no answer, its outcome is unknown", extra={"fields": fields})
        for pending in list(self._unanswered.values()):
            self._look(pending)

    # -- inside ------------------------------------------------------------------------------

    def _insert(self, peer: bytes, call: Call, session_id: int, book: Book) -> None:
        if self.problem:
            raise request_failed(f"{self.problem}; nothing was sent for this call")
        number = self._ids.next()
        try:
            record, body = book.intend(call, session_id, number)
        except Duplicate as duplicate:
            outcome = book.outcome(duplicate.record, duplicate=True)
            self._replies.own(peer, call, "Outcome", outcome)
            return
        if call.seconds_left < 0:  # the disk may have been slow
            book.expired(record)
            raise _expired()
        pending = Pending(peer, call, number, record)
        try:
            self._send(pending, body)
        except Refused as refusal:
            book.handed(record, refusal.error_id)
            raise
        except Exception:  # an error now would tell the client that nothing was sent
            fields = {"order_id": record.order_id, "method": record.method}
            log.exception("whether an order was sent is not known", extra={"fields": fields})
            book.doubt(record)
            self._open[number], pending.doubtful = pending, True
        else:
            book.handed(record, 0)
        self._unanswered[number] = pending
        self._replies.sent(peer, call, book.outcome(record))
        self._limits.sent(call.method, call.body, session_id, record, time.monotonic())

    def _send(self, pending: Pending, body: bytes) -> None:
        """Hand it to the API. Raises Refused with the API's number."""
        method = pending.call.method
        status = self._counter.request(method, body, pending.number)
        if status != 0:
            raise refused(status, f"{method} returned {status}; nothing was sent")
        self._open[pending.number] = pending
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def _look(self, pending: Pending) -> None:
        """Tell a client that its order's outcome is unknown, and when it no longer is."""
        record = pending.record
        if self.book is None or record is None or record.state is OrderState.SENT:
            return
        unknown = record.state is OrderState.UNKNOWN
        if unknown != pending.doubtful:
            pending.doubtful = unknown
            outcome = self.book.outcome(record)
            self._replies.own(pending.peer, pending.call, "Outcome", outcome, last=False)
        if not unknown:
            self._unanswered.pop(pending.number, None)


def _expired() -> Refused:
    return request_failed("expired before it was sent; nothing was sent")
