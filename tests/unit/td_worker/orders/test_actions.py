"""Cancels: whom they mean, and what the sender sees of them."""

from __future__ import annotations

import pytest

from bus.errors import Refused
from bus.rpc import Call
from schemas.codec import Value
from td_worker.orders.book import Book
from td_worker.orders.store import Store

from . import desk
from .desk import FRONT, OTHER, SESSION, call, event, fields, order, order_state


def cancel(book: Book, **values: Value) -> dict[str, Value]:
    return fields("InputOrderAction", book.action(call("ReqOrderAction", "", **values), 0, 99))


def test_a_cancel_by_the_clients_name_reaches_its_order() -> None:
    book = desk.new_book()
    one, two = book.new_session(), book.new_session()
    order(book, one, "1")
    ticket = order(book, two, "1")
    sent = cancel(book, FrontID=FRONT, SessionID=two, OrderRef="000001", ActionFlag="0")
    assert (sent["SessionID"], sent["OrderRef"]) == (SESSION, ticket.record.issued.decode())
    book.returned(order_state(ticket, "3"), 0.0)
    sent = cancel(book, FrontID=FRONT, SessionID=two, OrderRef="1", ActionFlag="0")
    assert sent["OrderSysID"] == ticket.record.order_sys_id.decode()
    assert (sent["SessionID"], sent["OrderRef"]) == (0, ""), "the exchange's number never changes"


def test_a_number_without_its_padding_is_completed() -> None:
    book = desk.new_book()
    ticket = order(book, book.new_session())
    book.returned(order_state(ticket, "3"), 0.0)
    book.returned(
        order_state(
            ticket,
            "3",
            SessionID=OTHER,
            OrderLocalID="x",
            OrderSysID="   9",
            RequestID=0,
            OrderMemo="",
        ),
        0.0,
    )
    own = ticket.record.order_sys_id.decode()
    assert cancel(book, ExchangeID="SHFE", OrderSysID=own.strip())["OrderSysID"] == own
    assert cancel(book, ExchangeID="SHFE", OrderSysID="9")["OrderSysID"] == "   9"


def test_an_order_from_outside_is_named_as_it_is() -> None:
    book = desk.new_book()
    named: dict[str, Value] = {"FrontID": 3, "SessionID": OTHER, "OrderRef": "12"}
    assert named.items() <= cancel(book, **named).items()


def test_no_order_is_reached_by_the_name_of_another_instrument() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = order(book, client, "1")
    book.returned(order_state(ticket, "3"), 0.0)
    outside: dict[str, Value] = {
        "SessionID": OTHER,
        "OrderLocalID": "x",
        "OrderSysID": "9",
        "RequestID": 0,
    }
    book.returned(order_state(ticket, "3", 0, **outside), 0.0)
    names: list[dict[str, Value]] = [
        {"FrontID": FRONT, "SessionID": client, "OrderRef": "1"},
        {"ExchangeID": "SHFE", "OrderSysID": ticket.record.order_sys_id.decode()},
        {"ExchangeID": "SHFE", "OrderSysID": "9"},
        {"FrontID": FRONT, "SessionID": OTHER, "OrderRef": ticket.record.ref.decode()},
    ]
    for named in names:
        cancel(book, **named)
        cancel(book, **named, InstrumentID="rb2501")
        with pytest.raises(Refused) as error:
            cancel(book, **named, InstrumentID="au2501")
        assert error.value.error_id == 25


def test_a_cancel_that_names_nothing_is_the_counters_to_refuse() -> None:
    book = desk.new_book()
    order(book, book.new_session())
    named = cancel(book)
    assert not any(named[name] for name in ("FrontID", "SessionID", "OrderRef", "OrderSysID"))


@pytest.mark.parametrize("session", [0, SESSION, "virtual"])
@pytest.mark.parametrize("ref", ["000000000006", "2", "x", ""])
def test_who_guesses_the_counters_names_gets_nothing(session: int | str, ref: str) -> None:
    book = desk.new_book()
    client = book.new_session()
    order(book, client, "1")
    number = client if isinstance(session, str) else session
    with pytest.raises(Refused) as error:
        cancel(book, FrontID=FRONT, SessionID=number, OrderRef=ref)
    assert error.value.error_id == 25


def test_a_cancel_that_names_two_orders_is_refused() -> None:
    book = desk.new_book()
    client = book.new_session()
    first, second = order(book, client), order(book, client)
    for ticket in (first, second):
        book.returned(order_state(ticket, "3"), 0.0)
    sys = second.record.order_sys_id.decode()
    with pytest.raises(Refused, match="another order"):
        cancel(book, SessionID=client, OrderRef="1", ExchangeID="SHFE", OrderSysID=sys)


def test_the_sender_gets_its_cancel_back_as_it_was() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = order(book, client, "1")
    book.returned(order_state(ticket, "3"), 0.0)
    mine = call(
        "ReqOrderAction",
        FrontID=FRONT,
        SessionID=client,
        OrderRef="1",
        RequestID=5,
        OrderActionRef=6,
        OrderMemo="c",
        UserID="u1",
    )
    sent = fields("InputOrderAction", book.action(mine, client, 7))
    answer = book.reply(event("OnRspOrderAction", {**sent, "UserID": "x"}, 26, request_id=7))
    assert answer.field == mine.body
    (shown,) = book.returned(event("OnErrRtnOrderAction", sent, 26), 0.0)
    values = fields("OrderAction", shown.field)
    assert (values["SessionID"], values["OrderRef"], values["RequestID"]) == (client, "1", 5)


def test_our_own_cancel_has_what_the_counter_asks_for() -> None:
    book = desk.new_book()
    ticket = order(book, book.new_session())
    method, body = book.cancel(ticket.record)
    values = fields("InputOrderAction", body)
    assert method == "ReqOrderAction"
    assert values["ActionFlag"] == "0"
    assert [values[name] for name in ("BrokerID", "InvestorID", "ExchangeID", "InstrumentID")] == [
        "9999",
        "u1",
        "SHFE",
        "rb2501",
    ]
    assert (values["SessionID"], values["OrderRef"]) == (SESSION, ticket.record.issued.decode())


@pytest.mark.parametrize("method", ["ReqOrderInsert", "ReqOrderAction"])
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_body_of_the_wrong_size_is_refused(method: str, size: int) -> None:
    book = desk.new_book()
    wrong = Call(1, method, 0, body=b"\xff" * size)
    with pytest.raises(Refused) as error:
        if method == "ReqOrderInsert":
            book.intend(wrong, book.new_session(), 1)
        else:
            book.action(wrong, book.new_session(), 1)
    assert error.value.error_id == -400


def test_bytes_that_are_no_text_crash_nothing() -> None:
    book = desk.new_book(Store(None))
    client = book.new_session()
    for method in ("ReqOrderInsert", "ReqQuoteInsert", "ReqOrderAction"):
        struct = desk.CATALOGUE.td.requests[method].struct
        body = b"\xff" * desk.CATALOGUE.layouts[struct].size
        hostile = Call(1, method, 0, body=body)
        try:
            if method.endswith("Insert"):
                book.intend(hostile, client, 1)
            else:
                book.action(hostile, client, 1)
        except Refused:
            continue


def test_the_largest_reference_is_the_last_one() -> None:
    book = desk.new_book()
    client = book.new_session()
    order(book, client, "999999999999")
    with pytest.raises(Refused) as error:
        order(book, client)
    assert error.value.error_id == 22


def test_references_of_the_counter_that_are_used_up_refuse_clearly() -> None:
    book = desk.new_book()
    book.login(FRONT, SESSION, "999999999999")
    with pytest.raises(Refused, match="used up"):
        order(book, book.new_session())
