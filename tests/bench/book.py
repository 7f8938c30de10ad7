"""What the book costs: python -m tests.bench.book FOLDER

FOLDER is where the store's file goes (a disk, not a tmpfs). Prints microseconds, medians of five
rounds: an intent with its commit by the wall clock, and without it, and each kind of return.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import schemas.catalogue
from bus.rpc import Call
from schemas.codec import Value
from schemas.counter import Event
from td_worker.orders.book import Book
from td_worker.orders.record import Record, Ticket
from td_worker.orders.store import Store

_ROUNDS: Final = 5
_ORDERS: Final = 2000
_CATALOGUE: Final = schemas.catalogue.load()


class NoStore(Store):
    """Without the disk."""

    def insert(self, records: list[Record]) -> None:
        return


def body() -> bytes:
    values: dict[str, Value] = {
        "ExchangeID": "SHFE",
        "InstrumentID": "rb2501",
        "VolumeTotalOriginal": 2,
    }
    return _CATALOGUE.codec("InputOrder").pack(values)


def intend(book: Book) -> list[Ticket]:
    session, raw = book.new_session(), body()
    tickets = []
    for number in range(_ORDERS):
        ticket = book.intend(Call(1, "ReqOrderInsert", 0, body=raw), session, number)
        book.handed(ticket.record, 0)
        tickets.append(ticket)
    return tickets


def states(tickets: list[Ticket], status: str, traded: int) -> list[Event]:
    unpack, pack = _CATALOGUE.codec("InputOrder").unpack, _CATALOGUE.codec("Order").pack
    return [
        _event(
            "OnRtnOrder",
            pack(
                {
                    **unpack(ticket.body),
                    **_numbers(ticket, status),
                    "FrontID": 1,
                    "SessionID": 2,
                    "OrderStatus": status,
                    "VolumeTraded": traded,
                }
            ),
        )
        for ticket in tickets
    ]


def trades(tickets: list[Ticket]) -> list[Event]:
    pack = _CATALOGUE.codec("Trade").pack
    return [
        _event("OnRtnTrade", pack({"ExchangeID": "SHFE", **_numbers(ticket, "3")}))
        for ticket in tickets
    ]


def _numbers(ticket: Ticket, status: str) -> dict[str, Value]:
    sys_id = "" if status == "a" else f"{ticket.record.number:>12}"
    return {"TraderID": "t", "OrderLocalID": f"{ticket.record.number:>12}", "OrderSysID": sys_id}


def _event(name: str, raw: bytes) -> Event:
    return Event(name, raw, None, 0, False, 0, 0)


def deliver(book: Book, events: list[Event]) -> None:
    for event in events:
        book.returned(event, 0.0)


def timed(what: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Microseconds an order, of this process's own time so that others do not count."""
    begin = clock()
    what()
    return (clock() - begin) / _ORDERS * 1e6


def round_trip(folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    tickets: list[Ticket] = []
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        book = Book(_CATALOGUE, Store(Path(scratch) / "20241108.db"), "20241108")
        book.login(1, 2, "0")
        wall = timed(lambda: intend(book), time.perf_counter)
        found["intend and handed, with the commit"] = wall
        book.close()
        book = Book(_CATALOGUE, NoStore(Path(scratch) / "20241109.db"), "20241109")
        book.login(1, 2, "0")
        found["intend and handed, without the commit"] = timed(lambda: tickets.extend(intend(book)))
        returns = {
            "returned, OnRtnOrder 'a'": states(tickets, "a", 0),
            "returned, OnRtnOrder '3'": states(tickets, "3", 0),
            "returned, OnRtnOrder '0'": states(tickets, "0", 2),
            "returned, OnRtnOrder stale": states(tickets, "3", 0),
            "returned, OnRtnTrade": trades(tickets),
        }
        for name, events in returns.items():
            found[name] = timed(partial(deliver, book, events))
        found["flush, an order"] = timed(lambda: book.flush(0.0))
        book.close()
    return found


def main(folder: Path) -> None:
    rounds = [round_trip(folder) for _ in range(_ROUNDS)]
    for name in rounds[0]:
        print(f"{name:40} {statistics.median(each[name] for each in rounds):8.1f} us")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
