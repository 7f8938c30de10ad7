"""How the text of a list is compressed: all at once, or piece by piece while it grows.

What ``piece`` has given, one behind the other, and then what ``end`` gives, is one stream of the
codec. A piece refers to nothing before it, so each can be read alone.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal, Protocol

import zstandard

ListCodec = Literal["zlib", "zstd"]

_LAST_BLOCK: Final = b"\x03\x00"  # of raw DEFLATE, and empty


class Packing(Protocol):
    def piece(self, text: bytes) -> bytes: ...

    def end(self, text: bytes) -> bytes:
        """What stands behind the last piece; more pieces may come nevertheless."""

    def text(self, index: int, piece: bytes) -> bytes:
        """Of the piece with this number, from 0."""


class Zlib:
    """Pieces are raw DEFLATE, ended at a byte by a full flush, the first one with the head of a
    zlib stream in front; its checksum is at the end."""

    def __init__(self) -> None:
        self._adler, self._first = 1, True

    def piece(self, text: bytes) -> bytes:
        packed = self._flushed(text)
        self._adler, self._first = zlib.adler32(text, self._adler), False
        return packed

    def end(self, text: bytes) -> bytes:
        adler = zlib.adler32(text, self._adler)
        return self._flushed(text) + _LAST_BLOCK + adler.to_bytes(4, "big")

    def text(self, index: int, piece: bytes) -> bytes:
        return zlib.decompressobj(_wbits(first=index == 0)).decompress(piece)

    def _flushed(self, text: bytes) -> bytes:
        packer = zlib.compressobj(1, zlib.DEFLATED, _wbits(first=self._first))
        return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)


class Zstd:
    """A frame each."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=1)

    def piece(self, text: bytes) -> bytes:
        packed: bytes = self._packer.compress(text)
        return packed

    end = piece

    def text(self, index: int, piece: bytes) -> bytes:
        text: bytes = zstandard.decompress(piece)
        return text


def packing(codec: ListCodec) -> Packing:
    return Zstd() if codec == "zstd" else Zlib()


def packed(text: bytes, codec: ListCodec) -> bytes:
    return packing(codec).end(text)


def _wbits(*, first: bool) -> int:
    """With a zlib stream's head, or raw."""
    return zlib.MAX_WBITS if first else -zlib.MAX_WBITS
