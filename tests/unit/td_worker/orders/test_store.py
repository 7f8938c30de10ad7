"""The file of the records: durable, honest about a full disk, and about files of others."""

from __future__ import annotations

import resource
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from bus.errors import Refused
from bus.orders import OrderState, OutcomeQuery
from td_worker.orders.book import Book
from td_worker.orders.record import Duplicate
from td_worker.orders.store import Store, StoreError

from . import desk
from .desk import CATALOGUE, FRONT, SESSION, order, order_state


def on_disk(folder: Path, day: str = "20241108") -> Book:
    book = Book(CATALOGUE, Store(folder / f"{day}.db"), day)
    book.login(FRONT, SESSION, "")
    return book


def test_an_intent_is_in_the_file_before_anything_else(tmp_path: Path) -> None:
    book = on_disk(tmp_path)
    order(book, book.new_session(), "1", "id-1")
    other = sqlite3.connect(tmp_path / "20241108.db")
    assert other.execute("SELECT client_order_id, state FROM orders").fetchall() == [
        ("id-1", "INTENT")
    ]
    assert book._store._db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    assert book._store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    book.close()


def test_what_was_flushed_is_there_after_a_kill(tmp_path: Path) -> None:
    book = on_disk(tmp_path)
    ticket = order(book, book.new_session(), "1")
    book.returned(order_state(ticket, "1", 2), 0.0)
    book.flush(0.0)
    (after,) = on_disk(tmp_path)._records.values()
    assert (after.state, after.volume_traded) == (OrderState.ACK, 2)
    assert after.order_sys_id == ticket.record.order_sys_id
    assert book._store._db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL again"


def test_ids_of_the_days_before_are_used(tmp_path: Path) -> None:
    before = on_disk(tmp_path, "20241107")
    ticket = order(before, before.new_session(), "1", "id-1")
    before.close()
    for day in range(10, 14):
        on_disk(tmp_path, f"202411{day}").close()
    book = on_disk(tmp_path, "20241114")
    with pytest.raises(Duplicate) as again:
        order(book, book.new_session(), "1", "id-1")
    assert again.value.record.order_id == ticket.record.order_id == "20241107-1"
    found = book.find(OutcomeQuery(order_id="20241107-1"))
    assert found is not None
    assert book.outcome(found).client_order_id == "id-1"
    book.close()
    later = on_disk(tmp_path, "20241115")
    assert order(later, later.new_session(), "1", "id-1").record.number == 1
    later.close()


def test_a_full_disk_refuses_orders_and_lets_cancels_go_on(tmp_path: Path) -> None:
    book = on_disk(tmp_path)
    client = book.new_session()
    order(book, client, "1")
    database = book._store._db
    database.execute("PRAGMA max_page_count=1")  # SQLite's own "database or disk is full"
    with pytest.raises(Refused, match=r"recorded.*full.*nothing was sent") as error:
        for number in range(2, 100):
            order(book, client, str(number), f"id-{number}")
    lost = len(book.unresolved()) + 1
    assert error.value.error_id == -1
    body = desk.call("ReqOrderAction", FrontID=FRONT, SessionID=client, OrderRef="1")
    assert book.action(body, client, 5)
    database.execute("PRAGMA max_page_count=1000000")
    order(book, client, str(lost), f"id-{lost}")  # both are free: nothing was on record
    book.close()


def test_a_file_that_may_not_grow_refuses_orders(tmp_path: Path) -> None:
    book = on_disk(tmp_path)
    client = book.new_session()
    size = (tmp_path / "20241108.db-wal").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, limits[1]))
    try:
        with pytest.raises(Refused, match="nothing was sent"):
            for _ in range(100):
                order(book, client)
        ticket = book.unresolved()[-1]
        book.disconnected()
        book.flush(0.0)
        assert book.stats.unflushed == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    book.flush(2.0)
    assert ticket.state is OrderState.UNKNOWN
    sent = order(book, client).record
    book.close()
    after = on_disk(tmp_path)
    assert after._records[sent.number].issued == sent.issued
    assert after._records[ticket.number].state is OrderState.UNKNOWN
    assert len(after.unresolved()) == len(book.unresolved())
    after.close()


def test_files_of_others_are_not_touched(tmp_path: Path) -> None:
    foreign = tmp_path / "20241108.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE orders(x)")
    db.close()
    with pytest.raises(StoreError, match=r"20241108\.db is no file of orders.*move it away"):
        Store(foreign)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\0" * 5000])
def test_a_corrupt_file_is_named(tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "20241108.db"
    broken.write_bytes(content)
    with pytest.raises(StoreError, match=r"20241108\.db"):
        Store(broken)


def test_damage_inside_is_found(tmp_path: Path) -> None:
    book = on_disk(tmp_path)
    client = book.new_session()
    for _ in range(50):
        order(book, client)
    book.close()
    path = tmp_path / "20241108.db"
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xaa" * 4096
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"20241108\.db"):
        on_disk(tmp_path)
    with pytest.raises(StoreError, match=r"20241108\.db"):
        on_disk(tmp_path, "20241109")


def test_two_stores_number_differently() -> None:
    one, two = desk.new_book(Store(None)), desk.new_book(Store(None))
    first = order(one, one.new_session()).record
    second = order(two, two.new_session()).record
    assert first.issued == second.issued
    assert (first.memo, first.request) != (second.memo, second.request)


def test_any_thread_may_collect_a_store_that_nobody_closed() -> None:
    """A time when Python collects garbage is not of our choosing."""
    stores = [Store(None)]
    failures: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, failures.append
    try:
        collector = threading.Thread(target=stores.clear)
        collector.start()
        collector.join()
    finally:
        sys.unraisablehook = hook
    assert failures == []
