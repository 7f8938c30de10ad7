"""Names that the front has never let in: how many of them may be tried. No I/O."""

from __future__ import annotations

from typing import Final

from bus.errors import request_failed

# After some thousand failed logins a day the front locks out the address (143), and with it all
# accounts. A name may fail up to five times a day before its guard keeps it away.
_BURST: Final = 300
_EVERY_S: Final = 180.0


class Strangers:
    """An allowance of sessions that ended without the front's consent, anybody's made-up names
    among them. It grows again by one each three minutes. Times are seconds of one clock that the
    caller chooses."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._at = 0.0

    def failed(self, now: float) -> None:
        """One ended."""
        self._grow(now)
        self._left = max(0.0, self._left - 1)

    def check(self, now: float) -> None:
        """Raises Refused when there were too many."""
        self._grow(now)
        if self._left < 1:
            text = f"{_BURST} names that the front does not let in were tried; try again later"
            raise request_failed(text)

    def _grow(self, now: float) -> None:
        self._left = min(float(_BURST), self._left + max(0.0, now - self._at) / _EVERY_S)
        self._at = now
