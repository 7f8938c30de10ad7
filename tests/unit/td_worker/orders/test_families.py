"""Quotes, exercises and the rest: the same names as orders, in every version of the API."""

from __future__ import annotations

import pytest

from bus.errors import Refused
from bus.orders import OrderState
from schemas.codec import Value
from td_worker.orders.book import Book
from td_worker.orders.families import families_of
from td_worker.orders.record import Ticket
from td_worker.orders.store import Store

from . import desk
from .desk import CATALOGUE, DAY, FRONT, OTHER, SESSION, call, event, fields
from .world import without_memo


def test_every_insertion_with_a_reference_is_in_the_table() -> None:
    families = families_of(CATALOGUE)
    assert list(families.insertions) == [
        name for name in CATALOGUE.td.requests if name.endswith("Insert")
    ]
    assert {name for name in CATALOGUE.td.callbacks if name.startswith("OnErrRtn")} - set(
        families.callbacks
    ) <= {
        name
        for name in CATALOGUE.td.callbacks
        if "Bank" in name or "Batch" in name or "Offset" in name
    }


def test_an_api_without_order_memo_is_served_by_the_same_lines() -> None:
    book = Book(without_memo(CATALOGUE), Store(None), DAY)
    book.login(FRONT, SESSION, "0")
    client = book.new_session()
    ticket = desk.order(book, client, "4")
    assert ticket.record.memo == b""
    values = fields("InputOrder", ticket.body)
    assert values["OrderMemo"] == ""
    (shown,) = book.returned(desk.order_state(ticket, "3"), 0)
    assert desk.identity(shown) == (FRONT, client, "4")


def insert(book: Book, family: str, session: int, **values: Value) -> Ticket:
    body = {"ExchangeID": "CFFEX", "InstrumentID": "IO1", "UserID": "u1", **values}
    ticket = book.intend(call(f"Req{family}Insert", "", **body), session, 1)
    book.handed(ticket.record, 0)
    return ticket


@pytest.mark.parametrize(
    "family", ["Order", "Quote", "ExecOrder", "OptionSelfClose", "CombAction", "ForQuote"]
)
def test_the_reference_is_ours_there_and_the_clients_here(family: str) -> None:
    book = desk.new_book()
    client = book.new_session()
    ref = f"{family}Ref"
    ticket = insert(book, family, client, RequestID=8, **{ref: "3"})
    sent = fields(f"Input{family}", ticket.body)
    assert sent[ref] == ticket.record.issued.decode() == "000000000006"
    back = event(f"OnErrRtn{family}Insert", sent, 31)
    (shown,) = book.returned(back, 0.0)
    assert fields(f"Input{family}", shown.field)[ref] == "3"
    assert ticket.record.state is OrderState.REJECTED
    # CTP answers to the one who asked as well.
    answer = book.reply(event(f"OnRsp{family}Insert", sent, 31, request_id=1))
    assert answer.field == shown.field
    row = {**sent, "FrontID": FRONT, "SessionID": SESSION}
    values = fields(family, book.reply(event(f"OnRspQry{family}", row)).field)
    assert (values["SessionID"], values[ref]) == (client, "3")
    assert values.get("RequestID", 8) == 8


@pytest.mark.parametrize("family", ["Quote", "ExecOrder", "OptionSelfClose"])
def test_an_action_names_it_as_the_counter_does(family: str) -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = insert(book, family, client, **{f"{family}Ref": "3"})
    ref, action_ref = f"{family}Ref", f"{family}ActionRef"
    named: dict[str, Value] = {"SessionID": client, ref: "3", action_ref: 9}
    action = call(f"Req{family}Action", "", **named)
    sent = fields(f"Input{family}Action", book.action(action, client, 2))
    assert sent["SessionID"] == SESSION
    assert sent[ref] == ticket.record.issued.decode()
    assert sent[action_ref] == 9
    (shown,) = book.returned(event(f"OnErrRtn{family}Action", sent, 26), 0.0)
    values = fields(f"{family}Action", shown.field)
    assert (values["SessionID"], values[ref]) == (client, "3")


def test_the_two_orders_of_a_quote_have_the_clients_references() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = insert(book, "Quote", client, QuoteRef="1", BidOrderRef="2", AskOrderRef="3")
    sent = fields("InputQuote", ticket.body)
    assert len({sent["QuoteRef"], sent["BidOrderRef"], sent["AskOrderRef"]}) == 3
    state = {
        **sent,
        "FrontID": FRONT,
        "SessionID": SESSION,
        "QuoteStatus": "3",
        "BidOrderSysID": "   71",
        "AskOrderSysID": "   72",
    }
    (quote,) = book.returned(event("OnRtnQuote", state), 0.0)
    values = fields("Quote", quote.field)
    assert [values[name] for name in ("QuoteRef", "BidOrderRef", "AskOrderRef")] == ["1", "2", "3"]
    trade = {"ExchangeID": "CFFEX", "OrderSysID": "71", "OrderRef": sent["BidOrderRef"]}
    (shown,) = book.returned(event("OnRtnTrade", trade), 0.0)
    assert desk.identity(shown)[2] == "2"
    order = {
        "FrontID": FRONT,
        "SessionID": SESSION,
        "OrderRef": sent["AskOrderRef"],
        "ExchangeID": "CFFEX",
        "OrderStatus": "3",
    }
    (shown,) = book.returned(event("OnRtnOrder", order), 0.0)
    assert desk.identity(shown) == (FRONT, client, "3")
    assert [record.method for record in book.live(client)] == ["ReqQuoteInsert"]
    assert book.cancel(ticket.record)[0] == "ReqQuoteAction"
    with pytest.raises(Refused):
        desk.order(book, client, "3")


def test_a_quote_without_references_gets_different_ones() -> None:
    book = desk.new_book()
    insert(book, "Quote", client := book.new_session())
    assert desk.order(book, client).record.client_ref == "3"


def test_a_parked_order_is_found_by_its_own_number() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = insert(book, "ParkedOrder", client, OrderRef="6", RequestID=2)
    assert book.live() == [], "the counter keeps it back"
    sent = {**fields("ParkedOrder", ticket.body), "ParkedOrderID": "  17"}
    book.reply(event("OnRspParkedOrderInsert", sent, request_id=1))
    row = {**sent, "RequestID": 0, "OrderRef": "1"}
    shown = fields("ParkedOrder", book.reply(event("OnRspQryParkedOrder", row)).field)
    assert (shown["OrderRef"], shown["RequestID"]) == ("6", 2)


def test_all_orders_of_a_session_are_not_cancelled_at_once() -> None:
    book = desk.new_book()
    client = book.new_session()
    for session in (client, SESSION, 0):
        with pytest.raises(Refused, match="one by one"):
            book.action(call("ReqBatchOrderAction", FrontID=FRONT, SessionID=session), client, 1)


def test_all_orders_of_another_programs_session_may_be_cancelled_at_once() -> None:
    book = desk.new_book()
    batch = call("ReqBatchOrderAction", FrontID=FRONT, SessionID=OTHER)
    assert book.action(batch, book.new_session(), 1) == batch.body


def test_a_conditional_order_keeps_its_name_when_it_is_triggered() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = desk.order(book, client, "5")
    book.returned(desk.order_state(ticket, "b", OrderSysID="TJBD_1", OrderLocalID=""), 0.0)
    triggered = desk.order_state(
        ticket, "3", OrderSysID="88", RelativeOrderSysID="TJBD_1", SessionID=OTHER, OrderRef="1"
    )
    (shown,) = book.returned(triggered, 0.0)
    assert desk.identity(shown) == (FRONT, client, "5")
    assert ticket.record.order_sys_id == b"88"
