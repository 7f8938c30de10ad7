"""Positions, asked for once and again after anything that may have changed them."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable

from .position import Position

Ask = Callable[[str, float], Position]


class Positions:
    """For any number of threads.

    A counter answers about one query a second, so an answer is kept. It counts until a return of
    the account names the instrument, while returns are heard, and when td_worker says now that it
    has told no others.
    """

    def __init__(self, ask: Ask, unchanged: Callable[[float], bool]) -> None:
        """``ask``: the counter, within so many seconds. Whatever it raises goes to the caller.
        ``unchanged``: whether all returns that were told have been seen here."""
        self._ask, self._unchanged = ask, unchanged
        self._lock = threading.Lock()
        self._kept: dict[str, Position] = {}
        self._changes = 0
        self._heard = False

    def get(self, instrument: str, timeout_s: float) -> Position:
        """As the counter has it."""
        until = time.monotonic() + timeout_s
        if instrument in self._kept and self._unchanged(timeout_s):
            with self._lock:
                # Looked up after that word: what was seen until then is taken into account.
                if (kept := self._kept.get(instrument)) is not None:
                    return copy.copy(kept)
        with self._lock:
            changes = self._changes
        position = self._ask(instrument, max(0.0, until - time.monotonic()))
        with self._lock:
            # Else the answer may be older than what has changed it meanwhile.
            if self._heard and changes == self._changes:
                self._kept[instrument] = copy.copy(position)
        return position

    def changed(self, instrument: str) -> None:
        """It may have."""
        with self._lock:
            self._changes += 1
            self._kept.pop(instrument, None)

    def heard(self, on: bool) -> None:
        """Whether returns are heard from here on; what was kept before does not count."""
        with self._lock:
            self._changes += 1
            self._kept.clear()
            self._heard = on
