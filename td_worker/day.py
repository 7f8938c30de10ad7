"""The book of orders of a trading day."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from schemas.catalogue import Catalogue

from .orders.book import Book
from .orders.elsewhere import Elsewhere
from .orders.store import Store, StoreError

log = logging.getLogger("td_worker")


class Opened(NamedTuple):
    """``problem`` says why nothing can be recorded; then no order may be sent."""

    book: Book
    problem: str


def open_book(
    catalogue: Catalogue,
    folder: Path,
    day: str,
    keep_days: int,
    slot: int = 0,
    elsewhere: Elsewhere | None = None,
) -> Opened:
    """The book of ``day`` in ``folder``, where the files of ``keep_days`` days stay. With a file
    that cannot be used the book is in the memory: cancels, queries and returns go on."""
    slots = elsewhere or Elsewhere(folder)
    try:
        store = Store(folder / f"{int(day):08}.db")
        _remove_old(folder, keep_days)  # before the book looks at what there is
        book = Book(
            catalogue, store, day, slot=slot, elsewhere=lambda query: slots.find(folder, query)
        )
    except (StoreError, ValueError) as exc:
        log.critical("orders cannot be recorded", extra={"fields": {"error": str(exc)}})
        return Opened(Book(catalogue, Store(None), day), "the records of the day cannot be used")
    slots.opened(folder, book)
    return Opened(book, "")


def _remove_old(folder: Path, keep_days: int) -> None:
    """Never raises: a file too many does no harm, a login that goes no further does."""
    try:
        for path in sorted(folder.glob("*.db"))[:-keep_days]:
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
    except OSError as exc:
        log.error("old records are not removed", extra={"fields": {"error": str(exc)}})
