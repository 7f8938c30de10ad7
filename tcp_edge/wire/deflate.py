"""Replies, compressed with zlib."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

from ..reply import Reply

_MANY: Final = 100  # records, from which on speed counts for more than size
_SMALL: Final = 1 << 13


def deflate(reply: Reply) -> bytes:
    body = reply.body
    if len(body) > _SMALL:
        return zlib.compress(body, 6 if reply.records < _MANY else 1)
    # What holds an authcode is not kept.
    return _deflated(body) if reply.secret else _remembered(body)


def _deflated(body: bytes) -> bytes:
    # A window no larger than it has to be: to make the usual one takes longer than to compress.
    packer = zlib.compressobj(6, zlib.DEFLATED, 13, 7)
    return packer.compress(body) + packer.flush()


# Clients poll the latest quote, so the same one is packed again and again.
_remembered: Final = lru_cache(maxsize=1024)(_deflated)
