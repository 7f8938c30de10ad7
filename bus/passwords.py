"""Passwords of client accounts: argon2id, checked in one thread."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from .errors import BusError
from .secrets import Secret
from .tries import network

if TYPE_CHECKING:
    from .users import User, Users

# 19 MiB, 2 passes, 1 lane: a check takes about 20 ms.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_LONGEST: Final = 1024  # bytes
_MOST_WAITING: Final = 256  # 5 s of checks


class TooManyChecks(BusError):
    """So many passwords wait already that no more is taken."""


def hash_of(password: Secret) -> str:
    """Takes as long as a check. Raises ValueError."""
    text = _bytes(password)
    if not text:
        raise ValueError("the password is empty")
    if len(text) > _LONGEST:
        raise ValueError(f"the password is longer than {_LONGEST} bytes")
    return _HASHER.hash(text)


def matches(hashed: str, password: Secret) -> bool:
    """False, too, for what is no hash of this kind. The time depends on nothing of either."""
    text = _bytes(password)
    with suppress(Argon2Error, InvalidHashError):
        return _HASHER.verify(hashed, text[:_LONGEST]) and len(text) <= _LONGEST
    return False


def _bytes(password: Secret) -> bytes:
    # JSON may hold half of a surrogate pair.
    return password.reveal().encode("utf-8", "surrogatepass")


class Checker:
    """Checks logins against ``users``, one after the other in a thread of its own: a flood of them
    takes one core and the memory of one check, and the event loop goes on."""

    def __init__(self, users: Users, most_waiting: int = _MOST_WAITING) -> None:
        self._users, self._most_waiting = users, most_waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        # For names that there are not: these take the time of those that there are.
        self._nobody = hash_of(Secret(secrets.token_hex()))
        self.waiting = 0

    async def check(self, name: str, password: Secret, peer: str = "") -> User | None:
        """The account when it is enabled and the password is its own, which is noted with the
        client's address ``peer``. Raises TooManyChecks, and
        UsersError when the file cannot be read."""
        if self.waiting >= self._most_waiting:
            raise TooManyChecks("too many logins at once")
        self.waiting += 1
        done = self._thread.submit(self._check, name, password, network(peer))
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(self._one_less))
        loop = asyncio.get_running_loop()
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Those that wait are given up."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _one_less(self) -> None:
        self.waiting -= 1

    def _check(self, name: str, password: Secret, peer: str) -> User | None:
        found = self._users.with_hash(name)
        user, hashed = found or (None, self._nobody)
        right = matches(hashed, password)
        if user is None or not right or not user.enabled:
            return None
        self._users.entered(user, peer)
        return user
