"""Orders of which nobody knows whether the counter has them. No I/O.

They are looked for in the counter's list, every few seconds. One is taken for never sent only when
a list that was begun ``unsent_s`` after the loss of the connection that may have carried it does
not name it: a front cuts a silent session after 120 s, and until then bytes of it may still be
under way. While its connection stands it may wait in a queue of the front, so it stays unknown.
So it does when the counter lists an order that nobody here knows and that looks like it: a restart
of the counter that clears its flows takes all our names away where there is no OrderMemo (before
6.7.7). And so it does when the list lacks an order that an exchange has numbered: a counter that
has lost that one, or has not yet got it back from the exchange, may have lost this one too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from bus.errors import Refused
from bus.orders import OrderState
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .numbers import error_id
from .orders.book import Book
from .orders.record import UNRESOLVED, Record
from .queries.query import OnFailed, OnRow

log = logging.getLogger("td_worker")

_EVERY_S: Final = 5.0
_Query = tuple[str, str]  # method and investor
_CONTENT: Final = ("InstrumentID", "Direction", "LimitPrice", "VolumeTotalOriginal", "Volume")


Number = tuple[str, str]  # ExchangeID and OrderSysID, or QuoteSysID …


def doubtful(book: Book) -> list[Record]:
    """Those that have waited for an answer in vain, or were found without one."""
    return [record for record in book.unresolved() if record.state is not OrderState.SENT]


class Unresolved:
    """One account's. Times are seconds of one clock that the caller chooses.

    ``ask(method, investor, on_row, on_failed)`` starts a query of everything of an investor;
    ``learn`` takes its rows and gives them back with the identities of clients.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        unsent_s: float,
        *,
        ask: Callable[[str, str, OnRow, OnFailed], None],
        learn: Callable[[Event], Event],
    ) -> None:
        self._catalogue, self._unsent_s = catalogue, unsent_s
        self._ask, self._learn = ask, learn
        self._book: Book | None = None
        self._lost_at: dict[int, float] = {}  # by the number of the record
        self._asked: set[_Query] = set()  # and not answered yet
        self._next = 0.0

    def opened(self, book: Book, now: float) -> None:
        """The book of a day; what is open in it was sent by an earlier process, if at all."""
        self._book, self._lost_at = book, {}
        self.lost(now)

    def lost(self, now: float) -> None:
        """A connection ended."""
        if self._book is not None:
            for record in self._book.unresolved():
                self._lost_at.setdefault(record.number, now)
        self._next = 0.0

    def poll(self, now: float) -> None:
        """Look for them, if it is time; only while the session is ready."""
        if self._book is None or now < self._next:
            return
        records = doubtful(self._book)
        kept = {record.number for record in self._book.unresolved()}
        self._lost_at = {number: at for number, at in self._lost_at.items() if number in kept}
        queries: dict[_Query, list[Record]] = {}
        for record in records:
            if (query := self._query(record)) is not None:
                queries.setdefault(query, []).append(record)
        self._next = self._due(records, now)
        for query, wanted in queries.items():
            if query in self._asked:
                continue  # a slow counter gets no second question before it has answered the first
            method, investor = query
            old = [record for record in wanted if self._unsent_at(record) <= now]
            learn = partial(self._on_row, self._book, method, old, set())
            self._asked.add(query)
            on_row = partial(self._on_answer, query, learn)
            self._ask(method, investor, on_row, partial(self._on_failed, query))

    # -- inside ------------------------------------------------------------------------------

    def _query(self, record: Record) -> _Query | None:
        """By which query, and of which investor, it would be listed."""
        requests = self._catalogue.td.requests
        inserted = requests[record.method]
        method = record.method.replace("Req", "ReqQry", 1).removesuffix("Insert")
        if method not in requests:
            return None
        investor = self._catalogue.codec(inserted.struct).get(record.body, "InvestorID")
        return method, str(investor)

    def _unsent_at(self, record: Record) -> float:
        return self._lost_at.get(record.number, float("inf")) + self._unsent_s

    def _due(self, records: Iterable[Record], now: float) -> float:
        dues = [due for record in records if (due := self._unsent_at(record)) > now]
        return min([now + _EVERY_S, *dues])

    def _on_answer(self, query: _Query, learn: OnRow, event: Event, last: bool) -> None:
        if last:
            self._asked.discard(query)
        learn(event, last)

    def _on_failed(self, query: _Query, _: Refused) -> None:
        """The next look comes by itself."""
        self._asked.discard(query)

    def _on_row(
        self,
        book: Book,
        method: str,
        old: list[Record],
        listed: set[Number],
        event: Event,
        last: bool,
    ) -> None:
        if book is not self._book or error_id(self._catalogue, event) or _is_error(event):
            return
        shown = self._learn(event)
        if shown.field is not None and shown.field == event.field:  # an order of somebody else
            old[:] = [record for record in old if not self._resembles(record, event)]
        self._note(event, listed)
        if not last or (old and self._lacks(book, method, old[0], listed)):
            return
        for record in old:
            if record.state in UNRESOLVED:
                fields = {"order_id": record.order_id, "method": record.method}
                log.warning("an order never reached the counter", extra={"fields": fields})
                book.unsent(record)

    def _note(self, event: Event, listed: set[Number]) -> None:
        """Remember a row by what its exchange calls it."""
        struct = self._catalogue.td.callbacks[event.name].struct
        if event.field is None or struct is None:
            return
        codec = self._catalogue.codec(struct)
        if (name := f"{struct}SysID") in codec.order:
            number = str(codec.get(event.field, name)).strip()
            listed.add((str(codec.get(event.field, "ExchangeID")), number))

    def _lacks(self, book: Book, method: str, asked: Record, listed: set[Number]) -> bool:
        """Whether the list is without an order that belongs in it."""
        lost = [
            record
            for record in book.numbered(asked.method)
            if _number(record) not in listed and self._query(record) == self._query(asked)
        ]
        if lost:
            fields = {"query": method, "orders": len(lost), "first": lost[0].order_id}
            log.error("the counter lists less than it had", extra={"fields": fields})
        return bool(lost)

    def _resembles(self, record: Record, event: Event) -> bool:
        """Whether a row could be this order under names that are new to us."""
        struct = self._catalogue.td.callbacks[event.name].struct
        if record.memo or event.field is None or struct is None:
            return False
        inserted = self._catalogue.codec(self._catalogue.td.requests[record.method].struct)
        listed = self._catalogue.codec(struct)
        names = [name for name in _CONTENT if name in inserted.order and name in listed.order]
        return all(
            inserted.get(record.body, name) == listed.get(event.field, name) for name in names
        )


def _number(record: Record) -> Number:
    return record.exchange_id.decode(), record.order_sys_id.decode().strip()


def _is_error(event: Event) -> bool:
    return event.name == "OnRspError"
