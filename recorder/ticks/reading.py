"""One file of ticks that is read, while it may still grow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from bus.frames import HEADER
from bus.orders import Place

from .record import (
    CRC_SIZE,
    GAP,
    HEAD_SIZE,
    PREFIX_SIZE,
    FileError,
    Head,
    Record,
    is_whole,
    unpack_head,
    unpack_record,
    unpack_whole,
)

_TOGETHER: Final = 256  # records that are read at once
_SHORTER: Final = "the file has become shorter"


class DayReader:
    """The records that were complete when the file was opened.

    Records are named by their number, from 0. Use it as a context manager. It does not map the
    file: where a writer cuts off what a full disk or a crash has left, a mapping is deadly.

    left_over  records behind the last good one; not counted by ``len``
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, and FileError for a file of another kind."""
        self._file = path.open("rb", buffering=0)
        try:
            self.head: Head = unpack_head(self._bytes(HEAD_SIZE, 0))
            self._step = self.head.record_size
            size = max(0, os.fstat(self._file.fileno()).st_size - HEAD_SIZE)
            self._count = self._whole(size // self._step)
            self.left_over = size // self._step - self._count
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Record:
        """Raises FileError for a damaged one, IndexError behind the last."""
        if not 0 <= number < self._count:
            raise IndexError(number)
        raw = self._read(number, number + 1)
        if not raw:
            raise FileError(_SHORTER)
        return unpack_record(raw)

    def records(self, begin: int = 0, end: int | None = None) -> Iterator[Record]:
        """Damaged ones are left out."""
        end = self._count if end is None else min(end, self._count)
        for first in range(begin, end, _TOGETHER):
            for raw in self.raw(first, min(end, first + _TOGETHER)):
                if raw:
                    yield unpack_whole(raw)

    def raw(self, begin: int, end: int) -> list[bytes]:
        """Each as it lies in the file, b"" for a damaged one."""
        step, end = self._step, min(end, self._count)
        data = self._read(begin, end)
        return [
            record if is_whole(record) else b""
            for record in (data[at : at + step] for at in range(0, (end - begin) * step, step))
        ]

    def bodies(self, begin: int, end: int) -> list[bytes]:
        """The structs of the ticks among these records, unchecked: the quick way for a history."""
        step, made = self._step, []
        data = self._read(begin, min(end, self._count))
        for at in range(0, len(data) - step + 1, step):
            if HEADER.unpack_from(data, at + CRC_SIZE)[4] != GAP:
                made.append(data[at + PREFIX_SIZE : at + step])
        return made

    def place(self, number: int) -> Place:
        """Of a record; of a gap, that of the last message missing."""
        return Place(*self._header(number)[:2])

    def after_time(self, recv_ns: int) -> int:
        """The number of the first record received at this time or later."""
        return self._search(2, (recv_ns,))

    def after_place(self, epoch: int, seq: int) -> int:
        """The number of the first record behind this place."""
        return self._search(0, (epoch, seq + 1))

    def _search(self, field: int, wanted: tuple[int, ...]) -> int:
        """The first record whose header fields from ``field`` on are not below ``wanted``."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            fields = self._header(middle)
            if fields[field : field + len(wanted)] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def close(self) -> None:
        self._file.close()

    def _whole(self, count: int) -> int:
        """How many there are, without what a crash has left behind the last good one: ticks will be
        written in its place, and nothing is found in an order where it stands."""
        while count and not self._is_good(count - 1):
            count -= 1
        return count

    def _is_good(self, number: int) -> bool:
        raw = self._read(number, number + 1)
        return len(raw) == self._step and is_whole(raw)

    def _read(self, begin: int, end: int) -> bytes:
        """Less than that when the file has become shorter."""
        step = self._step
        return self._bytes(max(0, end - begin) * step, HEAD_SIZE + begin * step)

    def _header(self, number: int) -> tuple[int, ...]:
        """Raises FileError."""
        raw = self._bytes(HEADER.size, HEAD_SIZE + number * self._step + CRC_SIZE)
        if len(raw) < HEADER.size:
            raise FileError(_SHORTER)
        return HEADER.unpack(raw)

    def _bytes(self, size: int, at: int) -> bytes:
        return os.pread(self._file.fileno(), size, at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
