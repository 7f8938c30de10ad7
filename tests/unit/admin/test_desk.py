"""An order of the trading panel: typed in, sent, and what is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from admin.desk.book import Book, is_live, key_of
from admin.desk.forms import Form, FormError, default_price, fields, summary
from admin.desk.listed import Listed
from admin.desk.tickets import Ticket
from bus.errors import Refused
from bus.orders import OrderState, Outcome
from schemas import catalogue as catalogues
from schemas.errors import BAD_REQUEST, INTERNAL_ERROR

STOCK = Listed("600000", "SSE", "浦发银行", "4", 1, 0.01, 100, 1_000_000)
STEEL = Listed("rb2701", "SHFE", "螺纹钢2701", "1", 10, 1.0, 1, 500)
CORN = Listed("c2701", "DCE", "玉米2701", "1", 10, 1.0, 1, 2000)


def form(**changes: Any) -> Form:
    usual = Form("rb2701", "SHFE", "0", "0", "limit", 3100.0, 1)
    return usual._replace(**changes)


def test_a_usual_order_is_what_everybody_sends() -> None:
    made = fields(form(), STEEL)
    assert made["OrderPriceType"] == "2"
    assert (made["TimeCondition"], made["VolumeCondition"]) == ("3", "1")
    assert (made["LimitPrice"], made["VolumeTotalOriginal"]) == (3100.0, 1)
    catalogues.load("openctp_ctp").codec("InputOrder").pack(made)


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [("limit", "231"), ("fak", "211"), ("fok", "213"), ("market", "111")],
)
def test_each_kind_has_its_three_conditions(kind: str, conditions: str) -> None:
    made = fields(form(kind=kind), STEEL)
    names = ("OrderPriceType", "TimeCondition", "VolumeCondition")
    assert "".join(made[name] for name in names) == conditions


def test_every_field_of_the_struct_that_may_be_set_can_be_packed() -> None:
    made = fields(
        form(
            hedge="3",
            min_volume=2,
            contingent="5",
            stop_price=3000.0,
            texts=(("OrderMemo", "备注"), ("InvestUnitID", "1")),
            flags=("IsAutoSuspend",),
        ),
        STEEL,
    )
    packed = catalogues.load("openctp_ctp").codec("InputOrder")
    again = packed.unpack(packed.pack(made))
    assert again["OrderMemo"] == "备注"
    assert (again["StopPrice"], again["IsAutoSuspend"]) == (3000.0, 1)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"instrument": ""}, "form.incomplete"),
        ({"direction": ""}, "form.incomplete"),
        ({"kind": "?"}, "form.incomplete"),
        ({"price": None}, "form.price"),
        ({"price": 3100.5}, "form.tick"),
        ({"price": float("nan")}, "form.number"),
        ({"price": float("inf")}, "form.number"),
        ({"volume": 0}, "form.volume"),
        ({"volume": 1.5}, "form.volume"),
        ({"volume": None}, "form.volume"),
        ({"volume": 2.0**31}, "form.volume"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(FormError) as caught:
        fields(form(**changes), STEEL)
    assert caught.value.key == key


def test_a_price_is_sent_without_the_dust_of_binary_fractions() -> None:
    assert fields(form(price=11.780000000000001), STOCK)["LimitPrice"] == 11.78
    assert fields(form(price=0.1 + 0.2), None)["LimitPrice"] == 0.1 + 0.2  # no tick is known


def test_the_direction_of_a_stock_says_whether_it_opens() -> None:
    assert fields(form(direction="0", offset="3", price=11.78), STOCK)["CombOffsetFlag"] == "0"
    assert fields(form(direction="1", offset="0", price=11.78), STOCK)["CombOffsetFlag"] == "1"
    assert (STOCK.offsets, CORN.offsets) == ((), ("0", "1"))
    assert STEEL.offsets == ("0", "1", "3", "4")
    assert (STOCK.digits, STEEL.digits, Listed("x", "").digits) == (2, 0, 2)


def test_the_audit_log_names_what_is_not_usual() -> None:
    assert summary(fields(form(), STEEL)) == "SHFE.rb2701 buy offset0 type231 1@3100"
    odd = form(direction="1", offset="3", hedge="3", texts=(("OrderMemo", "x"),))
    assert summary(fields(odd, STEEL)) == (
        "SHFE.rb2701 sell offset3 type231 1@3100 CombHedgeFlag=3 OrderMemo=x"
    )


def test_the_default_price_is_the_other_side() -> None:
    assert default_price("0", 1.0, 2.0, 1.5) == 2.0
    assert default_price("1", 1.0, 2.0, 1.5) == 1.0
    assert default_price("0", 1.0, None, 1.5) == 1.5


# -- what is known of it


def ticket() -> Ticket:
    return Ticket("web-1", {}, "admin")


def outcome(state: OrderState, **more: Any) -> Outcome:
    return Outcome(order_id="20261123-1", state=state, **more)


def order(status: str, submitted: str = "3", **more: Any) -> dict[str, Any]:
    return {
        "FrontID": 1,
        "SessionID": 7,
        "OrderRef": "1",
        "OrderStatus": status,
        "OrderSubmitStatus": submitted,
        "VolumeTraded": 0,
        "StatusMsg": "",
        "TradingDay": "20261123",
        **more,
    }


def test_silence_is_not_failure() -> None:
    one = ticket()
    one.doubted("td_worker did not answer")
    assert one.state is OrderState.UNKNOWN
    assert not one.settled
    one.told(outcome(OrderState.FILLED, volume_traded=1))
    assert one.settled
    assert one.volume_traded == 1


def test_a_refusal_of_the_gateway_says_that_nothing_was_sent() -> None:
    one = ticket()
    one.refused(Refused(BAD_REQUEST, "参数错误", "no price"))
    assert (one.state, one.why) == (OrderState.NOT_SENT, "参数错误: no price")


def test_a_fault_of_the_gateway_leaves_it_in_doubt() -> None:
    one = ticket()
    one.refused(Refused(INTERNAL_ERROR, "内部错误"))
    assert one.state is OrderState.UNKNOWN


def test_an_intent_on_record_leaves_it_in_doubt() -> None:
    one = ticket()
    one.told(outcome(OrderState.INTENT))
    assert one.state is OrderState.UNKNOWN


@pytest.mark.parametrize(
    ("status", "submitted", "state"),
    [
        ("a", "0", OrderState.ACK),
        ("3", "3", OrderState.ACK),
        ("1", "3", OrderState.ACK),
        ("0", "3", OrderState.FILLED),
        ("5", "3", OrderState.CANCELLED),
        ("5", "0", OrderState.CANCELLED),
        ("5", "4", OrderState.REJECTED),
    ],
)
def test_returns_tell_what_it_has_come_to(status: str, submitted: str, state: OrderState) -> None:
    one = ticket()
    one.told(outcome(OrderState.SENT, session_id=7, order_ref="1"))
    one.returned(order(status, submitted))
    assert one.state is state


def test_an_end_is_not_taken_back() -> None:
    one = ticket()
    assert one.returned(order("0"))
    assert not one.returned(order("3"))
    assert not one.doubted("silence")
    assert not one.told(outcome(OrderState.SENT))
    assert one.state is OrderState.FILLED


# -- the day's book


def test_the_book_has_each_order_once_and_the_newest_first() -> None:
    book = Book()
    book.order(order("3"))
    book.order(order("3", OrderRef="2"))
    book.order(order("5"))
    assert [each["OrderRef"] for each in book.orders()] == ["2", "1"]
    assert [each["OrderRef"] for each in book.orders(live=True)] == ["2"]
    assert is_live(order("a"))
    assert book.find(key_of(order("3"))) == order("5")
    assert book.of(7, "2") == order("3", OrderRef="2")
    assert book.of(8, "2") is None


def test_a_busy_day_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.desk.book.MOST", 3)
    book = Book()
    for ref in range(6):
        book.order(order("3" if ref == 0 else "5", OrderRef=str(ref), BranchID="x"))
        trade = {"ExchangeID": "", "TradeID": str(ref), "Direction": "0", "TradingDay": "20261123"}
        book.trade(trade)
    # The one that lives stays, however old it is.
    assert [each["OrderRef"] for each in book.orders()] == ["5", "4", "0"]
    assert [each["TradeID"] for each in book.trades()] == ["5", "4", "3"]
    assert book.counts == (6, 6)
    assert "BranchID" not in book.orders()[0]


def test_a_trade_told_twice_is_one_and_another_day_begins_anew() -> None:
    book = Book()
    trade = {"ExchangeID": "SHFE", "TradeID": "1", "Direction": "0", "TradingDay": "20261123"}
    book.trade(trade)
    book.trade(trade)
    book.order(order("3"))
    assert book.counts == (1, 1)
    book.order(order("3", TradingDay="20261124"))
    assert book.counts == (1, 0)
