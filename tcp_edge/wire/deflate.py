"""Replies, compressed with zlib, and back in parts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ..reply import Reply
from .gcm import parts

_MANY: Final = 100  # records, from which on speed counts for more than size


def deflate(reply: Reply) -> bytes:
    if len(reply.body) > 1 << 13:
        return zlib.compress(reply.body, 6 if reply.records < _MANY else 1)
    # A window no larger than it has to be: to make the usual one takes longer than to compress.
    packer = zlib.compressobj(6, zlib.DEFLATED, 13, 7)
    return packer.compress(reply.body) + packer.flush()


def inflated(packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
    """The text in parts of ``most`` bytes, each made when it is taken."""
    opener = zlib.decompressobj()
    for part in parts(packed, most):
        rest = bytes(part)
        while rest:
            yield opener.decompress(rest, most)
            rest = opener.unconsumed_tail
    yield opener.flush()
