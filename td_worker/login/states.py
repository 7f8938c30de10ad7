"""The way of a session to "ready" as a table. No I/O."""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """Where a session is. Requests are taken in READY; in RECOVERING, where it is being found out
    what became of earlier orders, all but new orders."""

    DOWN = "disconnected"
    CONNECTED = "authenticating"
    AUTHENTICATED = "logging in"
    LOGGED_IN = "confirming the settlement"
    RECOVERING = "recovering"
    READY = "ready"
    REFUSED = "refused"
    LEAVING = "logging out"


TRANSITIONS: Final[dict[tuple[State, str], State]] = {
    (State.DOWN, "OnFrontConnected"): State.CONNECTED,
    (State.CONNECTED, "OnRspAuthenticate"): State.AUTHENTICATED,
    (State.AUTHENTICATED, "OnRspUserLogin"): State.LOGGED_IN,
    (State.LOGGED_IN, "OnRspSettlementInfoConfirm"): State.RECOVERING,
    (State.LOGGED_IN, "OnRspQrySettlementInfoConfirm"): State.RECOVERING,
    (State.RECOVERING, "recovered"): State.READY,
    (State.REFUSED, "again"): State.CONNECTED,
    **{(state, "renew"): State.LEAVING for state in (State.RECOVERING, State.READY)},
    **{
        (state, "refused"): State.REFUSED
        for state in (State.CONNECTED, State.AUTHENTICATED, State.LOGGED_IN)
    },
    **{
        (state, "OnRspUserLogout"): State.CONNECTED
        for state in State
        if state not in (State.DOWN, State.CONNECTED)
    },
    **{(state, "OnFrontDisconnected"): State.DOWN for state in State},
}

# The callbacks that answer the step of a state.
ANSWERS: Final = {
    State.CONNECTED: ("OnRspAuthenticate",),
    State.AUTHENTICATED: ("OnRspUserLogin",),
    State.LOGGED_IN: ("OnRspSettlementInfoConfirm", "OnRspQrySettlementInfoConfirm"),
}


def after(state: State, event: str) -> State:
    """The state after an event; one that the table does not name changes nothing."""
    return TRANSITIONS.get((state, event), state)
