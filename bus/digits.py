"""Authcodes of eight digits, for clients that take no other: 26 bits, so guesses need a limit.

They are kept as keyed hashes in one SQLite file that the processes of a machine share; without the
authcode key it gives none of them away. Lost with a power cut: the client logs in again.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from .authcodes import Grant, KeyFile
from .errors import BusError
from .tries import network

log = logging.getLogger(__name__)

_CONTEXT: Final = b"ctpbus digits 1\0"
_CODE: Final = re.compile(r"[0-9]{8}")
_MOST_OF_USER: Final = 100
_BUSY_S: Final = 1.0
_decode: Final = msgspec.msgpack.Decoder(Grant).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class CodesError(BusError):
    """The file cannot be used."""


class Digits:
    """Authcodes in the file at ``path``. Any thread may use it."""

    guessable: Final = True

    def __init__(self, path: Path, keys: KeyFile) -> None:
        """Raises CodesError."""
        self._path, self._keys = path, keys
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._opened() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(
                "CREATE TABLE IF NOT EXISTS codes (hash BLOB PRIMARY KEY, user TEXT NOT NULL, "
                "expires INTEGER NOT NULL, made_ns INTEGER NOT NULL, body BLOB NOT NULL) "
                "WITHOUT ROWID"
            )
            # A table of its own, so that files of earlier versions are good.
            db.execute(
                "CREATE TABLE IF NOT EXISTS homes (hash BLOB PRIMARY KEY, peer TEXT NOT NULL) "
                "WITHOUT ROWID"
            )

    def issue(self, grant: Grant, peer: str = "") -> str:
        """To a client at ``peer``. Takes some ms. A user's oldest code ends when he has a hundred.
        Raises CodesError."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM codes WHERE expires <= ?", [int(time.time())])
            db.execute(
                "DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE user = ? "
                "ORDER BY made_ns DESC LIMIT -1 OFFSET ?)",
                [grant.user, _MOST_OF_USER - 1],
            )
            while True:
                # No leading zero: some clients keep it as a number.
                code = str(10**7 + secrets.randbelow(9 * 10**7))
                hashed = self._hash(self._keys.all[0], code)
                row = [hashed, grant.user, grant.expires, time.time_ns(), _encode(grant)]
                insert = "INSERT OR IGNORE INTO codes VALUES (?, ?, ?, ?, ?)"
                if db.execute(insert, row).rowcount:
                    break
            db.execute("DELETE FROM homes WHERE hash NOT IN (SELECT hash FROM codes)")
            db.execute("INSERT OR REPLACE INTO homes VALUES (?, ?)", [hashed, network(peer)])
            db.execute("COMMIT")
        return code

    def read(self, code: str) -> Grant | None:
        """None for what was not issued on this machine. It may have expired or been revoked. Raises
        CodesError."""
        found = self._find(code)
        return None if found is None else found[0]

    def home(self, code: str) -> str:
        """The network of the client to whom it was issued; "": it is not known, or was not issued.
        Raises CodesError."""
        found = self._find(code)
        return "" if found is None else found[1]

    def _find(self, code: str) -> tuple[Grant, str] | None:
        if not _CODE.fullmatch(code):
            return None
        with self._opened() as db:
            for key in self._keys.all:
                found = db.execute(
                    "SELECT body, peer FROM codes LEFT JOIN homes USING (hash) WHERE hash = ?",
                    [self._hash(key, code)],
                ).fetchone()
                if found is not None:
                    return _decode(found[0]), found[1] or ""
        return None

    @staticmethod
    def _hash(key: bytes, code: str) -> bytes:
        return hmac.digest(key, _CONTEXT + code.encode(), "sha256")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(
                sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            ) as db:
                db.execute("PRAGMA synchronous = OFF")
                yield db
        except (sqlite3.Error, msgspec.MsgspecError) as exc:
            raise CodesError(f"{self._path} cannot be used: {exc}") from None
