"""What one desk has done, for stat/."""

from __future__ import annotations

from typing import Final

_MOST_WAITS: Final = 2000  # of one interval; more would not change the quantiles


class Measures:
    """Plain counters since the start, and the waiting times since they were last taken."""

    def __init__(self) -> None:
        self.sent = self.merged = self.hits = self.misses = self.timeouts = 0
        self.put_off: dict[int, int] = {}  # by -2, -3, 90, 154
        self._waits: list[float] = []

    def waited(self, seconds: float) -> None:
        """From the question to the call of the API."""
        if len(self._waits) < _MOST_WAITS:
            self._waits.append(seconds)

    def busy(self, error: int) -> None:
        self.put_off[error] = self.put_off.get(error, 0) + 1

    def take(self) -> dict[str, object]:
        """The counters, and the quantiles of the waits since the last call (0 without any)."""
        waits, self._waits = sorted(self._waits) or [0.0], []
        last = len(waits) - 1
        return {
            "wait_p50_s": waits[last // 2],
            "wait_p99_s": waits[last * 99 // 100],
            "wait_longest_s": waits[last],
            "sent": self.sent,
            "merged": self.merged,
            "hits": self.hits,
            "misses": self.misses,
            "put_off": self.put_off,
            "timeouts": self.timeouts,
        }
