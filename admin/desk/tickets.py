"""What is known of an order that was placed here. No I/O.

    SENDING ──> SENT ──> ACK ──> FILLED, CANCELLED
       │          ├────> REJECTED
       │          └────> UNKNOWN ──> any of those that are known
       └──> NOT_SENT

UNKNOWN is not failed: the order may live, and must not be placed again. It is looked up until
td_worker knows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from bus.errors import Refused
from bus.orders import FINAL, OrderState, Outcome
from schemas.errors import INTERNAL_ERROR, text_of

SENDING: Final = OrderState.INTENT
# What a later word of less cannot take back.
_RANK: Final = {
    OrderState.INTENT: 0,
    OrderState.SENT: 1,
    OrderState.UNKNOWN: 2,
    OrderState.ACK: 3,
    **dict.fromkeys(FINAL, 4),
}


@dataclass
class Ticket:
    """``name``: its client_order_id. ``by``, ``peer``: who ordered, and from where. ``why``: of a
    refusal, in the words of who refused it."""

    name: str
    fields: dict[str, Any]
    by: str
    peer: str = ""
    placed_ns: int = field(default_factory=time.time_ns)
    state: OrderState = SENDING
    why: str = ""
    session_id: int = 0
    order_ref: str = ""
    volume_traded: int = 0

    @property
    def settled(self) -> bool:
        """Somebody knows what became of it; live ones are in the account's orders."""
        return self.state is OrderState.ACK or self.state in FINAL

    def told(self, outcome: Outcome) -> bool:
        """By td_worker; whether that is news."""
        if outcome.order_ref:
            self.session_id, self.order_ref = outcome.session_id, outcome.order_ref
        self.volume_traded = max(self.volume_traded, outcome.volume_traded)
        state = outcome.state
        # On its record, handed to the API or not: nobody knows.
        if state is OrderState.INTENT:
            state = OrderState.UNKNOWN
        why = outcome.error_msg or (text_of(outcome.error_id) if outcome.error_id else "")
        return self._turn(state, why)

    def rejected(self, why: str) -> bool:
        return self._turn(OrderState.REJECTED, why)

    def refused(self, error: Refused) -> bool:
        """td_worker did not take it, so nothing was sent; but it may have been after a fault of its
        own."""
        if error.error_id == INTERNAL_ERROR:
            return self.doubted(str(error))
        detail = f": {error.detail}" if error.detail else ""
        return self._turn(OrderState.NOT_SENT, f"{error.error_msg}{detail}")

    def not_sent(self, why: str) -> bool:
        return self._turn(OrderState.NOT_SENT, why)

    def doubted(self, why: str) -> bool:
        """No answer came."""
        return self._turn(OrderState.UNKNOWN, why)

    def returned(self, fields: dict[str, Any]) -> bool:
        """An OnRtnOrder of it."""
        self.volume_traded = max(self.volume_traded, int(fields["VolumeTraded"] or 0))
        state = _state_of(str(fields["OrderStatus"]), str(fields["OrderSubmitStatus"]))
        why = str(fields["StatusMsg"]) if state in (OrderState.REJECTED,) else ""
        return self._turn(state, why)

    def _turn(self, state: OrderState, why: str) -> bool:
        if _RANK[state] < _RANK[self.state] or self.state in FINAL:
            return False
        news = state is not self.state
        self.state = state
        self.why = why
        return news


def _state_of(status: str, submitted: str) -> OrderState:
    """OrderStatus, OrderSubmitStatus of CTP."""
    if status == "0":
        return OrderState.FILLED
    if status == "5":
        return OrderState.REJECTED if submitted == "4" else OrderState.CANCELLED
    return OrderState.ACK
