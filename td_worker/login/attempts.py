"""Clients that want to log in and wait for the front."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from bus.errors import request_failed
from bus.rpc import Call
from bus.secrets import Secret

_MOST: Final = 1000
# Different passwords that wait: each may cost the guard a slow hash, all at once.
_MOST_OF_ORIGIN: Final = 3
_MOST_DIFFERENT: Final = 50


@dataclass(slots=True, eq=False)
class Attempt:
    """One client; ``deadline`` is in seconds of the worker's monotonic clock. ``name``: his own,
    when he attaches without a password; ``early``: to cancel, before all is known of the orders."""

    peer: bytes
    call: Call
    password: Secret
    deadline: float
    origin: str = ""  # wrong passwords are counted by it
    name: str = ""
    early: bool = False


class Attempts:
    """Those of one account, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: list[Attempt] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, attempt: Attempt) -> bool:
        return attempt in self._waiting

    @property
    def first(self) -> Attempt:
        return self._waiting[0]

    def add(self, attempt: Attempt) -> None:
        """Raises Refused when too many wait."""
        if len(self._waiting) >= _MOST:
            raise request_failed("too many logins of this account wait for the front")
        password = attempt.password.reveal()
        waiting = {other.password.reveal() for other in self._waiting}
        his = {x.password.reveal() for x in self._waiting if x.origin == attempt.origin}
        many = len(his) >= _MOST_OF_ORIGIN or len(waiting) >= _MOST_DIFFERENT
        if many and password not in waiting:
            raise request_failed("too many different passwords wait for the front")
        self._waiting.append(attempt)

    def expired(self, now: float) -> list[Attempt]:
        """Take out those whose time is over."""
        return self._part([attempt.deadline < now for attempt in self._waiting])

    def of(self, password: Secret) -> list[Attempt]:
        """Take out those with this password."""
        return self._part([same(attempt.password, password) for attempt in self._waiting])

    def early(self) -> list[Attempt]:
        """Take out those who need not wait for the end of the recovery."""
        return self._part([attempt.early for attempt in self._waiting])

    def all(self) -> list[Attempt]:
        """Take out everybody."""
        everybody, self._waiting = self._waiting, []
        return everybody

    def _part(self, out: list[bool]) -> list[Attempt]:
        if not any(out):
            return []
        pairs = list(zip(self._waiting, out, strict=True))
        self._waiting = [attempt for attempt, taken in pairs if not taken]
        return [attempt for attempt, taken in pairs if taken]


def origin_of(peer: bytes, call: Call) -> str:
    """Who is behind a call; an edge says it, others speak for themselves."""
    return call.origin or peer.hex()


def same(one: Secret, other: Secret) -> bool:
    return hmac.compare_digest(one.reveal().encode(), other.reveal().encode())
