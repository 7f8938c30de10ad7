"""Orders and every other request that is no query: now or never."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bus.bodies import Bodies
from bus.errors import Refused, refused, request_failed
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .connection import Requests
from .numbers import RequestIds
from .replies import Replies

# An order has no other sure answer than its returns, so it stays open for a late refusal; the
# oldest are given up beyond this.
_MOST_OPEN: Final = 10_000


@dataclass(slots=True, eq=False)
class Pending:
    """One request that was handed to the API under ``number``."""

    peer: bytes
    call: Call
    number: int


class Actions:
    """Struct bytes in, rows of callbacks out."""

    def __init__(
        self, catalogue: Catalogue, counter: Requests, replies: Replies, ids: RequestIds
    ) -> None:
        self._catalogue, self._counter, self._replies = catalogue, counter, replies
        self._ids = ids
        self._bodies = Bodies(catalogue)
        self._open: OrderedDict[int, Pending] = OrderedDict()

    def accept(self, peer: bytes, call: Call) -> None:
        """Send it at once. Raises Refused when nothing was sent."""
        request = self._catalogue.td.requests[call.method]
        self._bodies.check(call.method, request.struct, call.body)
        if call.seconds_left < 0:
            raise request_failed("expired before it was sent; nothing was sent")
        pending = Pending(peer, call, self._ids.next())
        self._open[pending.number] = pending
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        status = self._counter.request(call.method, call.body, pending.number)
        if status != 0:
            del self._open[pending.number]
            raise _not_sent(call.method, status)
        self._replies.sent(peer, call)

    def on_reply(self, event: Event) -> Call | None:
        """Pass a callback on to who asked; his call, or None when nobody did."""
        pending = self._open.get(event.request_id)
        if pending is None:
            return None
        last = event.last or event.name == "OnRspError"
        self._replies.event(pending.peer, pending.call, event, last)
        if last:
            del self._open[event.request_id]
        return pending.call


def _not_sent(method: str, status: int) -> Refused:
    """A Req* call that returned non-zero."""
    return refused(status, f"{method} returned {status}; nothing was sent")
