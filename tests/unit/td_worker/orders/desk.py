"""A book with a client's and a counter's hand on it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final

import schemas.catalogue
from bus.rpc import Call
from schemas.codec import Value
from schemas.counter import Event
from td_worker.orders.book import Book
from td_worker.orders.record import Ticket
from td_worker.orders.store import Store

CATALOGUE: Final = schemas.catalogue.load()
DAY: Final = "20241108"
FRONT, SESSION = 1, -77
OTHER: Final = 4242  # the SessionID of a program that is not behind us

_numbers = count(1)


def fields(struct: str, raw: bytes | None) -> dict[str, Value]:
    assert raw is not None
    return CATALOGUE.codec(struct).unpack(raw)


def pack(struct: str, **values: Value) -> bytes:
    return CATALOGUE.codec(struct).pack(values)


def new_book(store: Store | None = None, front: int = FRONT, session: int = SESSION) -> Book:
    book = Book(CATALOGUE, store or Store(None), DAY)
    book.login(front, session, "5")
    return book


def call(method: str, client_order_id: str = "", **values: Value) -> Call:
    struct = CATALOGUE.td.requests[method].struct
    return Call(1, method, 0, body=pack(struct, **values), client_order_id=client_order_id)


def order(
    book: Book, session: int, ref: str = "", client_order_id: str = "", **more: Value
) -> Ticket:
    """An order of five lots that the API has taken."""
    values: dict[str, Value] = {
        "BrokerID": "9999",
        "InvestorID": "u1",
        "UserID": "u1",
        "ExchangeID": "SHFE",
        "InstrumentID": "rb2501",
        "OrderRef": ref,
        "Direction": "0",
        "LimitPrice": 3000.0,
        "VolumeTotalOriginal": 5,
        **more,
    }
    ticket = book.intend(call("ReqOrderInsert", client_order_id, **values), session, next(_numbers))
    book.handed(ticket.record, 0)
    return ticket


def order_state(ticket: Ticket, status: str, traded: int = 0, **more: Value) -> Event:
    """OnRtnOrder as the counter tells of it."""
    values = {
        **fields("InputOrder", ticket.body),
        "FrontID": FRONT,
        "SessionID": SESSION,
        "OrderStatus": status,
        "OrderSubmitStatus": "3",
        "VolumeTraded": traded,
        "TraderID": "t1",
        "OrderLocalID": f"{ticket.record.number:>12}",
        "OrderSysID": "" if status == "a" else f"{ticket.record.number + 500:>12}",
        **more,
    }
    return event("OnRtnOrder", values)


def trade(ticket: Ticket, trade_id: str = "1", **more: Value) -> Event:
    sent = fields("InputOrder", ticket.body)
    values = {
        "OrderRef": sent["OrderRef"],
        "ExchangeID": "SHFE",
        "TraderID": "t1",
        "OrderLocalID": f"{ticket.record.number:>12}",
        "OrderSysID": f"{ticket.record.number + 500:>12}",
        "TradeID": trade_id,
        "Volume": 1,
        **more,
    }
    return event("OnRtnTrade", values)


def event(name: str, values: Mapping[str, Value], error: int = 0, request_id: int = 0) -> Event:
    struct = CATALOGUE.td.callbacks[name].struct
    raw = CATALOGUE.codec(struct).pack(values) if struct else None
    info = pack("RspInfo", ErrorID=error, ErrorMsg=f"CTP:{error}") if error else None
    return Event(name, raw, info, request_id, True, 0, 1)


def identity(shown: Event) -> tuple[Value, Value, Value]:
    """FrontID, SessionID and OrderRef; None where the struct has them not."""
    values = fields(str(CATALOGUE.td.callbacks[shown.name].struct), shown.field)
    return values.get("FrontID"), values.get("SessionID"), values.get("OrderRef")
