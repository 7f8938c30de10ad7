"""Whether the clients are still there, and what follows when none is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

_LOOKS: Final = 5  # so often within the time that a client may be away


class Idle:
    """When a session at the counter that nobody uses ends. ``after_s`` None: never."""

    def __init__(self, after_s: float | None) -> None:
        self._after_s = after_s
        self._since: float | None = None

    def over(self, used: bool, now: float) -> bool:
        if used or self._after_s is None:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= self._after_s


class Reach(Protocol):
    """Something like a Router."""

    def reachable(self, peer: bytes) -> bool: ...


class Presence:
    """Finds callers whose connection ended and did not come back. A ROUTER does not say when one
    ends, but a row to it fails then. Times are seconds of the caller's clock."""

    def __init__(self, router: Reach, gone_s: float) -> None:
        self._router, self._gone_s = router, gone_s
        self._next = 0.0
        self._missed: dict[bytes, float] = {}

    def due(self, now: float) -> bool:
        return now >= self._next

    def gone(self, peers: Iterable[bytes], now: float) -> set[bytes]:
        """Those of ``peers`` that could not be reached for the whole time."""
        self._next = now + self._gone_s / _LOOKS
        missed = {
            peer: self._missed.get(peer, now) for peer in peers if not self._router.reachable(peer)
        }
        gone = {peer for peer, since in missed.items() if now - since >= self._gone_s}
        self._missed = {peer: since for peer, since in missed.items() if peer not in gone}
        return gone
