"""The pace of queries: the front takes so many a second, and sometimes none for a while. No I/O."""

from __future__ import annotations

from collections import deque
from typing import Final

# The front counts when a query reaches it, and one may be on its way for longer than the next.
SLACK_S: Final = 0.02


class Pace:
    """When the next query may go. Times are seconds of one clock that the caller chooses."""

    def __init__(self) -> None:
        self._pause_until = 0.0
        self._sent: deque[float] = deque()
        self.set(1.0)

    def set(self, per_s: float) -> None:
        """So many queries in any second, one after the other without a pause up to there."""
        burst = max(1, int(per_s))
        self._window_s = burst / per_s + SLACK_S
        self._sent = deque(self._sent, maxlen=burst)

    def due(self) -> float:
        full = len(self._sent) == self._sent.maxlen
        return max(self._pause_until, self._sent[0] + self._window_s if full else 0.0)

    def sent(self, now: float) -> None:
        self._sent.append(now)

    def not_sent(self) -> None:
        """The last one never went out, so it has cost nothing."""
        if self._sent:
            self._sent.pop()

    def pause(self, until: float) -> None:
        self._pause_until = until

    def resume(self) -> None:
        self._pause_until = 0.0
