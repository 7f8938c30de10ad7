"""The text of a list that only grows, compressed once.

A piece is some records as raw DEFLATE, ended by a full flush: it refers to nothing before it and
ends at a byte, so pieces behind each other are one stream, and each can be read alone. What is
asked for again costs a copy, and the checksum of the whole comes from those of the pieces.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

RECORDS: Final = 256  # of a piece
_HEAD: Final = b"\x78\x01"  # a zlib stream, made for speed
_END: Final = b"\x03\x00"  # an empty last block
_MODULUS: Final = 65521
_BETWEEN: Final = b", "


class Piece(NamedTuple):
    """``times``: of each record, ``ends``: where it ends in the text, which begins with "[" or
    with what is between two records."""

    data: bytes
    adler: int
    size: int
    times: array[int]
    ends: array[int]

    @property
    def weight(self) -> int:
        return len(self.data) + 12 * len(self.times) + 200


class Growing:
    """Records in their order; ``weight`` is about how many bytes of memory they take."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._tail: list[bytes] = []
        self._times: array[int] = array("q")
        self._tail_size = 0
        self._kept = 0
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
        if len(self._tail) == RECORDS:
            piece = _piece(self._tail, self._times, first=not self._pieces)
            self._pieces.append(piece)
            self._kept += piece.weight
            self._tail, self._times, self._tail_size = [], array("q"), 0

    def zlib(self) -> bytes:
        """The whole text as a zlib stream."""
        end = self._end()
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        last = packer.compress(end) + packer.flush(zlib.Z_FULL_FLUSH)
        adler = 1
        for piece in self._pieces:
            adler = joined_adler(adler, piece.adler, piece.size)
        adler = joined_adler(adler, zlib.adler32(end), len(end))
        parts = [piece.data for piece in self._pieces]
        return b"".join((_HEAD, *parts, last, _END, adler.to_bytes(4, "big")))

    def text(self) -> bytes:
        return b"".join((*map(_text, self._pieces), self._end()))

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
            text = _text(piece)
            lead = 1 if index == 0 else len(_BETWEEN)
            begins = (lead, *(end + len(_BETWEEN) for end in piece.ends[:-1]))
            for time, begin, end in zip(piece.times, begins, piece.ends, strict=True):
                if time >= since:
                    yield text[begin:end]
        for time, record in zip(self._times, self._tail, strict=True):
            if time >= since:
                yield record

    def _end(self) -> bytes:
        return _lead(self._tail, first=not self._pieces) + _BETWEEN.join(self._tail) + b"]"


def joined_adler(first: int, second: int, size: int) -> int:
    """Of two texts behind each other; ``size`` is that of the second."""
    low, high = first & 0xFFFF, first >> 16
    both = (low + (second & 0xFFFF) - 1) % _MODULUS
    return ((high + (second >> 16) + size * (low - 1)) % _MODULUS) << 16 | both


def _piece(records: list[bytes], times: array[int], *, first: bool) -> Piece:
    text = _lead(records, first=first) + _BETWEEN.join(records)
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    data = packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
    ends = array("I", _ends(records, 1 if first else len(_BETWEEN)))
    return Piece(data, zlib.adler32(text), len(text), times, ends)


def _lead(records: list[bytes], *, first: bool) -> bytes:
    if first:
        return b"["
    return _BETWEEN if records else b""


def _ends(records: Iterable[bytes], at: int) -> Iterator[int]:
    for record in records:
        at += len(record)
        yield at
        at += len(_BETWEEN)


def _text(piece: Piece) -> bytes:
    return zlib.decompressobj(-15).decompress(piece.data)
