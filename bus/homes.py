"""From where users have logged in before, in any process of the machine: see ``bus.tries``."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from .errors import BusError
from .tries import network
from .users import connect, has_entered


class Homes:
    """By the file of users at ``path``. For one thread; a question costs some microseconds. What
    cannot be read now is not known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = -1

    def knows(self, peer: str, user: str) -> bool:
        try:
            return has_entered(self._opened(), user, network(peer))
        except (sqlite3.Error, BusError, OSError):
            self.close()
            return False

    def close(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _opened(self) -> sqlite3.Connection:
        inode = self._path.stat().st_ino
        if self._db is None or inode != self._inode:
            self.close()
            self._db, self._inode = connect(self._path), inode
        return self._db
