"""The market's time."""

from __future__ import annotations

import time


class Clock:
    """Unix time, or one that starts with it and runs ``speed`` times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start_ns = time.time_ns()
        self._started = time.monotonic()

    def now_ns(self) -> int:
        if self._speed == 1.0:
            return time.time_ns()
        elapsed = time.monotonic() - self._started
        return self._start_ns + int(elapsed * self._speed * 1e9)

    def until_s(self, moment_ns: int) -> float:
        """Real seconds until the market's time has come to a moment; 0 when it has."""
        return max(0.0, (moment_ns - self.now_ns()) / 1e9 / self._speed)
