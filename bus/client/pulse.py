"""Whether a topic is heard. No I/O."""

from __future__ import annotations

from typing import Final

from ..beats import SILENT_S

CHECK_S: Final = 0.5


class Pulse:
    """Counts checks, not seconds: a process that stood still has missed nothing while it stood."""

    def __init__(self) -> None:
        self._silent = 0
        self.stale = False

    def heard(self) -> bool:
        """Something came; whether that ends a silence."""
        self._silent = 0
        ended, self.stale = self.stale, False
        return ended

    def check(self) -> bool:
        """Once in CHECK_S; whether the topic is stale from now on."""
        self._silent += 1
        begins = not self.stale and self._silent * CHECK_S > SILENT_S
        self.stale = self.stale or begins
        return begins
