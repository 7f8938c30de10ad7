"""The administrators of the web page: not the clients' accounts, and not the counter's.

``admin/admins.json`` in the data folder has an argon2id hash of each password. When it is missing,
it is made with one administrator and a password that nobody chose; ``first_password`` beside it has
that one until deploy/up has shown it. Who has lost his password deletes both files and restarts
admin.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Final

import msgspec

from bus.passwords import hash_of, matches
from bus.secrets import Secret

FILE: Final = "admins.json"
FIRST_PASSWORD: Final = "first_password"
FIRST_NAME: Final = "admin"
SHORTEST: Final = 10


class Admin(msgspec.Struct, frozen=True):
    """``changed``: Unix time in seconds of its last password."""

    hash: str
    changed: int


class Content(msgspec.Struct, frozen=True):
    """``made``: Unix time in seconds."""

    made: int
    admins: dict[str, Admin]


class WrongPassword(Exception):
    """The old password is not right."""


class TooShort(Exception):
    """The new password has fewer than SHORTEST characters."""


class Admins:
    """The file in ``folder``, made when missing. Raises OSError, msgspec.DecodeError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / FILE).exists():
            self._make()
        self._nobody = hash_of(Secret(secrets.token_hex()))

    @property
    def made(self) -> int:
        return self._read().made

    def knows(self, name: str) -> bool:
        return name in self._read().admins

    def check(self, name: str, password: Secret) -> bool:
        """Takes as long for a name that there is not."""
        admin = self._read().admins.get(name)
        right = matches(self._nobody if admin is None else admin.hash, password)
        return right and admin is not None

    def set_password(self, name: str, old: Secret, new: Secret) -> None:
        """Raises WrongPassword, TooShort, and ValueError for a password that is too long."""
        if not self.check(name, old):
            raise WrongPassword
        if len(new.reveal()) < SHORTEST:
            raise TooShort
        content = self._read()
        admins = content.admins | {name: Admin(hash_of(new), int(time.time()))}
        self._write(FILE, msgspec.json.encode(Content(content.made, admins)))
        (self._folder / FIRST_PASSWORD).unlink(missing_ok=True)

    def _make(self) -> None:
        password = Secret(secrets.token_urlsafe(12))
        now = int(time.time())
        content = Content(now, {FIRST_NAME: Admin(hash_of(password), now)})
        # First: without it nobody could use the other one.
        self._write(FIRST_PASSWORD, password.reveal().encode() + b"\n")
        self._write(FILE, msgspec.json.encode(content))

    def _read(self) -> Content:
        return msgspec.json.decode((self._folder / FILE).read_bytes(), type=Content)

    def _write(self, name: str, body: bytes) -> None:
        """All of it or nothing, for the owner only."""
        scratch = self._folder / f"{name}.{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            with os.fdopen(os.open(scratch, flags, 0o600), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._folder / name)
        finally:
            scratch.unlink(missing_ok=True)


def take_first_password(folder: Path) -> Secret | None:
    """To be shown; the file is gone then."""
    file = folder / FIRST_PASSWORD
    with contextlib.suppress(OSError):
        text = file.read_text("utf-8").strip()
        file.unlink()
        return Secret(text)
    return None
