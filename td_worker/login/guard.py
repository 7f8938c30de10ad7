"""Keeps wrong passwords away from the front: after some of them in a row it locks the account
(error 75, after 6 to 10), and after many the whole address (143, 144).

What the front said outlives the worker, in one small file an account; removing the file forgets
it. Passwords are in it as salted scrypt hashes.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
from pathlib import Path
from typing import Final

import msgspec

from bus.errors import Refused, request_failed
from bus.secrets import Secret
from schemas.errors import text_of

from .attempts import same

log = logging.getLogger("td_worker")

WRONG_PASSWORD: Final = 3
LOCKED: Final = frozenset({75, 143, 144})
OF_ADDRESS: Final = frozenset({143, 144})  # of these, those that concern every account
_FREE: Final = 3  # refused logins in a row before there are pauses
_MOST: Final = 5  # and before the pause is a day: one more could be the one that locks
_PAUSE_S: Final = 600.0
_DAY_S: Final = 86_400.0
_KEPT: Final = 32  # hashes of refused passwords
_TURN_S: Final = 10.0  # an answer to a login that takes longer is not waited for by others


class _Memory(msgspec.Struct, kw_only=True):
    """The file. Times are Unix seconds, hashes base64."""

    salt: str
    accepted: str = ""
    doubted: bool = False  # the front has refused the accepted one since
    refused: list[str] = []
    in_a_row: int = 0
    last: float = 0.0  # refusal
    locked: int = 0  # the error that said so
    locked_until: float = 0.0


class Guard:
    """What the front has said about the passwords of one account. Times are Unix seconds.

    place    names the front: a password that another one has refused says nothing here
    locked_s  no login for so long after the front has locked the account or the address
    address  the guard of the whole address, shared by all accounts
    """

    def __init__(self, file: Path, place: str, locked_s: float, address: Guard | None) -> None:
        self._file, self._place, self._locked_s = file, place, locked_s
        self._address = address
        self._memory = _read(file) or _Memory(salt=base64.b64encode(os.urandom(16)).decode())
        self._hashed: tuple[Secret, str] | None = None  # the last one
        self._turn: tuple[object, float] | None = None  # who logs in, and since when

    def begin(self, who: object, now: float) -> bool:
        """Whether one of the account's sessions may log in: one after the other, or the front has
        refused many before the first refusal is heard. ``now`` is of a monotonic clock."""
        if self._turn is None or self._turn[1] + _TURN_S < now:
            self._turn = who, now
        return self._turn[0] is who

    def end(self, who: object) -> None:
        """It has logged in, or it does not any more."""
        if self._turn is not None and self._turn[0] is who:
            self._turn = None

    @property
    def known(self) -> bool:
        """Whether the front has ever accepted a password."""
        return bool(self._memory.accepted)

    def has_refused(self, password: Secret) -> bool:
        """Whether the front has refused it and not accepted it since."""
        memory = self._memory
        if not (memory.refused or memory.doubted):
            return False
        digest = self._hash(password)
        return digest in memory.refused or (memory.doubted and digest == memory.accepted)

    def objection(self, password: Secret, now: float) -> Refused | None:
        """Why a login with it must not go to the front; error 3 when that has refused it already.

        Pauses are not for the password that the front accepted last, until it has refused that one
        as well: wrong ones that somebody sends keep nobody out who was in before.
        """
        memory = self._memory
        locked = self._lock(now) or (self._address._lock(now) if self._address else None)
        if locked is not None:
            return locked
        if not memory.refused and memory.in_a_row < _FREE:
            return None
        digest = self._hash(password)
        if digest in memory.refused:
            return Refused(WRONG_PASSWORD, text_of(WRONG_PASSWORD), "refused before")
        if memory.in_a_row < _FREE or (digest == memory.accepted and not memory.doubted):
            return None
        pause_s = _DAY_S if memory.in_a_row >= _MOST else _PAUSE_S * 2 ** (memory.in_a_row - _FREE)
        if now >= memory.last + pause_s:
            return None
        left_s = memory.last + pause_s - now
        return request_failed(f"too many wrong passwords; another one is tried in {left_s:.0f} s")

    def wait_s(self, now: float) -> float:
        """How long even an accepted password must wait, 0: it may go to the front."""
        address_s = self._address.wait_s(now) if self._address else 0.0
        return max(0.0, self._memory.locked_until - now, address_s)

    def accepted(self, password: Secret) -> None:
        memory = self._memory
        digest = self._hash(password)
        refused = [old for old in memory.refused if old != digest]
        new = _Memory(salt=memory.salt, accepted=digest, refused=refused)
        if new != memory:
            self._memory = new
            self._write()

    def refused(self, password: Secret | None, error: int, now: float) -> None:
        """The front's answer to a login; ``password`` is None when something else may have been
        wrong as well, such as a captcha."""
        memory = self._memory
        if error in OF_ADDRESS and self._address is not None:
            self._address.refused(None, error, now)
        elif error in LOCKED:
            memory.locked, memory.locked_until = error, now + self._locked_s
            self._write()
        elif error == WRONG_PASSWORD:
            memory.in_a_row, memory.last = memory.in_a_row + 1, now
            digest = self._hash(password) if password is not None else ""
            if digest and digest == memory.accepted:
                memory.doubted = True
            elif digest:
                memory.refused = [*memory.refused, digest][-_KEPT:]
            self._write()

    def _lock(self, now: float) -> Refused | None:
        locked, left_s = self._memory.locked, self._memory.locked_until - now
        if left_s <= 0:
            return None
        return Refused(locked, text_of(locked), f"no login is tried for another {left_s:.0f} s")

    def _hash(self, password: Secret) -> str:
        """12 ms, so only for logins that would go to the front."""
        if self._hashed is not None and same(password, self._hashed[0]):
            return self._hashed[1]
        text = f"{self._place}\0{password.reveal()}".encode()
        salt = base64.b64decode(self._memory.salt)
        digest = base64.b64encode(hashlib.scrypt(text, salt=salt, n=1 << 12, r=8, p=1)).decode()
        self._hashed = password, digest
        return digest

    def _write(self) -> None:
        """A full disk must not keep anybody out; then it is remembered until the end only."""
        new = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(self._memory))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._file)
        except OSError as exc:
            log.error("guard not written", extra={"fields": {"error": str(exc)}})


def _read(file: Path) -> _Memory | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Memory)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        log.error("guard not read", extra={"fields": {"error": str(exc)}})
        return None
