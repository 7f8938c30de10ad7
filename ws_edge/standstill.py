"""How long what is read now may have waited, because this process did not run meanwhile."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

BEAT_S: Final = 0.2
_STOOD_S: Final = 0.5  # after the last beat; a loop that has much to do is not so late
_READ_S: Final = 1.0  # by then all that waited is read


def running_s() -> float:
    """Goes on while the machine sleeps, as its clients' clocks do."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Standstill:
    """A process that is stopped (SIGSTOP, a machine that is frozen or swaps) finds in its sockets
    what came meanwhile, and nothing says when. ``beat`` is called each BEAT_S."""

    def __init__(self, now: Callable[[], float] = running_s) -> None:
        self._now = now
        self._last = now()
        self._since = self._until = -math.inf

    def beat(self) -> float:
        """How long it has stood still, 0.0 when it has not."""
        now = self._now()
        stood_s, last, self._last = now - self._last, self._last, now
        if stood_s <= _STOOD_S:
            return 0.0
        if last >= self._until:  # else what waited then may still do so
            self._since = last
        self._until = now + _READ_S
        return stood_s

    def waited_s(self) -> float:
        """At the most; 0.0 when it has not stood still."""
        now = self._now()
        late = now - self._last > _STOOD_S
        if self._last < self._until and (late or now < self._until):
            return now - self._since
        return now - self._last if late else 0.0
