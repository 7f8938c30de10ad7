"""What becomes of orders without an answer, with a counter's list played by the test."""

from __future__ import annotations

from typing import Any

import pytest

from bus.errors import request_failed
from bus.orders import OrderState
from bus.rpc import Call
from schemas.counter import Event
from td_worker.orders.book import Book
from td_worker.orders.record import Record
from td_worker.orders.store import Store
from td_worker.queries.query import OnFailed, OnRow
from td_worker.unresolved import Unresolved
from tests.unit.td_worker.fakes import CATALOGUE

UNSENT_S = 130.0
ORDER: dict[str, Any] = {
    "InvestorID": "u1",
    "InstrumentID": "rb2610",
    "ExchangeID": "SHFE",
    "Direction": "0",
    "LimitPrice": 3000.0,
    "VolumeTotalOriginal": 1,
}


class Scene:
    """One order whose API call returned 0, and no answer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[tuple[str, str, OnRow, OnFailed]] = []
        self.book = Book(CATALOGUE, Store(None), "20261122")
        self.book.login(1, 7, "0")
        self.record = self.order()
        self.unresolved = Unresolved(
            CATALOGUE, UNSENT_S, ask=lambda *query: self.asked.append(query), learn=self.book.reply
        )
        self.unresolved.opened(self.book, self.now - 10 * UNSENT_S)
        self.unresolved._lost_at.clear()

    def order(self, method: str = "ReqOrderInsert") -> Record:
        request = CATALOGUE.td.requests[method]
        body = CATALOGUE.codec(request.struct).pack(ORDER)
        record = self.book.intend(Call(1, method, 0, body=body), 55, 1).record
        self.book.handed(record, 0)
        return record

    def lose(self) -> None:
        self.book.disconnected()
        self.unresolved.lost(self.now)

    def look(self, later_s: float = 0.0) -> None:
        self.now += later_s
        self.unresolved.poll(self.now)

    def answer(self, *rows: Event) -> None:
        """The last query, in full."""
        _, _, on_row, _ = self.asked[-1]
        for row in rows:
            on_row(row, False)
        on_row(Event("OnRspQryOrder", None, None, 99, True, 0, 0), True)

    def row(self, **values: Any) -> Event:
        """A row about this order."""
        own: dict[str, Any] = {
            **ORDER,
            "FrontID": 1,
            "SessionID": 7,
            "OrderRef": self.record.ref.decode(),
            "OrderMemo": self.record.memo.decode(),
            "RequestID": self.record.request,
            "OrderStatus": "3",
        }
        field = CATALOGUE.codec("Order").pack(own | values)
        return Event("OnRspQryOrder", field, None, 99, False, 0, 0)

    def state(self) -> OrderState:
        return self.record.state


def test_an_order_that_waits_for_its_answer_is_not_looked_for() -> None:
    scene = Scene()
    scene.look()
    assert scene.asked == []


def test_while_the_connection_stands_it_is_looked_for_and_stays_unknown() -> None:
    scene = Scene()
    scene.book.silent(2**62)
    for _ in range(50):
        scene.look(5.0)
        scene.answer()
    assert len(scene.asked) == 50
    assert scene.asked[0][:2] == ("ReqQryOrder", "u1")
    assert scene.state() is OrderState.UNKNOWN


def test_it_is_looked_for_gently() -> None:
    scene = Scene()
    scene.book.silent(2**62)
    for _ in range(120):
        scene.look(0.05)
        if scene.asked:
            scene.answer()
    assert len(scene.asked) == 2


def test_a_slow_counter_is_not_asked_again_before_it_has_answered() -> None:
    """Our questions go before those of all clients, and must not fill the line."""
    scene = Scene()
    scene.book.silent(2**62)
    for _ in range(5):
        scene.look(5.0)
    ((*_, on_failed),) = scene.asked
    on_failed(request_failed("no answer"))
    scene.look(5.0)
    assert len(scene.asked) == 2
    scene.answer()
    scene.look(5.0)
    assert len(scene.asked) == 3


def test_it_was_never_sent_when_a_list_long_after_the_loss_does_not_name_it() -> None:
    scene = Scene()
    scene.lose()
    scene.look(UNSENT_S - 1)
    scene.now += 1
    scene.answer()
    assert scene.state() is OrderState.UNKNOWN, "what counts is when the query began"
    scene.look()
    scene.answer()
    assert scene.state() is OrderState.NOT_SENT


def test_a_second_loss_does_not_begin_the_wait_anew() -> None:
    scene = Scene()
    scene.lose()
    scene.now += UNSENT_S
    scene.lose()
    scene.look()
    scene.answer()
    assert scene.state() is OrderState.NOT_SENT


def test_the_list_may_name_it() -> None:
    scene = Scene()
    scene.lose()
    scene.look(UNSENT_S)
    scene.answer(scene.row())
    assert scene.state() is OrderState.ACK


@pytest.mark.parametrize("name", ["OnRspQryOrder", "OnRspError"])
def test_a_query_that_fails_concludes_nothing(name: str) -> None:
    scene = Scene()
    scene.lose()
    scene.look(UNSENT_S)
    info = CATALOGUE.codec("RspInfo").pack({"ErrorID": 9})
    scene.asked[-1][2](Event(name, None, info, 99, True, 0, 0), True)
    assert scene.state() is OrderState.UNKNOWN


def test_a_list_of_another_day_concludes_nothing() -> None:
    scene = Scene()
    scene.lose()
    scene.look(UNSENT_S)
    scene.unresolved.opened(Book(CATALOGUE, Store(None), "20261123"), scene.now)
    scene.answer()
    assert scene.state() is OrderState.UNKNOWN


@pytest.mark.parametrize(
    ("memo", "price", "state"),
    [
        (b"", 3000.0, OrderState.UNKNOWN),
        (b"", 3001.0, OrderState.NOT_SENT),
        (b"kept", 3000.0, OrderState.NOT_SENT),
    ],
)
def test_an_order_of_nobody_that_looks_like_it_keeps_it_unknown_where_there_is_no_memo(
    memo: bytes, price: float, state: OrderState
) -> None:
    scene = Scene()
    scene.record.memo = memo
    scene.lose()
    scene.look(UNSENT_S)
    names: dict[str, Any] = {"OrderRef": "77", "SessionID": 8, "RequestID": 0, "OrderMemo": ""}
    scene.answer(scene.row(**names, LimitPrice=price))
    assert scene.state() is state


def test_a_list_that_lacks_an_order_of_the_exchange_concludes_nothing() -> None:
    scene = Scene()
    known, scene.record = scene.record, scene.order()
    first = {"OrderRef": known.ref.decode(), "OrderMemo": known.memo.decode()}
    numbered = scene.row(
        **first, RequestID=known.request, OrderSysID="          17", OrderStatus="5"
    )
    scene.book.reply(numbered)
    scene.lose()
    scene.look(UNSENT_S)
    scene.answer()
    assert known.state is OrderState.CANCELLED
    assert scene.state() is OrderState.UNKNOWN
    scene.look(10.0)
    scene.answer(numbered)
    assert scene.state() is OrderState.NOT_SENT


def test_quotes_are_looked_for_among_quotes() -> None:
    scene = Scene()
    scene.book.reply(scene.row())
    record = scene.order("ReqQuoteInsert")
    scene.lose()
    scene.look(UNSENT_S)
    assert {query[0] for query in scene.asked} == {"ReqQryQuote"}
    assert record.state is OrderState.UNKNOWN
