"""The book of a day in a folder that is not as it should be."""

from __future__ import annotations

from pathlib import Path

import pytest

import schemas.catalogue
from bus.orders import OutcomeQuery
from bus.rpc import Call
from td_worker.day import open_book
from td_worker.orders.book import Book
from td_worker.orders.elsewhere import Elsewhere
from td_worker.orders.record import Duplicate

from .orders.desk import order

CATALOGUE = schemas.catalogue.load()
DAY = "20261122"


def test_without_a_folder_the_login_goes_on_and_orders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "orders").write_text("no folder")
    opened = open_book(CATALOGUE, tmp_path / "orders", DAY, 10)
    assert opened.problem
    assert opened.book.day == DAY
    opened.book.close()


def test_an_old_file_that_cannot_be_removed_stops_nothing(tmp_path: Path) -> None:
    for day in range(1, 32):
        (tmp_path / f"202607{day:02}.db-wal").mkdir()  # unlink refuses a folder
        (tmp_path / f"202607{day:02}.db").write_bytes(b"")
    for day in range(26, 32):  # of the days that count, none may be unreadable
        (tmp_path / f"202607{day:02}.db").unlink()
        open_book(CATALOGUE, tmp_path, f"202608{day:02}", 100).book.close()
    opened = open_book(CATALOGUE, tmp_path, DAY, 10)
    assert not opened.problem
    opened.book.close()


def test_an_id_of_a_day_that_is_not_kept_is_unknown_and_brings_no_file_back(tmp_path: Path) -> None:
    for day in ("20261118", "20261119", "20261120"):
        book = open_book(CATALOGUE, tmp_path, day, 100).book
        order(book, book.new_session(), client_order_id=f"of {day}")
        book.close()
    book = open_book(CATALOGUE, tmp_path, DAY, 2).book
    assert book.find(OutcomeQuery(client_order_id="of 20261120")) is not None
    assert book.find(OutcomeQuery(client_order_id="of 20261118")) is None
    book.close()
    assert [path.stem for path in sorted(tmp_path.glob("*.db"))] == ["20261120", DAY]
    opened = open_book(CATALOGUE, tmp_path, "20261123", 2)
    assert not opened.problem
    opened.book.close()


def test_an_id_of_a_slot_in_which_nobody_is_counts_after_a_restart(tmp_path: Path) -> None:
    def opened(slot: int, elsewhere: Elsewhere) -> Book:
        folder = tmp_path / "slots" / str(slot) / "orders"
        return open_book(CATALOGUE, folder, DAY, 10, slot, elsewhere).book

    first = opened(2, Elsewhere(tmp_path))
    sent = order(first, first.new_session(), client_order_id="mine").record
    first.close()
    after = opened(1, Elsewhere(tmp_path))
    with pytest.raises(Duplicate) as found:
        again = Call(1, "ReqOrderInsert", 0, body=sent.body, client_order_id="mine")
        after.intend(again, after.new_session(), 1)
    assert found.value.record.order_id == sent.order_id == f"{DAY}.2-1"
    assert after.find(OutcomeQuery(order_id=f"{DAY}.2-1")) is not None
    assert after.find(OutcomeQuery(order_id=f"{DAY}.1-1")) is None
    after.close()
