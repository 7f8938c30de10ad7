"""The file of the limits, looked at while the worker runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from bus.errors import ConfigError

from .rules import Rules, load

log = logging.getLogger("td_worker")

_LOOK_S: Final = 1.0

Stamp = tuple[int, int, int]


class Watch:
    """``rules`` are those of the last file that was right; ``error`` says what is wrong with the
    file as it is now, "" when nothing is. Raises ConfigError at the start."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp = self._seen = _stamp(path)
        self._next = 0.0
        self.rules = load(path) if path is not None else Rules()
        self.error = ""
        self.reloads = 0

    @property
    def path(self) -> str:
        return "" if self._path is None else str(self._path)

    def changed(self, now: float) -> bool:
        """Look once a second; whether there are new rules. A file is read when two looks have found
        it the same: somebody may be writing it."""
        if self._path is None or now < self._next:
            return False
        self._next = now + _LOOK_S
        stamp, before = _stamp(self._path), self._seen
        self._seen = stamp
        if stamp == self._stamp or stamp != before:
            return False
        self._stamp = stamp
        return self._read(self._path)

    def _read(self, path: Path) -> bool:
        try:
            self.rules = load(path)
        except ConfigError as exc:
            self.error = str(exc)
            log.error("the limits stay as they were", extra={"fields": {"error": self.error}})
            return False
        self.error = ""
        self.reloads += 1
        log.info("new limits", extra={"fields": {"file": str(path)}})
        return True


def _stamp(path: Path | None) -> Stamp | None:
    """Changes with the file; None when it is not there."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_mtime_ns, status.st_ino, status.st_size)
