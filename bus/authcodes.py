"""Authcodes: signed tokens that say who a client is and what he may do.

    authcode = base64url( body | HMAC-SHA256(key, "ctpbus authcode 1" NUL body) )

``body``: a Grant as a MessagePack array; no padding. Whoever has the group's key checks one without
asking anybody; that its user has been disabled meanwhile tells the serial, see ``bus.serials``.

The key file has one key a line, 64 hex digits: the first signs, all are accepted. A key is changed
by putting the new one on top and taking the old one away a day later. The file is read again within
a second of its change.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import time
from pathlib import Path
from typing import Final

import msgspec

from .errors import ConfigError

log = logging.getLogger(__name__)

KEY_FILE: Final = "authcode.key"
_CONTEXT: Final = b"ctpbus authcode 1\0"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_TAG: Final = hashlib.sha256().digest_size
_LONGEST: Final = 1024  # characters; the names and rights of a Grant are bounded
_READ_AGAIN_S: Final = 1.0
_MOST_KEYS: Final = 16


class Grant(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What an authcode stands for.

    user      the client account of the gateway
    account   the trading account (CTP's UserID) that it acts for; "": the gateway's only one
    rights    some of "quote", "trade"
    expires   Unix time in seconds
    serial    rises with every change of the user that ends his earlier authcodes
    """

    user: str
    account: str
    rights: tuple[str, ...]
    expires: int
    serial: int


_decode: Final = msgspec.msgpack.Decoder(Grant).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def seal(key: bytes, grant: Grant) -> str:
    body = _encode(grant)
    return base64.urlsafe_b64encode(body + _tag(key, body)).rstrip(b"=").decode()


def unseal(keys: tuple[bytes, ...], code: str) -> Grant | None:
    """None unless one of ``keys`` made it. It may have expired."""
    sealed = _bytes(code)
    body, tag = sealed[:-_TAG], sealed[-_TAG:]
    # Every key is tried, so that the time does not tell which one it was.
    good = [hmac.compare_digest(_tag(key, body), tag) for key in keys]
    if not any(good):
        return None
    try:
        return _decode(body)
    except msgspec.MsgspecError:  # of a later version with the same key
        return None


def shown(code: str) -> str:
    """As much of an authcode as a page or a log may show."""
    return f"…{code[-2:]}" if len(code) <= 8 else f"…{code[-6:]}"


def _tag(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _CONTEXT + body, "sha256")


def _bytes(code: str) -> bytes:
    """b"" for what ``seal`` never writes: other characters, or bits behind the last byte."""
    if len(code) > _LONGEST or not code.isascii():
        return b""
    try:
        sealed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
    except ValueError:
        return b""
    return sealed if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() == code else b""


class KeyFile:
    """The keys in a file. ``make``: when it is missing, as the login service does; others wait for
    nobody and need a copy. Raises ConfigError."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        self.path = path
        if make and not path.exists():
            _make(path)
        self._keys, self._seen = _read(path)
        self._looked = time.monotonic()

    @property
    def all(self) -> tuple[bytes, ...]:
        """The first one signs."""
        if time.monotonic() - self._looked >= _READ_AGAIN_S:
            self._look()
        return self._keys

    def _look(self) -> None:
        """A file that cannot be used now leaves the keys that are known."""
        self._looked = time.monotonic()
        with contextlib.suppress(OSError):
            if _state(self.path.stat()) == self._seen:
                return
        try:
            self._keys, self._seen = _read(self.path)
            log.info("authcode keys read", extra={"fields": {"keys": len(self._keys)}})
        except ConfigError as exc:
            log.error("authcode keys not read", extra={"fields": {"reason": str(exc)}})


class Tokens:
    """Authcodes of the keys in a file."""

    guessable: Final = False

    def __init__(self, keys: KeyFile) -> None:
        self._keys = keys

    def issue(self, grant: Grant, peer: str = "") -> str:
        return seal(self._keys.all[0], grant)

    def read(self, code: str) -> Grant | None:
        """None for what nobody of the group has made. It may have expired or been revoked."""
        return unseal(self._keys.all, code)

    def home(self, code: str) -> str:
        return ""


def _make(path: Path) -> None:
    """Never over a file that is there, and never half."""
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(scratch)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)


def _read(path: Path) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """The keys, and by what a change of the file is seen."""
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} is not a file")
            if status.st_mode & 0o077:
                raise ConfigError(f"{path} is open to others: chmod 600 {path}")
            lines = file.read((_MOST_KEYS + 1) * 80).split()
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is missing: copy it from the machine of the login service"
        ) from None
    except UnicodeDecodeError:
        lines = []
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    if not 1 <= len(lines) <= _MOST_KEYS or not all(_KEY.fullmatch(line) for line in lines):
        raise ConfigError(f"{path} holds no keys: 64 hex digits a line")
    return tuple(bytes.fromhex(line) for line in lines), _state(status)


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode
