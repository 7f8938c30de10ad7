"""How many of the day's codes each client has brought in, so that none takes all of them. No I/O.

A code counts for who was the first to subscribe it, until the day ends; to others it costs nothing.
"""

from __future__ import annotations

from collections import Counter

from bus.authcodes import Grant
from bus.tries import network

from ..stat import Failed, Stat


class Shares:
    """``most``: codes of one client; 0: any number. ``refused``: requests that wanted more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._codes: Counter[str] = Counter()
        self.refused = 0

    def take(self, whose: str, count: int) -> None:
        """``count`` new codes, all or none. Raises Failed(413)."""
        if 0 < self._most < self._codes[whose] + count:
            self.refused += 1
            raise Failed(
                Stat.TOO_LARGE, f"more than {self._most} codes would be subscribed by {whose}"
            )
        self._codes[whose] += count

    def clear(self) -> None:
        self._codes.clear()


def whose(grant: Grant | None, peer: str) -> str:
    """By whom a client is counted: by his user, or where no authcode is asked for by his address,
    of which an IPv6 host has many."""
    return f"the user {grant.user}" if grant else f"the address {network(peer)}"
