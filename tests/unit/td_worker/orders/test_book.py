"""The main road of an order: recorded, handed over, answered, shown under the client's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import td_worker.orders.book
from bus.errors import Refused
from bus.orders import OrderState, OutcomeQuery
from td_worker.orders.book import Book
from td_worker.orders.record import Duplicate, Ticket
from td_worker.orders.store import Store

from . import desk
from .desk import DAY, FRONT, SESSION, event, fields, identity, order, order_state, trade


def test_the_counter_sees_our_reference_and_the_client_its_own() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = order(book, client, "7", RequestID=3, OrderMemo="mine")
    sent = fields("InputOrder", ticket.body)
    assert sent["OrderRef"] == "000000000006"  # MaxOrderRef was 5
    assert sent["OrderMemo"] == ticket.record.memo.decode() != "mine"
    assert sent["RequestID"] == ticket.record.request
    (shown,) = book.returned(order_state(ticket, "3"), 0.0)
    assert identity(shown) == (FRONT, client, "7")
    assert fields("Order", shown.field)["RequestID"] == 3
    assert fields("Order", shown.field)["OrderMemo"] == "mine"
    outcome = book.outcome(ticket.record)
    assert (outcome.state, outcome.session_id, outcome.order_ref) == (OrderState.ACK, client, "7")


def test_equal_references_of_two_clients_are_two_orders() -> None:
    book = desk.new_book()
    one, two = book.new_session(), book.new_session()
    first, second = order(book, one, "1"), order(book, two, "1")
    assert first.record.issued != second.record.issued
    (shown,) = book.returned(order_state(second, "a"), 0.0)
    assert identity(shown) == (FRONT, two, "1")
    assert first.record.state is OrderState.SENT


def test_an_order_without_a_reference_gets_the_next_one_of_its_session() -> None:
    book = desk.new_book()
    client = book.new_session()
    order(book, client, "41")
    assert order(book, client).record.client_ref == "42"


@pytest.mark.parametrize("ref", ["7", "3", "x", "-8", "1_0", "８"])
def test_a_reference_that_does_not_rise_is_refused_as_the_counter_would(ref: str) -> None:
    book = desk.new_book()
    client = book.new_session()
    order(book, client, "7")
    with pytest.raises(Refused) as error:
        order(book, client, ref)
    assert (error.value.error_id, error.value.error_msg) == (22, "CTP:报单错误：不允许重复报单")
    assert len(book.unresolved()) == 1, "nothing is on record"


def test_a_client_order_id_makes_one_order() -> None:
    book = desk.new_book()
    client = book.new_session()
    first = order(book, client, "1", "id-1")
    with pytest.raises(Duplicate) as again:
        order(book, client, "1", "id-1")
    assert again.value.record is first.record
    with pytest.raises(Refused) as other:
        order(book, client, "1", "id-1", VolumeTotalOriginal=6)
    assert other.value.error_id == -400


def test_a_restart_knows_every_record_and_uses_no_reference_twice() -> None:
    store = Store(None)
    book = desk.new_book(store)
    client = book.new_session()
    ticket = order(book, client, "1", "id-1")
    live = book.returned(order_state(ticket, "3"), 0.0)
    book.flush(0.0)
    after = desk.new_book(store, session=SESSION + 1)
    assert after.returned(order_state(ticket, "3"), 0.0) == live
    found = after.find(OutcomeQuery(client_order_id="id-1"))
    assert found is not None
    assert found.state is OrderState.ACK
    assert order(after, after.new_session()).record.issued > ticket.record.issued


def test_a_trade_is_shown_under_the_reference_of_its_order() -> None:
    book = desk.new_book()
    ticket = order(book, book.new_session(), "9")
    state = order_state(ticket, "1", 1)
    assert book.returned(trade(ticket), 0.0) == [], "it waits for its order"
    names = [(shown.name, identity(shown)[2]) for shown in book.returned(state, 0.1)]
    assert names == [("OnRtnOrder", "9"), ("OnRtnTrade", "9")]


def test_what_the_api_did_not_take_is_not_sent() -> None:
    book = desk.new_book()
    ticket = order(book, book.new_session())
    book.handed(ticket.record, -3)
    assert ticket.record.state is OrderState.NOT_SENT
    assert not book.unresolved()


def _refused(book: Book, ticket: Ticket) -> None:
    (request,) = [number for number, record in book._by_request.items() if record is ticket.record]
    book.reply(event("OnRspOrderInsert", fields("InputOrder", ticket.body), 31, request))


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lambda book, ticket: book.handed(ticket.record, -1), OrderState.NOT_SENT),
        (lambda book, ticket: book.expired(ticket.record), OrderState.NOT_SENT),
        (lambda book, ticket: book.unsent(ticket.record), OrderState.NOT_SENT),
        (_refused, OrderState.REJECTED),
    ],
)
def test_an_end_that_no_replay_tells_again_is_on_the_disk_at_once(
    end: Callable[[Book, Ticket], None], state: OrderState
) -> None:
    store = Store(None)
    book = desk.new_book(store)
    end(book, order(book, book.new_session(), "2"))
    (record,) = store.load()
    assert record.state is state


def test_a_refusal_by_the_counter_is_on_record() -> None:
    book = desk.new_book()
    client = book.new_session()
    ticket = order(book, client, "2")
    back = event("OnErrRtnOrderInsert", fields("InputOrder", ticket.body), 31)
    (shown,) = book.returned(back, 0.0)
    assert identity(shown)[2] == "2"
    outcome = book.outcome(ticket.record)
    assert (outcome.state, outcome.error_id) == (OrderState.REJECTED, 31)


def test_who_lives_is_known_without_a_look_at_the_whole_day(tmp_path: Path) -> None:
    """Cancel-on-disconnect and the kill switch ask in each round of the loop."""
    book = desk.new_book(Store(tmp_path / f"{DAY}.db"))
    one, two = book.new_session(), book.new_session()
    tickets = [order(book, session) for session in (one, one, two)]
    book.returned(order_state(tickets[0], "5"), 0.0)
    book.unsent(tickets[1].record)
    assert book.live(one) == []
    book.returned(order_state(tickets[1], "3"), 0.0)
    book._records.clear()
    assert book.live(one) == [tickets[1].record]
    assert book.live() == [tickets[2].record, tickets[1].record]
    book.close()
    again = desk.new_book(Store(tmp_path / f"{DAY}.db"))
    assert [record.number for record in again.live()] == [2, 3]


def test_doubts_are_counted_and_not_looked_for_with_each_row() -> None:
    book = desk.new_book()
    client = book.new_session()
    tickets = [order(book, client) for _ in range(3)]
    assert book.doubts == 0, "they wait for their answer"
    book.disconnected()
    assert book.doubts == 3
    book.reply(order_state(tickets[0], "3")._replace(name="OnRspQryOrder"))
    book.returned(order_state(tickets[1], "5"), 0.0)
    assert book.doubts == 1
    book.unsent(tickets[2].record)
    assert book.doubts == 0


def test_an_order_whose_id_was_made_void_is_not_sent_whenever_it_comes(tmp_path: Path) -> None:
    book = desk.new_book(Store(tmp_path / f"{DAY}.db"))
    void = book.void("id-1", book.new_session())
    assert (void.state, void.error_id) == (OrderState.NOT_SENT, -410)
    book.close()
    after = desk.new_book(Store(tmp_path / f"{DAY}.db"), session=SESSION + 1)
    tomorrow = Book(desk.CATALOGUE, Store(tmp_path / "20241111.db"), "20241111")
    tomorrow.login(FRONT, SESSION, "0")
    for each in (after, tomorrow):
        found = each.find(OutcomeQuery(client_order_id="id-1"))
        assert found is not None
        assert each.outcome(found) == book.outcome(void)
        with pytest.raises(Refused, match=f"made void, {void.order_id}; nothing was sent") as error:
            order(each, each.new_session(), "1", "id-1")
        assert error.value.error_id == -410
        assert order(each, each.new_session(), "1", "id-2").record.state is OrderState.SENT
        each.close()


def test_a_void_id_is_void_for_every_session_of_the_account() -> None:
    book = desk.new_book()
    other = Book(desk.CATALOGUE, Store(None), DAY, slot=1, elsewhere=book.find_own)
    other.login(FRONT, SESSION, "0")
    book.void("id-1", book.new_session())
    with pytest.raises(Refused) as error:
        order(other, other.new_session(), "1", "id-1")
    assert error.value.error_id == -410


def test_void_ids_have_a_bound_and_none_is_forgotten_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(td_worker.orders.book, "_MOST_VOIDS", 2)
    store = Store(None)
    book = desk.new_book(store)
    for name in ("a", "b"):
        book.void(name, book.new_session())
    after = desk.new_book(store)
    for each in (book, after):
        with pytest.raises(Refused, match="2 ids of the day are void") as error:
            each.void("c", each.new_session())
        assert error.value.error_id == -403
    found = [after.find(OutcomeQuery(client_order_id=name)) for name in "abc"]
    assert [one is not None for one in found] == [True, True, False]
    assert order(after, after.new_session(), "1", "c").record.state is OrderState.SENT
