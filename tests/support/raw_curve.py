"""A CurveZMQ client of our own, which may claim what libzmq's never would.

https://rfc.zeromq.org/spec/26/ over https://rfc.zeromq.org/spec/23/; its boxes are NaCl's
crypto_box: X25519, HSalsa20, XSalsa20 and Poly1305.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.poly1305 import Poly1305
from zmq.utils import z85

_GREETING: Final = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
_SIGMA: Final = struct.unpack("<4I", b"expand 32-byte k")
# Of a double round: columns, then rows.
_QUARTERS: Final = (
    *((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    *((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)


class RawCurve:
    """Connected and past the handshake, or OSError. Keys are in Z85. ``claimed``: the public key
    that we say is ours, when it is not."""

    def __init__(
        self,
        address: str,
        server: str,
        secret: str,
        metadata: Mapping[str, bytes],
        claimed: str = "",
    ) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)), 10)
        self._number = 0
        self._own, self._server = z85.decode(secret), z85.decode(server)
        self._claimed = z85.decode(claimed) if claimed else public_of(self._own)
        self._short = os.urandom(32)  # our key for this connection
        self._sent = b""
        try:
            self._shake_hands(_properties(metadata))
        except BaseException:
            self._socket.close()
            raise

    def send(self, body: bytes) -> None:
        nonce = self._next()
        sealed = box(b"\0" + body, b"CurveZMQMESSAGEC" + nonce, self._short, self._session)
        self._write(b"\x07MESSAGE" + nonce + sealed, command=False)

    def send_again(self) -> None:
        """The bytes that were sent last, as somebody on the wire could."""
        self._socket.sendall(self._sent)

    def receive(self) -> bytes:
        """The next frame of a message."""
        frame = self._read()
        nonce, sealed = frame[8:16], frame[16:]
        return unbox(sealed, b"CurveZMQMESSAGES" + nonce, self._short, self._session)[1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _shake_hands(self, metadata: bytes) -> None:
        self._socket.sendall(_GREETING)
        self._exactly(64)
        own, nonce = public_of(self._short), self._next()
        hello = box(bytes(64), b"CurveZMQHELLO---" + nonce, self._short, self._server)
        self._write(b"\x05HELLO\x01\x00" + bytes(72) + own + nonce + hello)
        welcome = self._read()
        opened = unbox(welcome[24:], b"WELCOME-" + welcome[8:24], self._short, self._server)
        self._session, cookie = opened[:32], opened[32:]
        vouched = os.urandom(16)
        vouch = box(own + self._server, b"VOUCH---" + vouched, self._own, self._session)
        told, nonce = self._claimed + vouched + vouch + metadata, self._next()
        sealed = box(told, b"CurveZMQINITIATE" + nonce, self._short, self._session)
        self._write(b"\x08INITIATE" + cookie + nonce + sealed)
        ready = self._read()
        if not ready.startswith(b"\x05READY"):
            raise ConnectionRefusedError(ready)

    def _next(self) -> bytes:
        self._number += 1
        return struct.pack(">Q", self._number)

    def _write(self, body: bytes, command: bool = True) -> None:
        kind = 4 if command else 0
        long = len(body) > 255
        size = struct.pack(">Q" if long else ">B", len(body))
        self._sent = bytes([kind | (2 if long else 0)]) + size + body
        self._socket.sendall(self._sent)

    def _read(self) -> bytes:
        flags = self._exactly(1)[0]
        return self._exactly(int.from_bytes(self._exactly(8 if flags & 2 else 1), "big"))

    def _exactly(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            part = self._socket.recv(size - len(read))
            if not part:
                raise ConnectionResetError("hung up")
            read += part
        return read


def public_of(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def box(text: bytes, nonce: bytes, secret: bytes, public: bytes) -> bytes:
    stream = _stream(_shared(secret, public), nonce, 32 + len(text))
    sealed = _xor(text, stream[32:])
    return Poly1305.generate_tag(stream[:32], sealed) + sealed


def unbox(sealed: bytes, nonce: bytes, secret: bytes, public: bytes) -> bytes:
    """Raises cryptography's InvalidSignature."""
    stream = _stream(_shared(secret, public), nonce, 16 + len(sealed))
    Poly1305.verify_tag(stream[:32], sealed[16:], sealed[:16])
    return _xor(sealed[16:], stream[32:])


def _properties(metadata: Mapping[str, bytes]) -> bytes:
    return b"".join(
        bytes([len(name)]) + name.encode() + struct.pack(">I", len(value)) + value
        for name, value in metadata.items()
    )


def _shared(secret: bytes, public: bytes) -> bytes:
    exchanged = X25519PrivateKey.from_private_bytes(secret).exchange(
        X25519PublicKey.from_public_bytes(public)
    )
    return _hsalsa(exchanged, bytes(16))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    """XSalsa20: 24 bytes of nonce."""
    sub, stream = _hsalsa(key, nonce[:16]), b""
    for count in range(-(-size // 64)):
        words = _words(sub, nonce[16:] + struct.pack("<Q", count))
        sums = (a + b & 0xFFFFFFFF for a, b in zip(words, _rounds(words), strict=True))
        stream += struct.pack("<16I", *sums)
    return stream[:size]


def _hsalsa(key: bytes, nonce: bytes) -> bytes:
    mixed = _rounds(_words(key, nonce))
    return struct.pack("<8I", *(mixed[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))


def _words(key: bytes, nonce: bytes) -> list[int]:
    k, n, s = struct.unpack("<8I", key), struct.unpack("<4I", nonce), _SIGMA
    return [s[0], *k[:4], s[1], *n, s[2], *k[4:], s[3]]


def _rounds(words: list[int]) -> list[int]:
    x = list(words)
    for _ in range(10):
        for a, b, c, d in _QUARTERS:
            for to, one, two, by in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
                total = (x[one] + x[two]) & 0xFFFFFFFF
                x[to] ^= (total << by | total >> (32 - by)) & 0xFFFFFFFF
    return x


def _xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=True))
