"""The day's events of an account, in whatever order they come, and again after a restart."""

from __future__ import annotations

import json
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from tcp_edge.trade.account.book import Book, Event
from tcp_edge.trade.orders.placed import RefusedCancel
from tests.unit.tcp_edge.trade.makers import AT_NS, book, nothing, order, placed, trade

Return = tuple[Literal["order", "trade"], dict[str, Any]]

# Two orders of clients and one of somebody else, with their fills.
ORDERS: list[Return] = [
    ("order", order("1", "a", OrderSysID="")),
    ("order", order("1", "3")),
    ("order", order("2", "3")),
    ("order", order("1", "1", 2)),
    ("order", order("1", "1", 3)),
    ("order", order("2", "5", OrderSubmitStatus="3")),
    ("order", order("3", "0", 5)),
    ("order", order("1", "0", 5)),
]
TRADES: list[Return] = [
    ("trade", trade("1", "t1", 2, 3100.0)),
    ("trade", trade("1", "t2", 1, 3099.0)),
    ("trade", trade("3", "t3", 5, 3101.0)),
    ("trade", trade("1", "t4", 2, 3098.0)),
]


def feed(found: Book, returns: list[Return]) -> Book:
    for at, (kind, fields) in enumerate(returns):
        take = found.order if kind == "order" else found.trade
        take(fields, AT_NS)
        if at % 3 == 0:  # somebody looks in between
            lists(found)
    return found


def lists(found: Book) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def read(events: list[Event]) -> list[dict[str, Any]]:
        return [json.loads(found.text(event)) for event in events]

    return read(found.orders), read(found.trades)


def with_clients() -> Book:
    found = book()
    for ref in ("1", "2"):
        found.place(placed(ref))
    return found


WHOLE = lists(feed(with_clients(), ORDERS + TRADES))


@st.composite
def interleaved(draw: st.DrawFn) -> list[Return]:
    """Trades anywhere among the orders, and some of all twice."""
    returns, orders, trades = [], list(ORDERS), list(TRADES)
    while orders or trades:
        source = orders if not trades or (orders and draw(st.booleans())) else trades
        returns.append(source.pop(0))
        if draw(st.integers(0, 3)) == 0:
            returns.append(draw(st.sampled_from(returns)))
    return returns


@given(interleaved())
@settings(max_examples=200)
def test_trades_may_come_before_their_orders_and_everything_twice(returns: list[Return]) -> None:
    assert lists(feed(with_clients(), returns)) == WHOLE


@given(interleaved(), st.integers(0, 12))
@settings(max_examples=100)
def test_a_restart_anywhere_gives_the_same_lists(returns: list[Return], at: int) -> None:
    feed(with_clients(), returns[:at])
    assert lists(feed(with_clients(), returns)) == WHOLE


def test_without_what_was_kept_of_the_clients_orders_their_ids_are_lost() -> None:
    orders, trades = lists(feed(book(), ORDERS + TRADES))
    assert orders != WHOLE[0]
    assert [each["order_xtp_id"] for each in orders] == [
        each["order_xtp_id"] for each in WHOLE[0]
    ], "the number needs no memory"
    assert {each["order_client_id"] for each in (*orders, *trades)} == {0}


def test_each_state_has_the_amount_that_was_traded_then() -> None:
    amounts = [each["trade_amount"] for each in WHOLE[0] if each["order_client_id"] == 1001]
    first = 2 * 31000.0
    assert amounts == [0, 0, first, first + 30990, first + 30990 + 2 * 30980]


def test_an_order_of_which_nothing_is_known_is_shown_and_never_as_failed() -> None:
    found, mine = book(), placed("1")
    found.place(mine)
    assert lists(found) == ([], [])
    assert found.unheard() == [mine]
    found.doubt(mine)
    assert found.doubt(mine) is None
    (shown,) = lists(found)[0]
    assert (shown["order_status"], shown["error_id"]) == (0, 0)
    assert shown["order_xtp_id"] == mine.order_xtp_id
    assert [json.loads(text)["order_status"] for text in found.beside_orders(set())] == [0]
    found.order(order("1", "3"), AT_NS)
    assert found.unheard() == []
    assert found.beside_orders(set()) == []
    assert [each["order_status"] for each in lists(found)[0]] == [0, 4]


def test_a_refusal_is_told_once_and_before_nothing_else() -> None:
    found, mine = book(), placed("1")
    found.place(mine)
    info = {"ErrorID": 31, "ErrorMsg": "CTP:资金不足"}
    assert found.insert_refused(mine.fields, info, AT_NS) is not None
    assert found.refuse(mine, 31, "CTP:资金不足", AT_NS) is None
    (shown,) = lists(found)[0]
    assert (shown["order_status"], shown["order_submit_status"]) == (6, 3)
    assert (shown["error_id"], shown["error_msg"]) == (31, "CTP:资金不足")
    assert shown["order_client_id"] == 1001


def test_a_refusal_of_another_clients_order_is_not_taken_for_ours() -> None:
    found, mine = book(), placed("1")
    found.place(mine)
    info = {"ErrorID": 31, "ErrorMsg": "no"}
    for change in ({"OrderMemo": "his"}, {"InstrumentID": "rb2705"}, {"RequestID": 1}):
        assert found.insert_refused(mine.fields | change, info, AT_NS) is None
    assert found.unheard() == [mine]


def test_an_order_that_was_not_sent_is_not_listed_and_cannot_be_cancelled() -> None:
    found, mine = book(), placed("1")
    found.place(mine)
    assert found.known(mine.order_xtp_id) is not None
    found.drop(mine)
    assert found.known(mine.order_xtp_id) is None
    assert found.unheard() == []


def test_a_cancel_that_was_refused_is_an_event_of_the_order_as_it_was() -> None:
    found = with_clients()
    found.order(order("1", "3"), AT_NS)
    action = nothing("OrderAction") | {"ExchangeID": "SHFE", "OrderSysID": f"{'1':>12}"}
    info = {"ErrorID": 26, "ErrorMsg": "CTP:撤单被拒"}
    assert found.cancel_refused(action, info, AT_NS) is not None
    assert found.cancel_refused(action, info, AT_NS) is None
    before, shown = lists(found)[0]
    assert (shown["order_status"], shown["order_submit_status"]) == (4, 5)
    assert shown["error_id"] == 26
    assert shown["insert_time"] == before["insert_time"] > 0


def refused_here(order_xtp_id: int, ref: int = 40) -> RefusedCancel:
    return RefusedCancel(
        order_xtp_id=order_xtp_id, action_ref=ref, error_id=26, error_msg="no", at_ns=AT_NS
    )


def test_a_cancel_that_only_its_gateway_hears_refused_is_such_an_event_too() -> None:
    found = with_clients()
    found.order(order("1", "3"), AT_NS)
    assert found.cancel_refused_here(refused_here(placed("1").order_xtp_id)) is not None
    before, shown = lists(found)[0]
    differ = {name for name in before if before[name] != shown[name]}
    assert differ == {"order_submit_status", "error_id", "error_msg"}
    assert (shown["order_status"], shown["order_submit_status"]) == (4, 5)
    assert found.cancel_refused_here(refused_here(7)) is None, "of an order that nobody knows"


def test_a_refused_cancel_is_one_event_whoever_tells_it_first() -> None:
    action = nothing("OrderAction") | {"ExchangeID": "SHFE", "OrderSysID": f"{'1':>12}"}
    action["OrderActionRef"] = 40
    info = {"ErrorID": 26, "ErrorMsg": "CTP:撤单被拒"}
    number = placed("1").order_xtp_id
    for here_first in (True, False):
        found = with_clients()
        found.order(order("1", "3"), AT_NS)
        if here_first:
            assert found.cancel_refused_here(refused_here(number)) is not None
            assert found.cancel_refused(action, info, AT_NS) is None
        else:
            assert found.cancel_refused(action, info, AT_NS) is not None
            assert found.cancel_refused_here(refused_here(number)) is None
        assert found.cancel_refused_here(refused_here(number)) is None
        assert len(lists(found)[0]) == 2
        assert found.cancel_refused_here(refused_here(number, 41)) is not None, "the next one"


def test_of_an_order_that_is_unknown_or_refused_a_refused_cancel_is_told_too() -> None:
    for status in (0, 6):
        found, mine = book(), placed("1")
        found.place(mine)
        if status == 6:
            found.refuse(mine, 31, "no funds", AT_NS)
        assert found.cancel_refused_here(refused_here(mine.order_xtp_id)) is not None
        shown = lists(found)[0][-1]
        assert (shown["order_status"], shown["order_submit_status"]) == (status, 5)
        assert shown["error_id"] == 26


def test_nothing_is_cancelled_by_a_number_that_nobody_has() -> None:
    assert book().known(4503599627370497) is None


def test_before_all_returns_are_there_an_order_is_cancelled_by_the_exchanges_number_only() -> None:
    found, mine = book(), placed("1")
    found.place(mine)
    found.order(order("1", "a", OrderSysID=""), AT_NS)
    assert found.known(mine.order_xtp_id) is not None
    assert found.known_for_sure(mine.order_xtp_id) is None, "its name may become another's"
    found.order(order("1", "3"), AT_NS)
    assert found.known_for_sure(mine.order_xtp_id) is not None
    assert found.known_for_sure(1) is None
