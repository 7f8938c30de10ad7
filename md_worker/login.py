"""The login of a market data session as a table. No I/O."""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """Where the session is. Only READY has ticks."""

    DOWN = "disconnected"
    CONNECTED = "connected"
    READY = "ready"
    REFUSED = "refused"


TRANSITIONS: Final[dict[tuple[State, str], State]] = {
    (State.DOWN, "OnFrontConnected"): State.CONNECTED,
    (State.CONNECTED, "accepted"): State.READY,
    (State.CONNECTED, "refused"): State.REFUSED,
    (State.REFUSED, "retry"): State.CONNECTED,
    (State.REFUSED, "accepted"): State.READY,
    (State.READY, "OnRspUserLogout"): State.CONNECTED,
    **{(state, "OnFrontDisconnected"): State.DOWN for state in State},
}


def after(state: State, event: str) -> State:
    """The state after an event; an event that the table does not name changes nothing (a second
    answer to a login, say)."""
    return TRANSITIONS.get((state, event), state)
