"""One file of ticks that is read, while it may still grow."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

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
)


class DayReader:
    """The records that were complete when the file was opened.

    Records are named by their number, from 0. Use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, and FileError for a file of another kind."""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            if size < HEAD_SIZE:
                raise FileError(f"{path.name}: not a file of ticks")
            self._map = mmap.mmap(file, size, access=mmap.ACCESS_READ)
        finally:
            os.close(file)
        try:
            self.head: Head = unpack_head(self._map[:HEAD_SIZE])
        except FileError:
            self._map.close()
            raise
        self._step = self.head.record_size
        self._count = (size - HEAD_SIZE) // self._step

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Record:
        """Raises FileError for a damaged one, IndexError behind the last."""
        if not 0 <= number < self._count:
            raise IndexError(number)
        at = HEAD_SIZE + number * self._step
        return unpack_record(self._map[at : at + self._step])

    def records(self, begin: int = 0, end: int | None = None) -> Iterator[Record]:
        """Damaged ones are left out."""
        for number in range(begin, self._count if end is None else min(end, self._count)):
            try:
                yield self[number]
            except FileError:
                continue

    def raw(self, begin: int, end: int) -> list[bytes]:
        """Each as it lies in the file, b"" for a damaged one."""
        step = self._step
        data = self._map[HEAD_SIZE + begin * step : HEAD_SIZE + min(end, self._count) * step]
        return [
            record if is_whole(record) else b""
            for record in (data[at : at + step] for at in range(0, len(data), step))
        ]

    def bodies(self, begin: int, end: int) -> list[bytes]:
        """The structs of the ticks among these records, unchecked: the quick way for a history."""
        step, made = self._step, []
        for at in range(HEAD_SIZE + begin * step, HEAD_SIZE + min(end, self._count) * step, step):
            if HEADER.unpack_from(self._map, at + CRC_SIZE)[4] != GAP:
                made.append(self._map[at + PREFIX_SIZE : at + step])
        return made

    def place(self, number: int) -> Place:
        """Of a record; of a gap, that of the last message missing."""
        return Place(*HEADER.unpack_from(self._map, HEAD_SIZE + number * self._step + CRC_SIZE)[:2])

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
            fields = HEADER.unpack_from(self._map, HEAD_SIZE + middle * self._step + CRC_SIZE)
            if fields[field : field + len(wanted)] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def close(self) -> None:
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
