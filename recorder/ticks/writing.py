"""One file of ticks that grows."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .record import HEAD_SIZE, FileError, Head, pack_gap, pack_head, unpack_head, unpack_record

_Place = tuple[int, int]


class DayFile:
    """Records are put together in memory (``add``) and written at once (``flush``).

    What a crash or a full disk has left behind the last complete record is cut off when the file is
    opened, and after each write that failed.

    place    (epoch, seq) of the last record, written or not; ``written``: of the last written
    waiting  ticks that wait for the next ``flush``
    cut      bytes that were cut off when the file was opened
    """

    def __init__(self, path: Path, head: Head) -> None:
        """Raises OSError, and FileError for a file of another kind."""
        self.path, self.head = path, head
        self.layout, self.body_size = head.layout, head.body_size
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = 0
        try:
            self.place, self.cut = self._recover()
        except BaseException:
            os.close(self._file)
            raise
        self._waiting: list[bytes] = []
        self.waiting = 0
        self.written = self.place

    def add(self, place: _Place, record: bytes) -> None:
        """``record`` as ``pack_record`` or ``pack_gap`` made it."""
        self._waiting.append(record)
        self.waiting += 1
        self.place = place

    def flush(self) -> int:
        """Write what waits; the number of ticks. Raises OSError: then none of them is in the
        file, and none waits any more."""
        records, self._waiting = self._waiting, []
        ticks, self.waiting = self.waiting, 0
        try:
            self._write(b"".join(records))
        except OSError:
            self.place = self.written
            with contextlib.suppress(OSError):  # the next write begins there in any case
                os.ftruncate(self._file, self._end)
            raise
        self.written = self.place
        return ticks

    def add_gap(self, epoch: int, first: int, last: int, now_ns: int) -> None:
        """Mark what is missing; ``first`` 0: nobody knows how many."""
        self._waiting.append(pack_gap(self.head, epoch, first, last, now_ns))
        self.place = epoch, last

    def close(self) -> None:
        """What waits must have been flushed."""
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        at = self._end
        while view:
            count = os.pwrite(self._file, view, at)
            view, at = view[count:], at + count
        self._end = at

    def _recover(self) -> tuple[_Place, int]:
        size = os.fstat(self._file).st_size
        if size < HEAD_SIZE:  # new, or its first bytes were never complete
            os.ftruncate(self._file, 0)
            self._write(pack_head(self.head))
            return (0, 0), size
        found = unpack_head(os.pread(self._file, HEAD_SIZE, 0))
        if found != self.head:
            raise FileError(f"{self.path.name} holds {found}, not {self.head}")
        step = self.head.record_size
        self._end = HEAD_SIZE + (size - HEAD_SIZE) // step * step
        place = (0, 0)
        while self._end > HEAD_SIZE:
            try:
                record = unpack_record(os.pread(self._file, step, self._end - step))
            except FileError:
                self._end -= step
            else:
                place = (record.epoch, record.seq)
                break
        os.ftruncate(self._file, self._end)
        return place, size - self._end
