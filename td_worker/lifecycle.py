"""The beginning and the end of API objects."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("td_worker")


class Lifecycle:
    """Does one job after the other on a thread of its own.

    Init and Release are not thread safe, so no two run at once; and Release may block, which must
    not stop the accounts that are open.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="lifecycle", daemon=True).start()

    def put(self, job: Callable[[], None]) -> None:
        """Returns at once."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:
                log.exception("an API object was not started or released")
