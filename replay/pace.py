"""When a tick of the recording is due on our clock. No I/O."""

from __future__ import annotations

from .address import MAX


class Pace:
    """A clock that runs through the day. Times of the day are ns, times of ours are seconds of one
    monotonic clock that the caller reads.

    ``pause_s``: a silence longer than this is cut to it; 0: never.
    """

    def __init__(self, speed: float, pause_s: float = 0.0) -> None:
        self._speed, self._pause_s = speed, pause_s
        self._begun_at = 0.0
        self._begun_ns = 0

    def begin(self, day_ns: int, now: float) -> None:
        """At ``now`` it is ``day_ns``."""
        self._begun_ns, self._begun_at = day_ns, now

    def day_ns(self, now: float) -> int:
        """What time it is in the day; without meaning at the speed max."""
        return self._begun_ns + int((now - self._begun_at) * self._speed * 1e9)

    def wait_s(self, due_ns: int, now: float) -> float:
        """How long until a tick of this time, 0 or less: it is due. A tick that is late does not
        delay those behind it."""
        if self._speed == MAX:
            return 0.0
        wait = (due_ns - self.day_ns(now)) / 1e9 / self._speed
        if 0 < self._pause_s < wait * self._speed:
            self.begin(due_ns - int(self._pause_s * 1e9), now)
            wait = self._pause_s / self._speed
        return wait
