"""How many things happened within the last second."""

from __future__ import annotations

from collections import deque


class Window:
    """Times are seconds of one clock. One that was set back empties the window."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        times = self._times
        while times and not 0 <= now - times[0] < 1:
            times.popleft()
        return len(times)

    def add(self, now: float) -> None:
        self._times.append(now)
