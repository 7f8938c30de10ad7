"""The records of one account and trading day on the disk, and those of the days before."""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Final

from bus.errors import BusError, request_failed
from bus.orders import OrderState

from .record import Record

log = logging.getLogger("td_worker")

EARLIER_DAYS: Final = 5  # of which a client_order_id counts too
_APPLICATION: Final = 0x6F726473  # "ords"
_VERSION: Final = 1
_COLUMNS: Final = tuple(field.name for field in fields(Record))
_FIXED: Final = _COLUMNS.index("front_id")  # of these never change; the rest is written in batches
_PRIMARY: Final = "number INTEGER PRIMARY KEY"
_TABLE: Final = f"CREATE TABLE orders({', '.join((_PRIMARY, *_COLUMNS[1:]))})"
_INSERT: Final = f"INSERT INTO orders VALUES({', '.join('?' * len(_COLUMNS))})"
_CHANGES: Final = ", ".join(f"{name}=?" for name in _COLUMNS[_FIXED:])
_UPDATE: Final = f"UPDATE orders SET {_CHANGES} WHERE number=?"
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM orders"
_all = attrgetter(*_COLUMNS)
_changes = attrgetter(*_COLUMNS[_FIXED:], "number")
# A short log is written over, which costs half of what it costs to make it longer.
_CHECKPOINT_ROWS: Final = 100


class StoreError(BusError):
    """A file of records cannot be used; the text names it."""


class Store:
    """One file ``FOLDER/YYYYMMDD.db``. ``salt`` is a random number made with the file: it tells
    apart what two stores call by the same number."""

    def __init__(self, path: Path | None) -> None:
        """None: in memory. Raises StoreError."""
        self._path = path
        with _told(path):
            if path is not None:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = _connect(path)
            # A file that turns out to be none of ours has no book that would close it.
            self._closing = weakref.finalize(self, self._db.close)
            self.salt = self._prepare()
        self._rows = 0  # written since the last checkpoint

    def insert(self, records: list[Record]) -> None:
        """On the disk when this returns. Raises Refused, and then nothing is recorded."""
        try:
            if len(records) == 1:
                self._db.execute(_INSERT, _all(records[0]))
            else:
                with self._transaction():
                    self._db.executemany(_INSERT, map(_all, records))
        except sqlite3.Error as exc:
            fields = {"path": str(self._path), "error": str(exc)}
            log.error("an order was not recorded", extra={"fields": fields})
            detail = f"orders cannot be recorded: {exc}; nothing was sent"
            raise request_failed(detail) from exc
        self._rows += len(records)

    def update(self, records: Iterable[Record]) -> None:
        """In one batch that a power cut may take back. Raises sqlite3.Error."""
        self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._transaction():
                self._rows += self._db.executemany(_UPDATE, map(_changes, records)).rowcount
        finally:
            self._db.execute("PRAGMA synchronous=FULL")
        if self._rows >= _CHECKPOINT_ROWS:
            self._rows = 0
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def load(self) -> list[Record]:
        """All records by number. Raises StoreError."""
        with _told(self._path):
            rows = self._db.execute(f"{_SELECT} ORDER BY number").fetchall()
            return [_record(row) for row in rows]

    def earlier(self) -> list[Earlier]:
        """The days before, the last one first. Raises StoreError."""
        if self._path is None:
            return []
        days = (path for path in self._path.parent.glob("*.db") if path.stem.isdigit())
        before = sorted((path for path in days if path.stem < self._path.stem), reverse=True)
        return [Earlier(path) for path in before[:EARLIER_DAYS]]

    def close(self) -> None:
        self._closing()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _prepare(self) -> int:
        """The salt of the file, which is made when it is new."""
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA wal_autocheckpoint=0")
        if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            with self._transaction():
                self._db.execute(f"PRAGMA application_id={_APPLICATION}")
                self._db.execute(f"PRAGMA user_version={_VERSION}")
                self._db.execute(_TABLE)
                self._db.execute("CREATE TABLE salt(salt INTEGER)")
                self._db.execute("INSERT INTO salt VALUES(?)", (secrets.randbits(31),))
        _check(self._db)
        return int(self._db.execute("SELECT salt FROM salt").fetchone()[0])


class Earlier:
    """The file of an earlier day, opened for each look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.day = path.stem

    def client_order_ids(self) -> dict[str, int]:
        """With the numbers of their records. Raises StoreError."""
        query = "SELECT client_order_id, number FROM orders WHERE client_order_id != ''"
        with _told(self._path), contextlib.closing(_connect(self._path)) as db:
            _check(db)
            return dict(db.execute(query).fetchall())

    def record(self, number: int) -> Record | None:
        """Raises StoreError."""
        with _told(self._path), contextlib.closing(_connect(self._path)) as db:
            row = db.execute(f"{_SELECT} WHERE number=?", (number,)).fetchone()
        return None if row is None else _record(row)


def _connect(path: Path | None) -> sqlite3.Connection:
    # One thread uses it, but whichever thread collects garbage may have to close it.
    return sqlite3.connect(
        path or ":memory:", isolation_level=None, timeout=0, check_same_thread=False
    )


def _check(db: sqlite3.Connection) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if (application, version) != (_APPLICATION, _VERSION):
        raise StoreError("is no file of orders of this version")
    problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise StoreError(f"is corrupt ({problem})")


def _record(row: tuple[object, ...]) -> Record:
    record = Record(*row)  # type: ignore[arg-type]
    record.state = OrderState(record.state)
    return record


@contextlib.contextmanager
def _told(path: Path | None) -> Iterator[None]:
    """Errors with the name of the file and what to do."""
    advice = "move it away to go on without these records"
    try:
        yield
    except StoreError as exc:
        raise StoreError(f"{path} {exc}; {advice}") from None
    except (sqlite3.Error, OSError, ValueError) as exc:
        raise StoreError(f"{path} cannot be used: {exc}; {advice}") from exc
