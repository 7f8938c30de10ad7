"""The newest quote of each instrument, and who waits for the next one."""

from __future__ import annotations

import copy
import threading
import time

from .quote import Quote
from .stopping import Stopped


class Quotes:
    """For any number of threads. Who gets a quote gets a copy of his own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: dict[str, tuple[int, Quote]] = {}
        self._stale: set[str] = set()
        self._stopped = False
        self._seen = threading.local()

    def put(self, quote: Quote) -> None:
        with self._changed:
            number, _ = self._newest.get(quote.InstrumentID, (0, quote))
            self._newest[quote.InstrumentID] = number + 1, quote
            self._stale.discard(quote.InstrumentID)
            self._changed.notify_all()

    def stale(self, instrument: str) -> None:
        """What is here is not known to be true any more; the next ``put`` is."""
        with self._changed:
            self._stale.add(instrument)

    def fresh(self, instrument: str) -> None:
        """It is true after all."""
        with self._changed:
            self._stale.discard(instrument)
            self._changed.notify_all()

    def stop(self) -> None:
        """Who waits, and who asks from now on, gets Stopped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def get(self, instrument: str, timeout_s: float) -> Quote:
        """The newest one; waits while there is none, or a stale one. Raises TimeoutError."""
        return self._take(instrument, 0, timeout_s)

    def next(self, instrument: str, timeout_s: float) -> Quote:
        """One that this thread has not had: it may have come while the thread did other things.
        Raises TimeoutError."""
        with self._changed:
            number, _ = self._newest.get(instrument, (0, None))
        return self._take(instrument, self._had().get(instrument, number), timeout_s)

    def _take(self, instrument: str, behind: int, timeout_s: float) -> Quote:
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if self._stopped:
                    raise Stopped
                number, quote = self._newest.get(instrument, (0, None))
                if quote is not None and number > behind and instrument not in self._stale:
                    self._had()[instrument] = number
                    return copy.copy(quote)
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"no new quote of {instrument} within {timeout_s:g} s")
                self._changed.wait(left)

    def _had(self) -> dict[str, int]:
        """Number of the last quote that this thread has had of each instrument."""
        had: dict[str, int] = self._seen.__dict__.setdefault("had", {})
        return had
