"""Wire v2 in a TLS 1.3 channel: requests and replies are JSON lines as they are.

The channel is the listener's (``ssl`` of the standard library); it protects, and nothing here does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..reply import Reply
from .gcm import parts
from .lines import END, LARGE, Lines
from .wire import Codec, WireError


class TlsLines:
    codec: Final[Codec] = ""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterator[str]:
        for line in self._lines.feed(data):
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                raise WireError("the text is not UTF-8") from None

    def pack(self, reply: Reply) -> tuple[bytes, ...]:
        return (reply.body,)

    def seal(self, packed: tuple[bytes, ...]) -> bytes:
        return b"".join((*packed, END))

    def sealed(self, packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        yield from map(bytes, parts(packed, most))
        yield END

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        return pushed(kind, seq, record) + END

    def greeting(self) -> bytes:
        return b""

    def trust(self) -> None:
        self._lines.limit = LARGE


def pushed(kind: str, seq: int, record: bytes) -> bytes:
    """``record`` is JSON."""
    return b'{"push": "%b", "seq": %d, "data": %b}' % (kind.encode("ascii"), seq, record)
