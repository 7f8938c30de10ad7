"""Orders of clients, kept on the disk before they are sent.

The counter and td_worker give back neither order_client_id nor price_type, and a gateway that dies
behind the call must know afterwards which orders are its clients'.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

KEPT_DAYS: Final = 5

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS placed (
    order_xtp_id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    own TEXT NOT NULL,
    record BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS own ON placed (user, own) WHERE own != '';
CREATE TABLE IF NOT EXISTS refused_cancels (record BLOB NOT NULL);
"""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One order.

    user, own   who placed it, and his ``client_order_id``, "" without one; ``digest`` is of what he
                asked for
    name        its client_order_id at td_worker, which never sends two of one name
    front_id, session_id, order_ref   the virtual identity, under which every viewer sees it
    fields      of CTP's InputOrder
    placed_ns   Unix time
    """

    order_xtp_id: int
    reqid: int
    user: str
    own: str
    digest: bytes
    name: str
    front_id: int
    session_id: int
    order_ref: str
    order_client_id: int
    price_type: int
    business_type: int
    fields: dict[str, Any]
    placed_ns: int


class RefusedCancel(msgspec.Struct, frozen=True, kw_only=True):
    """That a counter has not taken a cancel, and has told nobody but who asked: no return repeats
    it. ``action_ref``: CTP's OrderActionRef. ``at_ns``: when it was listed, Unix time."""

    order_xtp_id: int
    action_ref: int
    error_id: int
    error_msg: str
    at_ns: int


class Store:
    """Those of one account and trading day, a file each; older files are removed. For any thread,
    also while another one closes it. Raises sqlite3.Error and OSError."""

    def __init__(self, folder: Path, day: str) -> None:
        self.day = day
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(folder, day)
        # SQLite reads freed memory when a connection is closed while a thread works with it.
        self._lock = threading.Lock()
        file = folder / f"{day}.db"
        file.touch(0o600)
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_TABLE)
        except sqlite3.Error:
            self._database.close()
            raise

    def put(self, placed: Placed) -> None:
        """On the disk when this returns. Raises sqlite3.IntegrityError for an ``own`` that the user
        has used already."""
        row = (placed.order_xtp_id, placed.user, placed.own, msgspec.msgpack.encode(placed))
        with self._lock:
            self._database.execute("INSERT INTO placed VALUES (?, ?, ?, ?)", row)

    def drop(self, order_xtp_id: int) -> None:
        """It was not sent."""
        with self._lock:
            self._database.execute("DELETE FROM placed WHERE order_xtp_id = ?", (order_xtp_id,))

    def all(self) -> list[Placed]:
        with self._lock:
            rows = self._database.execute("SELECT record FROM placed").fetchall()
        placed = [msgspec.msgpack.decode(record, type=Placed) for (record,) in rows]
        return sorted(placed, key=lambda each: each.placed_ns)

    def put_refusal(self, refusal: RefusedCancel) -> None:
        with self._lock:
            row = (msgspec.msgpack.encode(refusal),)
            self._database.execute("INSERT INTO refused_cancels VALUES (?)", row)

    def refusals(self) -> list[RefusedCancel]:
        with self._lock:
            rows = self._database.execute("SELECT record FROM refused_cancels").fetchall()
        found = [msgspec.msgpack.decode(record, type=RefusedCancel) for (record,) in rows]
        return sorted(found, key=lambda each: each.at_ns)

    def close(self) -> None:
        with self._lock:
            self._database.close()


def _prune(folder: Path, day: str) -> None:
    earlier = sorted(file for file in folder.glob("????????.db") if file.stem < day)
    for file in earlier[: max(0, len(earlier) - KEPT_DAYS)]:
        for part in folder.glob(f"{file.name}*"):
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
