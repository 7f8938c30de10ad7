"""Wire v2 psk, the client's side, without I/O. The bytes are in ``channel``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from . import b64, channel
from .channel import CODECS, PACKED_FROM, SIZE, Seal
from .frames import Base64, Binary, Framing
from .lines import END, Lines
from .wire import MOST_REPLY, Codec, WireError

_MOST_ANSWER: Final = 1024


class PskClient:
    """Send ``hello`` first; when ``ready``, send what ``request`` gives. ``psk`` is of
    ``channel.derive``."""

    def __init__(
        self,
        user: str,
        psk: bytes,
        codecs: Sequence[Codec] = ("zstd", "zlib"),
        lines: bool = False,
        own: X25519PrivateKey | None = None,
        random: bytes | None = None,
    ) -> None:
        self._psk = psk
        self._own = own or X25519PrivateKey.generate()
        said = {
            "v": 2,
            "kid": user,
            "random": b64.encode(random or os.urandom(SIZE)).decode(),
            "pub": b64.encode(self._own.public_key().public_bytes_raw()).decode(),
            "codecs": list(codecs),
            "lines": lines,
        }
        self._hello = json.dumps(said).encode()
        self._answer = Lines(_MOST_ANSWER)
        self._framing: Framing = Base64(MOST_REPLY) if lines else Binary(MOST_REPLY)
        self._codec: Codec = ""
        self.ready = False

    def hello(self) -> bytes:
        return self._hello + END

    def feed(self, data: bytes) -> Iterator[str]:
        """Replies and pushes. Raises WireError."""
        if not self.ready:
            line, end, data = data.partition(b"\n")
            for answer in self._answer.feed(line + end):
                self._shake(answer)
        if self.ready:
            for sealed in self._framing.feed(data):
                yield channel.unpack(self._from_server.open(sealed), MOST_REPLY)

    def _shake(self, line: bytes) -> None:
        try:
            answer: dict[str, Any] = json.loads(line)
            pub, self._codec = b64.decode(answer["pub"].encode()), answer["codec"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WireError("no answer to the handshake") from None
        made = channel.keys(self._own, pub, self._psk, self._hello, line)
        self._to_server, self._from_server = Seal(made[:SIZE]), Seal(made[SIZE:])
        self.ready = True

    def request(self, text: str) -> bytes:
        body, codec = text.encode(), ""
        if len(body) >= PACKED_FROM and self._codec == "zstd":
            body, codec = channel.zstd(body), "zstd"
        return self.sealed(bytes([CODECS.index(codec)]) + body)

    def sealed(self, plain: bytes) -> bytes:
        """The frame of what was packed already, or should be refused."""
        return self._framing.frame(self._to_server.seal(plain))
