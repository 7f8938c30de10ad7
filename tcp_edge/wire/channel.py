"""What both sides of wire v2 psk have in common: keys, the sealed bytes, the codecs.

hello    {"v":2,"kid":USER,"random":R,"pub":P,"codecs":["zstd","zlib"],"lines":false}, a line
answer   {"v":2,"random":R,"pub":P,"codec":"zstd"}, a line
PSK      scrypt( passphrase, "ofx-psk2" | user | 0x00 | site salt, N=2^15, r=8, p=1, 32 bytes )
keys     HKDF-SHA256( X25519 | PSK, salt SHA-256( hello | LF | answer ), info "ofx2", 64 bytes );
         the first half for what the client sends, the other for what the server sends
sealed   AES-256-GCM( codec:1 | text ), no AAD; the nonce counts in its direction, 12 bytes
         big-endian, from 0; codec 0 as it is, 1 zlib, 2 zstd (one frame or several)
frame    length:4 big-endian | sealed; with "lines": base64( sealed ) CRLF

R and P are 32 bytes in base64, lines are hashed without their ends.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from typing import Final

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bus.secrets import Secret

from .gcm import Gcm
from .wire import Codec, WireError

SIZE: Final = 32  # of keys and of the handshake's random bytes
PACKED_FROM: Final = 512  # bytes of text
CODECS: Final[tuple[Codec, ...]] = ("", "zlib", "zstd")
_WINDOW: Final = 8 << 20
_own = threading.local()


def derive(passphrase: Secret, user: str, site_salt: str = "") -> bytes:
    """A user's PSK, to be kept like a password's hash: who has it can speak as the user. Takes
    about 0.1 s and 32 MiB: in a thread."""
    salt = b"ofx-psk2" + user.encode() + b"\0" + site_salt.encode()
    scrypt = Scrypt(salt=salt, length=SIZE, n=1 << 15, r=8, p=1)
    return scrypt.derive(passphrase.reveal().encode())


def keys(own: X25519PrivateKey, peer: bytes, psk: bytes, hello: bytes, answer: bytes) -> bytes:
    """The client's key and the server's. Raises WireError for a public key that is none."""
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(peer))
    except ValueError:
        raise WireError("the public key is none") from None
    digest = Hash(SHA256())
    digest.update(hello + b"\n" + answer)
    return HKDF(SHA256(), 2 * SIZE, salt=digest.finalize(), info=b"ofx2").derive(shared + psk)


class Seal:
    """One direction. Whatever is lost, repeated or out of order has the wrong counter."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Gcm(key)
        self._count = 0

    def seal(self, plain: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(), plain, None)

    def sealed(self, plain: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        """The same of parts and in parts, the last one with the tag."""
        return self._cipher.encrypted(self._nonce(), plain, b"", most)

    def open(self, sealed: bytes) -> bytes:
        """Raises WireError."""
        try:
            return self._cipher.decrypt(self._nonce(), sealed, None)
        except InvalidTag:
            raise WireError("another key, or a frame was changed, repeated or left out") from None

    def _nonce(self) -> bytes:
        nonce = self._count.to_bytes(12, "big")
        self._count += 1
        return nonce


def zstd(body: bytes) -> bytes:
    if not hasattr(_own, "packer"):  # a packer is for one thread
        _own.packer = zstandard.ZstdCompressor(level=1)
    packed: bytes = _own.packer.compress(body)
    return packed


def unpack(plain: bytes, limit: int) -> str:
    """The text of what was sealed. Raises WireError, also when it has more than ``limit`` bytes."""
    kind, body = plain[:1], plain[1:]
    try:
        if kind == b"\1":
            body = zlib.decompressobj().decompress(body, limit + 1)
        elif kind == b"\2":
            opener = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            body = opener.stream_reader(body, read_across_frames=True).read(limit + 1)
        elif kind != b"\0":
            raise WireError("an unknown codec")
        if len(body) > limit:
            raise WireError(f"a text of more than {limit} bytes")
        return body.decode("utf-8")
    except (zlib.error, zstandard.ZstdError, UnicodeDecodeError):
        raise WireError("not compressed as it should be, or not UTF-8") from None
