"""The login of a market data session as a table. No I/O."""

from __future__ import annotations

from enum import Enum
from typing import Final

TEMPORARY: Final = frozenset({1, 7, 8, 90, 154})  # ctp_facts: try again with growing pauses
_LONGEST_PAUSE_S: Final = 60.0


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
    (State.READY, "OnRspUserLogout"): State.CONNECTED,
    **{(state, "OnFrontDisconnected"): State.DOWN for state in State},
}


def after(state: State, event: str) -> State:
    """The state after an event; an event that the table does not name changes nothing (a second
    answer to a login, say)."""
    return TRANSITIONS.get((state, event), state)


class Retry:
    """When to repeat a login: ``due``, in seconds of the caller's clock; None: not at all."""

    def __init__(self, first_s: float) -> None:
        self._first_s = self._pause_s = first_s
        self.due: float | None = None

    def refused(self, error_id: int, now: float) -> bool:
        """Whether it will be repeated: never for a wrong password and the like, because a loop
        would lock the account."""
        self.due = None
        if error_id in TEMPORARY:
            self.due = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return self.due is not None

    def reset(self) -> None:
        self.due, self._pause_s = None, self._first_s
