"""Base64 with one spelling: what is no encoder's output is refused.

The library's decoder skips characters that it does not know, and bits that only fill up the end; so
a line that was changed could stand for the same bytes.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Final

from .wire import WireError

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


def encode(raw: bytes | bytearray) -> bytes:
    return binascii.b2a_base64(raw, newline=False)


def encoded(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """What ``encode`` makes of all of them, in parts."""
    rest = b""
    for part in parts:
        raw = rest + part
        whole = len(raw) // 3 * 3
        yield encode(raw[:whole])
        rest = raw[whole:]
    yield encode(rest)


def decode(line: bytes) -> bytes:
    """Raises WireError."""
    try:
        raw = binascii.a2b_base64(line)
    except binascii.Error:
        raise WireError("not base64") from None
    if encode(raw) != line:
        raise WireError("not base64")
    return raw


def encode_url(raw: bytes) -> bytes:
    return encode(raw).translate(_TO_URL)


def encoded_url(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    return (part.translate(_TO_URL) for part in encoded(parts))


def decode_url(line: bytes) -> bytes:
    """Raises WireError."""
    if b"+" in line or b"/" in line:
        raise WireError("not base64url")
    return decode(line.translate(_FROM_URL))
