"""Wire v1: sealed lines with a key that all clients share, as ``octkeypass`` writes and reads them.

Much the same as that module, but with keys ready for use, faster, and with the replay window.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final, Literal

from cryptography.exceptions import InvalidTag

from bus.secrets import Secret

from .. import octkeypass
from ..octkeypass import HEADER, NONCE_SIZE, REPLY_AAD, REQUEST_AAD, VERSION
from ..reply import Reply
from . import b64
from .deflate import deflate
from .gcm import TAG_SIZE, Gcm, parts
from .lines import END, LARGE, Lines
from .window import ReplayWindow
from .wire import Codec, WireError

Mode = Literal["sealed", "open"]

_SEALED_AT: Final = HEADER.size + NONCE_SIZE


def derive(passphrase: Secret, kid: int, site_salt: str = "") -> Gcm:
    """The key of one kid. Takes a fifth of a second: before the loop runs, or in a thread."""
    return Gcm(octkeypass.derive(passphrase.reveal(), kid, site_salt))


class SealedLines:
    """One connection. ``keys`` by kid; replies are sealed with that of the request before."""

    codec: Final[Codec] = "zlib"

    def __init__(
        self, keys: Mapping[int, Gcm], window: ReplayWindow, mode: Mode = "sealed"
    ) -> None:
        self._keys, self._window, self._mode = keys, window, mode
        self._lines = Lines()
        self._kid = -1

    def feed(self, data: bytes) -> Iterator[str]:
        for line in self._lines.feed(data):
            yield self._open(line)

    def _open(self, line: bytes) -> str:
        raw = b64.decode_url(line)
        if len(raw) < _SEALED_AT + TAG_SIZE:
            raise WireError("the line is too short")
        version, kid, unix_ms = HEADER.unpack_from(raw)
        if version != VERSION:
            raise WireError(f"the line is of version {version}")
        if kid not in self._keys:
            raise WireError(f"there is no key with kid {kid}")
        nonce = raw[HEADER.size : _SEALED_AT]
        aad = REQUEST_AAD + raw[: HEADER.size]
        try:
            text = self._keys[kid].decrypt(nonce, raw[_SEALED_AT:], aad).decode("utf-8")
        except InvalidTag:
            raise WireError("the key is another one, or the line was changed") from None
        except UnicodeDecodeError:
            raise WireError("the text is not UTF-8") from None
        self._window.enter(unix_ms, nonce)
        self._kid = kid
        return text

    def pack(self, reply: Reply) -> tuple[bytes, ...]:
        return reply.packed or (deflate(reply),)

    def seal(self, packed: tuple[bytes, ...]) -> bytes:
        body = b"".join(packed)
        if self._mode == "open":
            return b64.encode(body) + END
        header = HEADER.pack(VERSION, self._kid, time.time_ns() // 1_000_000)
        nonce = os.urandom(NONCE_SIZE)
        sealed = self._keys[self._kid].encrypt(nonce, body, REPLY_AAD + header)
        return b"!" + b64.encode_url(header + nonce + sealed) + END

    def sealed(self, packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        if self._mode == "open":
            yield from b64.encoded(parts(packed, most))
        else:
            header = HEADER.pack(VERSION, self._kid, time.time_ns() // 1_000_000)
            nonce, aad = os.urandom(NONCE_SIZE), REPLY_AAD + header
            body = self._keys[self._kid].encrypted(nonce, packed, aad, most)
            yield b"!"
            yield from b64.encoded_url(chain([header + nonce], body))
        yield END

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        raise WireError("this wire has no pushes")

    def greeting(self) -> bytes:
        return b""

    def trust(self) -> None:
        self._lines.limit = LARGE
