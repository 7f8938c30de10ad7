"""Bytes to lines, the framing of every wire that has lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .wire import WireError

SMALL: Final = 64 << 10
LARGE: Final = 1 << 20
END: Final = b"\r\n"


class Lines:
    """Lines end with LF or CRLF; neither is part of a line. ``limit`` in bytes is without them."""

    def __init__(self, limit: int = SMALL) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are complete. Raises WireError when one is longer than the limit, also
        before its end has come."""
        first, *others = data.split(b"\n")
        self._rest += first
        for other in others:
            line = bytes(self._rest)
            self._rest = bytearray(other)
            whole = line[:-1] if line.endswith(b"\r") else line
            self._check(len(whole))
            yield whole
        # One byte more: it may be a CR whose LF is still to come.
        self._check(len(self._rest) - 1)

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise WireError(f"a line of more than {self.limit} bytes")
