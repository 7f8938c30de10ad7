"""How orders are named: by the counter with refs of ours, by each client with refs of its own."""

from __future__ import annotations

import secrets
from typing import Final

from bus.errors import Refused, request_failed
from schemas.errors import text_of

_LARGEST: Final = 10**12 - 1  # OrderRef has 12 digits
_DUPLICATE_ORDER_REF: Final = 22
_ORDER_NOT_FOUND: Final = 25


class Refs:
    """References at the counter: 12 digits, rising, never one twice on a day."""

    def __init__(self, last: int) -> None:
        self._last = last

    def seen(self, ref: bytes) -> None:
        """The counter, or the store, knows of this one: what comes next is greater."""
        digits = ref.strip()
        if digits.isdigit():
            self._last = max(self._last, int(digits))

    def next(self) -> bytes:
        """Raises Refused when no greater number has 12 digits."""
        if self._last >= _LARGEST:
            raise request_failed("the counter's OrderRefs are used up; nothing was sent")
        self._last += 1
        return b"%012d" % self._last


class Sessions:
    """The virtual sessions of a day, and the last reference that each has used, by kind."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], int] = {}
        self._virtual: set[int] = set()
        self._counters: set[int] = set()
        self._ours: set[int] = set()

    def is_ours(self, session_id: int) -> bool:
        """A client's, or the worker's own at the counter, whose orders clients know by theirs."""
        return session_id in self._virtual or session_id in self._ours

    def new(self) -> int:
        """A SessionID that nobody has: neither a client of ours nor a session of the counter."""
        while True:
            number = secrets.randbelow(2**31 - 1) + 1
            if number not in self._virtual and number not in self._counters:
                self._virtual.add(number)
                return number

    def counters(self, session_id: int, ours: bool = False) -> None:
        """A session of the counter, the worker's or somebody else's."""
        self._counters.add(session_id)
        if ours:
            self._ours.add(session_id)

    def claim(self, session_id: int, kind: str, given: bytes) -> str:
        """The reference under which the client knows its next insertion: as it gave it, else the
        next number. Nothing changes before ``used``. Raises Refused with the counter's error."""
        last = self._last.get((session_id, kind), 0)
        digits = given.strip()
        if not digits:
            if last >= _LARGEST:
                raise _not_rising(f"{kind} {last} was the last one of 12 digits")
            return str(last + 1)
        if not digits.isdigit():
            raise _not_rising(f"{kind} has other characters than digits")
        if int(digits) <= last:
            raise _not_rising(f"{kind} must be greater than {last}")
        return given.decode("ascii")

    def used(self, session_id: int, kind: str, ref: str) -> None:
        self._virtual.add(session_id)
        key = session_id, kind
        self._last[key] = max(self._last.get(key, 0), int(ref))


def order_not_found(detail: str) -> Refused:
    """As the counter answers an action on an order that it does not have."""
    return Refused(_ORDER_NOT_FOUND, text_of(_ORDER_NOT_FOUND), detail)


def _not_rising(detail: str) -> Refused:
    return Refused(_DUPLICATE_ORDER_REF, text_of(_DUPLICATE_ORDER_REF), detail)
