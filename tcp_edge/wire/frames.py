"""Bytes to frames of sealed bytes: four bytes of length before each, or a line of base64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from . import b64
from .lines import END, SMALL, Lines
from .wire import WireError

LENGTH: Final = 4
OVERHEAD: Final = 17  # bytes that sealing adds: the codec's and the tag


class Framing(Protocol):
    limit: int

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Frames that are complete. Raises WireError, also for a frame above ``limit`` bytes."""

    def frame(self, sealed: bytes) -> bytes: ...

    def framed(self, size: int, parts: Iterable[bytes]) -> Iterator[bytes]:
        """The same of sealed bytes in parts, ``size`` bytes in all."""


class Binary:
    def __init__(self, limit: int = SMALL) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._rest += data
        while len(self._rest) >= LENGTH:
            size = int.from_bytes(self._rest[:LENGTH], "big")
            if size > self.limit + OVERHEAD:
                raise WireError(f"a frame of more than {self.limit} bytes")
            if len(self._rest) < LENGTH + size:
                return
            frame = bytes(self._rest[LENGTH : LENGTH + size])
            del self._rest[: LENGTH + size]
            yield frame

    def frame(self, sealed: bytes) -> bytes:
        return len(sealed).to_bytes(LENGTH, "big") + sealed

    def framed(self, size: int, parts: Iterable[bytes]) -> Iterator[bytes]:
        yield size.to_bytes(LENGTH, "big")
        yield from parts


class Base64:
    def __init__(self, limit: int = SMALL) -> None:
        self._lines = Lines()
        self.limit = limit

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._lines.limit = (limit + OVERHEAD + 2) // 3 * 4

    def feed(self, data: bytes) -> Iterator[bytes]:
        for line in self._lines.feed(data):
            yield b64.decode(line)

    def frame(self, sealed: bytes) -> bytes:
        return b64.encode(sealed) + END

    def framed(self, size: int, parts: Iterable[bytes]) -> Iterator[bytes]:
        yield from b64.encoded(parts)
        yield END
