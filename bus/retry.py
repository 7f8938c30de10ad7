"""When to repeat a login that a front refused."""

from __future__ import annotations

from typing import Final

from schemas.errors import Action, login_action

_LONGEST_PAUSE_S: Final = 60.0


class Retry:
    """Growing pauses. ``due`` is in seconds of the caller's clock; None: do not repeat."""

    def __init__(self, first_s: float) -> None:
        self._first_s = self._pause_s = first_s
        self.due: float | None = None

    def refused(self, error_id: int, now: float) -> bool:
        """Whether to repeat at all: never for a wrong password and the like, because a loop would
        lock the account."""
        self.due = None
        if login_action(error_id) is Action.RETRY:
            self.due = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return self.due is not None

    def unanswered(self, due: float) -> None:
        """A request went out whose answer may get lost: repeat at ``due``."""
        self.due = due

    def reset(self) -> None:
        self.due, self._pause_s = None, self._first_s
