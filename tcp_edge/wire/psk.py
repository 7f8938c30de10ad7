"""Wire v2 psk, the server's side: a key per user and connection. The bytes are in ``channel``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Meta

from ..reply import Reply
from . import b64, channel
from .channel import CODECS, PACKED_FROM, SIZE, Seal
from .deflate import deflate
from .frames import Base64, Binary, Framing
from .gcm import TAG_SIZE
from .lines import END, LARGE, Lines
from .tls import pushed
from .wire import Codec, WireError

_MOST_HELLO: Final = 1024


class Hello(msgspec.Struct, frozen=True):
    """The client's first line."""

    v: int
    kid: Annotated[str, Meta(min_length=1, max_length=64)]
    random: str
    pub: str
    codecs: tuple[str, ...] = ()
    lines: bool = False


class PskServer:
    """One connection. ``psk_of`` gives what ``channel.derive`` has made for a user, None when there
    is none; it is called in the event loop, so it looks up and does not derive.

    ``user``: who has the key; "" until his first frame has shown that he does.
    """

    def __init__(
        self,
        psk_of: Callable[[str], bytes | None],
        own: X25519PrivateKey | None = None,
        random: bytes | None = None,
    ) -> None:
        self.user = ""
        self.codec: Codec = ""
        self._psk_of = psk_of
        self._own = own or X25519PrivateKey.generate()
        self._random = random or os.urandom(SIZE)
        self._hello = Lines(_MOST_HELLO)
        self._framing: Framing | None = None
        self._greeting = b""
        self._claimed = ""

    def feed(self, data: bytes) -> Iterator[str]:
        if self._framing is None:
            line, end, data = data.partition(b"\n")
            for hello in self._hello.feed(line + end):
                self._shake(hello)
        if self._framing is not None:
            for sealed in self._framing.feed(data):
                text = channel.unpack(self._from_client.open(sealed), self._framing.limit)
                self.user = self._claimed
                yield text

    def _shake(self, line: bytes) -> None:
        try:
            hello = msgspec.json.decode(line, type=Hello)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise WireError("no handshake") from None
        pub, random = b64.decode(hello.pub.encode()), b64.decode(hello.random.encode())
        if hello.v != 2 or len(pub) != SIZE or len(random) != SIZE:
            raise WireError("no handshake of this version")
        self.codec = "zstd" if "zstd" in hello.codecs else "zlib"
        answer = json.dumps(
            {
                "v": 2,
                "random": b64.encode(self._random).decode(),
                "pub": b64.encode(self._own.public_key().public_bytes_raw()).decode(),
                "codec": self.codec,
            }
        ).encode()
        # Who asks for a user that is not there learns nothing: his first frame is wrong, as with
        # a wrong passphrase.
        psk = self._psk_of(hello.kid) or os.urandom(SIZE)
        made = channel.keys(self._own, pub, psk, line, answer)
        self._from_client, self._to_client = Seal(made[:SIZE]), Seal(made[SIZE:])
        self._framing = Base64() if hello.lines else Binary()
        self._claimed, self._greeting = hello.kid, answer + END

    def pack(self, reply: Reply) -> tuple[bytes, ...]:
        if reply.packed:
            return (_mark(self.codec), *reply.packed)
        if reply.secret or len(reply.body) < PACKED_FROM:
            return (_mark("") + reply.body,)
        zstd = self.codec == "zstd"
        return (_mark(self.codec) + (channel.zstd(reply.body) if zstd else deflate(reply)),)

    def seal(self, packed: tuple[bytes, ...]) -> bytes:
        assert self._framing is not None
        return self._framing.frame(self._to_client.seal(b"".join(packed)))

    def sealed(self, packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        assert self._framing is not None
        size = sum(map(len, packed)) + TAG_SIZE
        return self._framing.framed(size, self._to_client.sealed(packed, most))

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        return self.seal(self.pack(Reply(pushed(kind, seq, record))))

    def greeting(self) -> bytes:
        greeting, self._greeting = self._greeting, b""
        return greeting

    def trust(self) -> None:
        assert self._framing is not None
        self._framing.limit = LARGE


def _mark(codec: Codec) -> bytes:
    return bytes([CODECS.index(codec)])
