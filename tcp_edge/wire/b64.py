"""Base64 with one spelling: what is no encoder's output is refused.

A decoder takes bits that only fill up the end as they come, whatever they are; so a line that was
changed could stand for the same bytes. pybase64, because the standard library takes ten times as
long: of a large reply, base64 was half of what it cost.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pybase64

from .wire import WireError

_URL: Final = b"-_"


def encode(raw: bytes | bytearray) -> bytes:
    return pybase64.b64encode(raw)


def encode_url(raw: bytes | bytearray) -> bytes:
    return pybase64.b64encode(raw, _URL)


def encoded(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """What ``encode`` makes of all of them, in parts."""
    return map(encode, _triples(parts))


def encoded_url(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    return map(encode_url, _triples(parts))


def decode(line: bytes) -> bytes:
    """Raises WireError."""
    return _checked(line, None, encode)


def decode_url(line: bytes) -> bytes:
    """Raises WireError."""
    if b"+" in line or b"/" in line:  # the library still takes them
        raise WireError("not base64url")
    return _checked(line, _URL, encode_url)


def _triples(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The same bytes in parts of which each but the last makes whole groups of base64."""
    rest = b""
    for part in parts:
        raw = rest + part
        whole = len(raw) // 3 * 3
        yield raw[:whole]
        rest = raw[whole:]
    yield rest


def _checked(line: bytes, altchars: bytes | None, encode: Callable[[bytes], bytes]) -> bytes:
    try:
        raw = pybase64.b64decode(line, altchars, validate=True)
    except binascii.Error:
        raise WireError("not base64") from None
    if encode(raw) != line:
        raise WireError("not base64")
    return raw
