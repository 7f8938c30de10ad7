"""The day's orders and cancels on disk, for the meters of a worker that was started anew.

A file of our own rather than the Book's records: those know no cancels, and not when an order
was handed over. 16 bytes each, written by one os.write without fsync: kill -9 loses nothing, and
after a loss of power the meters are short of the last seconds at the most.
"""

from __future__ import annotations

import errno
import logging
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

log = logging.getLogger("td_worker")

_RECORD: Final = struct.Struct("<q7sB")
_KEPT: Final = 5  # files of days


class Entry(NamedTuple):
    ms: int  # Unix time
    exchange: str
    cancel: bool


class Tally:
    """The file of one trading day in ``folder``. It never raises: a meter must not keep a cancel
    from going out. ``failed`` counts what could not be written."""

    def __init__(self, folder: Path, day: str) -> None:
        self.failed = 0
        self._fd = -1
        self._path = folder / f"{day}.tally"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            size = os.fstat(self._fd).st_size
            os.ftruncate(self._fd, size - size % _RECORD.size)  # a record that was cut off
            for old in sorted(folder.glob("*.tally"))[:-_KEPT]:
                old.unlink()
        except OSError as exc:
            self._fail(exc)

    def entries(self) -> Iterator[Entry]:
        """Those of the file so far."""
        try:
            content = self._path.read_bytes()
        except OSError as exc:
            self._fail(exc)
            return
        whole = len(content) - len(content) % _RECORD.size
        for ms, exchange, cancel in _RECORD.iter_unpack(content[:whole]):
            yield Entry(ms, exchange.rstrip(b"\0").decode("ascii", "replace"), bool(cancel))

    def add(self, entry: Entry) -> None:
        record = _RECORD.pack(entry.ms, entry.exchange.encode("ascii", "replace"), entry.cancel)
        try:
            written = os.write(self._fd, record)
            if written < len(record):  # all behind it would be read out of place
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
                raise OSError(errno.ENOSPC, "only a part of it has room")
        except OSError as exc:
            self._fail(exc)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fail(self, error: OSError) -> None:
        self.failed += 1
        if self.failed & (self.failed - 1) == 0:  # 1, 2, 4 …
            fields = {"file": str(self._path), "error": str(error), "count": self.failed}
            log.error("orders of the day were not tallied on disk", extra={"fields": fields})
