"""When to repeat a login that a front refused."""

from __future__ import annotations

from typing import Final

from schemas.errors import Action, login_action

_LONGEST_PAUSE_S: Final = 60.0


class Pauses:
    """Seconds to wait: ``next_s``, which doubles each time it is taken, a minute at the most."""

    def __init__(self, first_s: float) -> None:
        self._first_s = self.next_s = first_s

    def take(self) -> float:
        pause_s = self.next_s
        self.next_s = max(min(2 * pause_s, _LONGEST_PAUSE_S), self._first_s)
        return pause_s

    def reset(self) -> None:
        self.next_s = self._first_s


class Retry:
    """``due`` is in seconds of the caller's clock; None: do not repeat."""

    def __init__(self, first_s: float) -> None:
        self._pauses = Pauses(first_s)
        self.due: float | None = None

    def refused(self, error_id: int, now: float) -> bool:
        """Whether to repeat at all: never for a wrong password and the like, because a loop would
        lock the account."""
        self.due = None
        if login_action(error_id) is Action.RETRY:
            self.due = now + self._pauses.take()
        return self.due is not None

    def unanswered(self, due: float) -> None:
        """A request went out whose answer may get lost: repeat at ``due``."""
        self.due = due

    def reset(self) -> None:
        self.due = None
        self._pauses.reset()
