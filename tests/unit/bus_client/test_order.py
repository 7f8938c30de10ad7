"""What is known of an order, word by word."""

from __future__ import annotations

from typing import Any

import pytest

from bus.client.order import Order
from bus.client.terms import limit_order
from bus.errors import BusError, Refused, request_failed
from bus.orders import OrderState, Outcome
from schemas import typed
from schemas.errors import INTERNAL_ERROR, LIMIT

S = OrderState


class Desk:
    problem: BusError | None = None

    async def cancel(self, order: Order) -> None:
        raise AssertionError

    def awaited(self, order: Order) -> None: ...


def placed() -> Order:
    return Order(Desk(), "mine", "ReqOrderInsert", limit_order("rb2701", "buy", 2, 3100.0))


def outcome(state: OrderState, **values: Any) -> Outcome:
    return Outcome(order_id="20261123-1", state=state, session_id=7, order_ref="1", **values)


def news(status: str, submitted: str = "3", traded: int = 0) -> typed.Order:
    return typed.Order(
        order_status=status,
        order_submit_status=submitted,
        volume_traded=traded,
        exchange_id="SHFE",
        order_sys_id="  12",
        status_msg="why",
    )


def trade(volume: int, trade_id: str = "1") -> typed.Trade:
    return typed.Trade(
        exchange_id="SHFE", order_sys_id="  12", trade_id=trade_id, direction="0", volume=volume
    )


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (S.INTENT, S.UNKNOWN),  # on record, and perhaps with the counter
        (S.SENT, S.SENT),
        (S.UNKNOWN, S.UNKNOWN),
        (S.ACK, S.ACK),
        (S.REJECTED, S.REJECTED),
        (S.NOT_SENT, S.NOT_SENT),
        (S.FILLED, S.FILLED),
        (S.CANCELLED, S.CANCELLED),
    ],
)
def test_what_td_worker_tells_is_what_is_known(told: OrderState, known: OrderState) -> None:
    order = placed()
    assert order.state is S.INTENT
    order.told(outcome(told))
    assert order.state is known
    assert (order.session_id, order.order_ref, order.order_id) == (7, "1", "20261123-1")


def test_an_order_of_which_nobody_knows_is_neither_failed_nor_settled() -> None:
    order = placed()
    order.doubted("td_worker did not answer")
    assert order.state is S.UNKNOWN
    assert not order.final
    assert not order.settled
    assert order.why == "td_worker did not answer"
    order.told(outcome(S.SENT))
    assert order.state is S.UNKNOWN, "that it was sent is no news of what became of it"
    order.told(outcome(S.ACK))
    assert order.settled


@pytest.mark.parametrize(
    ("status", "submitted", "state"),
    [
        ("a", "0", S.ACK),
        ("3", "3", S.ACK),
        ("1", "3", S.ACK),
        ("0", "3", S.FILLED),
        ("5", "3", S.CANCELLED),
        ("5", "5", S.CANCELLED),
        ("5", "4", S.REJECTED),
    ],
)
def test_a_return_says_it_in_ctps_characters(
    status: str, submitted: str, state: OrderState
) -> None:
    order = placed()
    order.told(outcome(S.SENT))
    order.returned(news(status, submitted))
    assert order.state is state
    assert order.last is not None
    assert order.why == ("why" if state is S.REJECTED else "")
    assert (order.exchange_id, order.order_sys_id) == ("SHFE", "  12")


def test_an_order_that_has_ended_does_not_live_again() -> None:
    order = placed()
    order.returned(news("5", "3"))
    order.returned(news("3"))
    order.told(outcome(S.ACK))
    order.doubted("late")
    order.rejected(31, "late")
    assert order.state is S.CANCELLED


@pytest.mark.parametrize("concluded", ["not_sent", "rejected"])
def test_the_counters_word_on_an_order_overrules_a_conclusion(concluded: str) -> None:
    order = placed()
    if concluded == "not_sent":
        order.not_sent("it never reached td_worker")
    else:
        order.rejected(1, "no")
    order.told(outcome(S.UNKNOWN))
    assert order.final, "what is no word on it changes nothing"
    order.returned(news("3"))
    assert order.state is S.ACK


def test_a_refusal_was_not_sent_but_a_fault_leaves_it_unknown() -> None:
    refused, faulty = placed(), placed()
    refused.refused(Refused(LIMIT, "limit", "too many"))
    assert (refused.state, refused.error_id, refused.why) == (S.NOT_SENT, LIMIT, "limit: too many")
    faulty.refused(Refused(INTERNAL_ERROR, "fault"))
    assert faulty.state is S.UNKNOWN
    other = placed()
    other.refused(request_failed("expired before it was sent; nothing was sent"))
    assert other.state is S.NOT_SENT


def test_it_is_complete_with_its_fills_of_which_each_counts_once() -> None:
    order = placed()
    order.returned(news("0", traded=2))
    assert order.final
    assert not order.complete
    order.traded(trade(1, "1"))
    order.traded(trade(1, "1"))
    assert not order.complete
    order.traded(trade(1, "2"))
    assert order.complete
    assert [each.trade_id for each in order.trades] == ["1", "2"]


def test_what_was_never_traded_is_complete_at_once() -> None:
    order = placed()
    order.not_sent("td_worker is not connected")
    assert order.complete


@pytest.mark.parametrize(
    "terms",
    [
        {"instrument": ""},
        {"side": "long"},
        {"volume": 0},
        {"volume": 1.5},
        {"volume": 2**31},
        {"price": float("nan")},
        {"offset": "closetoday"},
        {"lasts": "gtc"},
    ],
)
def test_what_cannot_be_an_order_is_an_error(terms: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "instrument": "rb2701",
        "side": "buy",
        "volume": 1,
        "price": 3100.0,
    } | terms
    with pytest.raises(ValueError):
        limit_order(**values)


def test_the_words_of_an_order_are_ctps_characters() -> None:
    fields = limit_order(
        "au2612", "sell", 3, 800, offset="close_today", exchange="SHFE", lasts="fok"
    )
    assert (fields.direction, fields.comb_offset_flag) == ("1", "3")
    assert (fields.time_condition, fields.volume_condition) == ("1", "3")
    assert (fields.limit_price, fields.volume_total_original) == (800.0, 3)
