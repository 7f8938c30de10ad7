"""A list that only grows: its records in pieces that are compressed once and stay what they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .packing import Packing

RECORDS: Final = 256  # of a piece
_BETWEEN: Final = b", "


class Piece(NamedTuple):
    """``times``: of each record, ``ends``: where it ends in the text, which begins with "[" or
    with what is between two records."""

    data: bytes
    times: array[int]
    ends: array[int]

    @property
    def weight(self) -> int:
        return len(self.data) + 12 * len(self.times) + 200


class Growing:
    """Records in their order; ``weight`` is about how many bytes of memory they take."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self._pieces: list[Piece] = []
        self._tail: list[bytes] = []
        self._times: array[int] = array("q")
        self._tail_size = 0
        self._kept = 0
        self._end = b""  # of the stream, after the pieces; b"" while it has to be made
        self.count = 0
        self.size = 2  # of the whole text, in bytes

    @property
    def weight(self) -> int:
        return self._kept + self._tail_size

    def add(self, record: bytes, time: int) -> None:
        self.size += len(record) + (len(_BETWEEN) if self.count else 0)
        self.count += 1
        self._tail.append(record)
        self._times.append(time)
        self._tail_size += len(record)
        self._end = b""
        if len(self._tail) == RECORDS:
            self._close_piece()

    def packed(self, had: int = 0) -> list[bytes]:
        """The whole text, compressed: the pieces without the first ``had``, and what comes behind
        them."""
        if not self._end:
            end = _lead(self._tail, first=not self._pieces) + _BETWEEN.join(self._tail) + b"]"
            self._end = self._packing.end(end)
        return [*(piece.data for piece in self._pieces[had:]), self._end]

    def chosen(self, since: int, limit: int) -> list[bytes]:
        """The first ``limit`` records whose time is ``since`` or later; 0: all of them."""
        found: list[bytes] = []
        for record in self._since(since):
            found.append(record)
            if len(found) == limit:
                break
        return found

    def _since(self, since: int) -> Iterator[bytes]:
        for index, piece in enumerate(self._pieces):
            if max(piece.times) < since:
                continue
            text = self._packing.text(index, piece.data)
            lead = 1 if index == 0 else len(_BETWEEN)
            begins = (lead, *(end + len(_BETWEEN) for end in piece.ends[:-1]))
            for time, begin, end in zip(piece.times, begins, piece.ends, strict=True):
                if time >= since:
                    yield text[begin:end]
        for time, record in zip(self._times, self._tail, strict=True):
            if time >= since:
                yield record

    def _close_piece(self) -> None:
        first = not self._pieces
        text = _lead(self._tail, first=first) + _BETWEEN.join(self._tail)
        ends = array("I", _ends(self._tail, 1 if first else len(_BETWEEN)))
        piece = Piece(self._packing.piece(text), self._times, ends)
        self._pieces.append(piece)
        self._kept += piece.weight
        self._tail, self._times, self._tail_size = [], array("q"), 0


def _lead(records: list[bytes], *, first: bool) -> bytes:
    if first:
        return b"["
    return _BETWEEN if records else b""


def _ends(records: Iterable[bytes], at: int) -> Iterator[int]:
    for record in records:
        at += len(record)
        yield at
        at += len(_BETWEEN)
