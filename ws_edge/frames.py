"""WebSocket frames from server to client. They are not masked, so all clients get equal bytes."""

from __future__ import annotations

import struct
from typing import Final

_FIN_TEXT: Final = 0x81  # RFC 6455, 5.2: FIN, opcode 1
_SHORT: Final = struct.Struct("!BB")
_MEDIUM: Final = struct.Struct("!BBH")
_LONG: Final = struct.Struct("!BBQ")


def text_frame(text: bytes) -> bytes:
    """One whole text message; ``text`` is UTF-8."""
    size = len(text)
    if size < 126:
        return _SHORT.pack(_FIN_TEXT, size) + text
    if size < 0x10000:
        return _MEDIUM.pack(_FIN_TEXT, 126, size) + text
    return _LONG.pack(_FIN_TEXT, 127, size) + text
