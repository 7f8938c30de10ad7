"""What the slots of an account have on record. A client with a session of his own who comes again
may be given another slot, and the id of an order must not make a second one there."""

from __future__ import annotations

from pathlib import Path

from bus.orders import OutcomeQuery

from .book import Book
from .intents import parse_order_id
from .record import Record
from .store import EARLIER_DAYS, Earlier


class Elsewhere:
    """All slots of one account; each is named by the folder of its records."""

    def __init__(self, folder: Path) -> None:
        self._folders = {folder / "orders", *folder.glob("slots/*/orders")}
        self._books: dict[Path, Book] = {}
        self._closed: dict[Path, _Closed] = {}

    def opened(self, folder: Path, book: Book) -> None:
        """A slot writes in this book from now on."""
        self._folders.add(folder)
        self._books[folder] = book

    def closed(self, folder: Path) -> None:
        """What a slot has on record lies in its folder."""
        self._books.pop(folder, None)
        self._closed.pop(folder, None)

    def find(self, asking: Path, query: OutcomeQuery) -> Record | None:
        """In the folders other than ``asking``; by (session_id, order_ref) only where a book is
        open. Raises StoreError."""
        for folder in self._folders:
            if folder != asking and (record := self._find(folder, query)) is not None:
                return record
        return None

    def _find(self, folder: Path, query: OutcomeQuery) -> Record | None:
        if folder in self._books:
            return self._books[folder].find_own(query)
        if folder not in self._closed:
            self._closed[folder] = _Closed(folder)
        return self._closed[folder].find(query)


class _Closed:
    """The latest days of a slot in which nobody is. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.glob("*.db") if path.stem.isdigit())
        self._days = {path.stem: Earlier(path) for path in paths[-EARLIER_DAYS - 1 :]}
        self._ids = {
            client_order_id: (day, number)
            for day, earlier in self._days.items()
            for client_order_id, number in earlier.client_order_ids().items()
        }

    def find(self, query: OutcomeQuery) -> Record | None:
        if query.client_order_id:
            found = self._ids.get(query.client_order_id)
            return self._days[found[0]].record(found[1]) if found else None
        day, number = parse_order_id(query.order_id)
        record = self._days[day].record(number) if day in self._days else None
        return record if record is not None and record.order_id == query.order_id else None
