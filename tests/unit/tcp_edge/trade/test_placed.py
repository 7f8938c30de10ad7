"""Orders of clients on the disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from tcp_edge.trade.orders.placed import KEPT_DAYS, Store
from tests.unit.tcp_edge.trade.makers import DAY, placed


def test_what_was_put_is_there_again(tmp_path: Path) -> None:
    store = Store(tmp_path, DAY)
    store.put(placed("1"))
    store.put(placed("2", own="mine"))
    store.close()
    store = Store(tmp_path, DAY)
    assert store.all() == [placed("1"), placed("2", own="mine")]
    store.drop(placed("1").order_xtp_id)
    assert store.all() == [placed("2", own="mine")]
    store.close()


def test_a_users_own_id_is_there_once(tmp_path: Path) -> None:
    store = Store(tmp_path, DAY)
    store.put(placed("1", own="mine"))
    with pytest.raises(sqlite3.IntegrityError):
        store.put(placed("2", own="mine"))
    store.put(placed("3", own="mine", user="bert"))
    store.put(placed("4"))
    store.put(placed("5"))
    store.close()


def test_earlier_days_are_removed_one_by_one(tmp_path: Path) -> None:
    for day in range(1, 10):
        Store(tmp_path, f"2026110{day}").close()
    kept = sorted(file.stem for file in tmp_path.glob("*.db"))
    assert kept == [f"2026110{day}" for day in range(9 - KEPT_DAYS, 10)]


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    Store(tmp_path / "x", DAY).close()
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "x" / f"{DAY}.db").stat().st_mode & 0o777 == 0o600


def test_it_may_be_closed_while_a_thread_works_with_it(tmp_path: Path) -> None:
    for _ in range(20):
        store = Store(tmp_path, DAY)

        def work(store: Store = store) -> None:
            with contextlib.suppress(sqlite3.ProgrammingError):
                while True:
                    store.all()
                    store.drop(1)

        thread = threading.Thread(target=work)
        thread.start()
        store.close()
        thread.join(10)
        assert not thread.is_alive()
