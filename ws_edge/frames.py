"""WebSocket frames from server to client. They are not masked, so all clients get equal bytes."""

from __future__ import annotations

import struct
from typing import Final

_FIN_TEXT: Final = 0x81  # RFC 6455, 5.2: FIN, opcode 1
_FIN_BINARY: Final = 0x82  # opcode 2
_SHORT: Final = struct.Struct("!BB")
_MEDIUM: Final = struct.Struct("!BBH")
_LONG: Final = struct.Struct("!BBQ")


def text_frame(text: bytes) -> bytes:
    """One whole text message; ``text`` is UTF-8."""
    return _head(_FIN_TEXT, len(text)) + text


def binary_frame(octets: bytes) -> bytes:
    """One whole binary message."""
    return _head(_FIN_BINARY, len(octets)) + octets


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return _SHORT.pack(first, size)
    if size < 0x10000:
        return _MEDIUM.pack(first, 126, size)
    return _LONG.pack(first, 127, size)
