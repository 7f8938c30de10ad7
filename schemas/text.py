"""Text of the counter: GB18030 in a fixed array, ended by the first NUL."""

from __future__ import annotations

import re
from typing import Final

_SURROGATE: Final = re.compile("[\udc80-\udcff]")


class _Texts(dict[bytes, str]):
    """Decoded texts by the bytes of their field: a tick repeats nearly all of them. Long fields
    (lines of a statement, pictures) hardly repeat and are not kept."""

    _LIMIT = 10_000
    _LONGEST = 128

    def __missing__(self, octets: bytes) -> str:
        text = decode(octets)
        if len(octets) <= self._LONGEST:
            if len(self) >= self._LIMIT:
                self.clear()
            self[octets] = text
        return text


class _Chars(dict[bytes, str]):
    """The same for fields of one character, where an undecodable byte means "unset"."""

    def __missing__(self, octets: bytes) -> str:
        text = self[octets] = decode(octets) if octets[0] < 0x80 else ""
        return text


def decode(octets: bytes) -> str:
    """The text up to the first NUL, with U+FFFD for each byte that GB18030 cannot read."""
    text = octets.partition(b"\0")[0].decode("gb18030", "surrogateescape")
    # A cut or foreign byte; UTF-8 has no form for the surrogate, and the reply must not be lost.
    return _SURROGATE.sub("\ufffd", text)


TEXTS: Final = _Texts()
CHARS: Final = _Chars()
