"""What became of an insertion, told to the socket that asked for it."""

from __future__ import annotations

from typing import Final

import msgspec

from bus.errors import request_failed
from bus.frames import Flag, Row, message_type
from bus.orders import OrderState, Outcome

from .envelope import Head, message, rsp_info
from .requests import Request
from .session import Session
from .verbs import OUTCOME_KEYS, shown

SENT: Final = message_type("Sent")
OUTCOME: Final = message_type("Outcome")
_UNKNOWN: Final = (
    "no answer from the counter in time; whether it has the order is not known:"
    " do not send it again, query the orders"
)
_decode: Final = msgspec.msgpack.Decoder(Outcome).decode


class Outcomes:
    """The original's clients know only an order that is refused and one that has returns. A third
    fate, not known, is an error for them, whose Detail says so; who asked for outcomes, by the
    option or by giving the order an id, gets each as a message of its own instead.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def wanted(self, request: Request) -> bool:
        return bool(request.extras.client_order_id) or self._session.visit.options.outcomes

    def tell(self, request: Request, row: Row) -> None:
        """A row of type SENT or OUTCOME; what is no insertion is sent without an outcome."""
        if not row.flags & Flag.MSGPACK:
            return
        outcome = _decode(row.body)
        if self.wanted(request):
            self._send(request, outcome, bool(row.flags & Flag.LAST))
        elif outcome.state is OrderState.UNKNOWN:
            self._session.refuse(request, request_failed(_UNKNOWN))

    def _send(self, request: Request, outcome: Outcome, last: bool) -> None:
        info = rsp_info(outcome.error_id, outcome.error_msg) if outcome.error_id else None
        head = Head("OnOrderOutcome", info, request.request_id, last)
        payload = shown(outcome, OUTCOME_KEYS)
        self._session.outbox.send(message(self._session.style, head, "OrderOutcome", payload))
