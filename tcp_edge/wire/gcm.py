"""AES-256-GCM, at once or in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

TAG_SIZE: Final = 16


class Gcm:
    """One key. ``encrypt`` and ``decrypt`` are those of ``AESGCM``: nonce, data, AAD."""

    def __init__(self, key: bytes) -> None:
        self._key = AES(key)
        whole = AESGCM(key)
        self.encrypt, self.decrypt = whole.encrypt, whole.decrypt

    def encrypted(
        self, nonce: bytes, data: tuple[bytes, ...], aad: bytes, most: int
    ) -> Iterator[bytes]:
        """What ``encrypt`` makes of all of it, in parts of at most ``most`` bytes and a last one
        with the tag."""
        encryptor = Cipher(self._key, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(aad)
        for part in parts(data, most):
            yield encryptor.update(part)
        yield encryptor.finalize() + encryptor.tag


def parts(data: tuple[bytes, ...], most: int) -> Iterator[memoryview]:
    for each in data:
        view = memoryview(each)
        for at in range(0, len(view), most):
            yield view[at : at + most]
