"""Each rule of an account: what it refuses, what it says, and that the order passes without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bus.errors import Refused
from bus.orders import OrderState
from bus.rpc import Call
from schemas.codec import Value
from td_worker.limits.session import SessionLimits
from td_worker.limits.shapes import is_insertion
from tests.unit.td_worker.limits.helpers import CATALOGUE, OTHER_CLIENT, USER, Desk, order, pack


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


INSERTIONS = [name for name in CATALOGUE.td.requests if is_insertion(name)]


def body(method: str, **fields: Value) -> bytes:
    return pack(CATALOGUE.td.requests[method].struct, **fields)


def test_these_are_the_insertions() -> None:
    assert sorted(INSERTIONS) == [
        "ReqCombActionInsert",
        "ReqExecOrderInsert",
        "ReqForQuoteInsert",
        "ReqOffsetSetting",
        "ReqOptionSelfCloseInsert",
        "ReqOrderInsert",
        "ReqParkedOrderInsert",
        "ReqQuoteInsert",
    ]


# Rules that refuse the order of ``order()``, and what is said.
REFUSING: list[tuple[dict[str, Any], dict[str, Value], str]] = [
    ({"max_volume": 10}, {"VolumeTotalOriginal": 25}, "max_volume 10 of account 028742: 25 lots"),
    (
        {"client": {"max_volume": 10}},
        {"VolumeTotalOriginal": 25},
        "max_volume 10 of each client of account 028742: 25 lots",
    ),
    ({"max_volume": 10}, {"VolumeTotalOriginal": -1}, "max_volume 10 of account 028742: -1 lots"),
    (
        {"max_volume": {"rb": 3, "*": 9}},
        {"VolumeTotalOriginal": 5},
        "max_volume 3 of account 028742: 5 lots",
    ),
    (
        {"max_volume": {"SHFE/*": 3, "*": 9}},
        {"VolumeTotalOriginal": 5, "ExchangeID": ""},
        "max_volume 3 of account 028742: 5 lots",
    ),
    (
        {"instruments": ["au", "cu26*", "DCE/*", "600000"]},
        {},
        "instruments of account 028742: SHFE/rb2610 is none",
    ),
    (
        {"instruments": ["SHFE/*"]},
        {"ExchangeID": ""},
        "instruments of account 028742: /rb2610 is none",
    ),
    ({"verbs": ["ReqQuote*"]}, {}, "verbs of account 028742: ReqOrderInsert is none of them"),
    ({"watch_only": True}, {}, "watch_only of account 028742: ReqOrderInsert"),
    ({"kill": True}, {}, "kill switch, set by the limits file for account 028742"),
    (
        {"price_band": 0.02},
        {"LimitPrice": 3571.0},
        "price_band 0.02 of account 028742: price 3571, the last is 3500",
    ),
    (
        {"price_band": 0.02},
        {"LimitPrice": 3429.0},
        "price_band 0.02 of account 028742: price 3429, the last is 3500",
    ),
    (
        {"price_band": 0.5},
        {"LimitPrice": 3901.0},
        "price_band 0.5 of account 028742: price 3901 is above UpperLimitPrice 3900",
    ),
    (
        {"price_band": 0.5},
        {"LimitPrice": 3099.0},
        "price_band 0.5 of account 028742: price 3099 is below LowerLimitPrice 3100",
    ),
    (
        {"price_band": 0.02},
        {"OrderPriceType": "1", "LimitPrice": 0.0},
        "price_band 0.02 of account 028742: an order without a limit price",
    ),
]


@pytest.mark.parametrize(("account", "fields", "text"), REFUSING)
def test_a_rule_refuses_an_order_which_passes_without_it(
    desk: Desk, account: dict[str, Any], fields: dict[str, Value], text: str
) -> None:
    desk.tick()
    desk.order(**fields)
    desk.rules(**account)
    assert desk.refused(**fields) == text
    (rule,) = desk.limits.describe()["refused"]
    assert rule in text or rule == "verbs"


PASSING: list[tuple[dict[str, Any], dict[str, Value]]] = [
    ({"max_volume": 10}, {"VolumeTotalOriginal": 10}),
    ({"max_volume": {"rb": 3, "*": 9}}, {"VolumeTotalOriginal": 5, "InstrumentID": "cu2610"}),
    ({"max_volume": {"rb2610": 30, "*": 9}}, {"VolumeTotalOriginal": 30}),
    ({"max_volume": {"cu": 3}}, {"VolumeTotalOriginal": 500}),
    ({"instruments": ["rb"]}, {}),
    ({"instruments": ["rb2*"]}, {"ExchangeID": ""}),
    ({"instruments": ["600000", "SHFE/rb2610"]}, {}),
    ({"verbs": ["ReqOrder*"]}, {}),
    ({"price_band": 0.02}, {"LimitPrice": 3570.0}),
    ({"price_band": 0.02}, {"LimitPrice": 3430.0}),
    ({"price_band": {"cu": 0.01}}, {"LimitPrice": 3800.0}),
    ({"price_band": 0.02, "market_orders": True}, {"OrderPriceType": "1", "LimitPrice": 0.0}),
]


@pytest.mark.parametrize(("account", "fields"), PASSING)
def test_what_is_within_a_rule_passes(
    desk: Desk, account: dict[str, Any], fields: dict[str, Value]
) -> None:
    desk.tick()
    desk.rules(**account)
    desk.order(**fields)


def test_a_product_is_no_prefix(desk: Desk) -> None:
    desk.rules(instruments=["a"])
    desk.order(InstrumentID="a2611", ExchangeID="DCE")
    desk.refused(InstrumentID="au2612")


def test_a_blank_behind_a_name_leads_past_no_rule(desk: Desk) -> None:
    desk.rules(max_volume={"rb2610": 1})
    assert "5 lots" in desk.refused(InstrumentID="rb2610 ", VolumeTotalOriginal=5)


def test_null_switches_a_default_off_and_the_defaults_are_named(desk: Desk) -> None:
    desk.document = {"defaults": {"max_volume": 2}}
    desk.restart()
    text = "max_volume 2 of the defaults (account 028742): 5 lots"
    assert desk.refused(VolumeTotalOriginal=5) == text
    desk.document["accounts"] = {"028742": {"max_volume": None}}
    desk.restart()
    desk.order(VolumeTotalOriginal=5)


# -- every family ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", INSERTIONS)
@pytest.mark.parametrize(
    "account",
    [
        {"instruments": ["cu"]},
        {"verbs": ["ReqTransfer"]},
        {"kill": True},
        {"watch_only": True},
        {"orders_per_s": 1},
    ],
)
def test_the_rules_hold_for_every_insertion(
    desk: Desk, method: str, account: dict[str, Any]
) -> None:
    raw = body(method, InstrumentID="rb2610", ExchangeID="SHFE")
    desk.send(method, raw)
    desk.rules(**account)
    desk.refusal(method, raw)


@pytest.mark.parametrize("method", [name for name in INSERTIONS if name != "ReqForQuoteInsert"])
@pytest.mark.parametrize("volume", ["VolumeTotalOriginal", "Volume", "BidVolume", "AskVolume"])
def test_max_volume_holds_for_every_insertion_with_a_volume(
    desk: Desk, method: str, volume: str
) -> None:
    struct = CATALOGUE.td.requests[method].struct
    if volume not in {field.name for field in CATALOGUE.layouts[struct].fields}:
        return
    desk.rules(max_volume=10)
    desk.send(method, body(method, InstrumentID="rb2610", **{volume: 10}))
    text = desk.refusal(method, body(method, InstrumentID="rb2610", **{volume: 11}))
    assert text == "max_volume 10 of account 028742: 11 lots"


def test_both_prices_of_a_quote_are_within_the_band(desk: Desk) -> None:
    desk.tick()
    desk.rules(price_band=0.02)

    def quote(bid: float, ask: float) -> bytes:
        values: dict[str, Value] = {"BidPrice": bid, "AskPrice": ask, "BidVolume": 1}
        return body("ReqQuoteInsert", InstrumentID="rb2610", AskVolume=1, **values)

    desk.send("ReqQuoteInsert", quote(3490.0, 3510.0))
    assert "price 3400" in desk.refusal("ReqQuoteInsert", quote(3400.0, 3510.0))
    assert "price 3600" in desk.refusal("ReqQuoteInsert", quote(3490.0, 3600.0))


# -- cancels ---------------------------------------------------------------------------------


def test_no_limit_but_the_verbs_refuses_a_cancel(desk: Desk) -> None:
    desk.rules(
        max_volume=1,
        instruments=["cu"],
        orders_per_s=1,
        max_live_orders=1,
        kill=True,
        meters={"refuse": {"per_s": 1, "per_day": 1, "busy_seconds": 1}, "busy": 1},
        price_band=0.01,
        self_trade="refuse",
    )
    for _ in range(20):
        desk.cancel(InstrumentID="rb2610", ExchangeID="SHFE")
    desk.rules(watch_only=True)
    raw = pack("InputOrderAction", ActionFlag="0")
    assert "watch_only" in desk.refusal("ReqOrderAction", raw)
    desk.rules(verbs=["ReqOrderInsert"])
    assert "verbs" in desk.refusal("ReqOrderAction", raw)


def test_a_modification_is_no_cancel_for_the_kill_switch(desk: Desk) -> None:
    raw = pack("InputOrderAction", ActionFlag="3")
    desk.check("ReqOrderAction", raw)
    desk.limits.kill(True, False)
    assert "a modification" in desk.refusal("ReqOrderAction", raw)


# -- rates -----------------------------------------------------------------------------------


def test_so_many_orders_within_any_second(desk: Desk) -> None:
    desk.rules(orders_per_s=2)
    desk.order()
    desk.now += 0.9
    desk.order()
    text = "orders_per_s 2 of account 028742: 2 within the last second"
    assert desk.refused() == text
    desk.now += 0.1
    desk.order()
    desk.refused()


def test_the_rate_of_one_client_is_not_another_ones(desk: Desk) -> None:
    desk.rules(client={"orders_per_s": 1})
    desk.order()
    assert "each client of account" in desk.refused()
    desk.order_of(OTHER_CLIENT)


def test_what_was_refused_counts_for_no_rate(desk: Desk) -> None:
    desk.rules(orders_per_s=1, max_volume=1)
    for _ in range(5):
        desk.refused(VolumeTotalOriginal=2)
    desk.order()


def test_many_clients_cost_no_memory_for_ever(desk: Desk) -> None:
    desk.rules(client={"orders_per_s": 1})
    for client in range(3000):
        desk.order_of(client)
        desk.now += 0.01
    assert len(desk.shared) <= 1001


# -- live orders -----------------------------------------------------------------------------


def test_so_many_orders_may_be_live(desk: Desk) -> None:
    desk.rules(max_live_orders=2)
    first, second = desk.order(), desk.order()
    assert desk.refused() == "max_live_orders 2 of account 028742: 2 orders are live"
    desk.returned(first, "3")
    desk.refused()
    desk.returned(first, "5")
    third = desk.order()
    second.state = OrderState.REJECTED  # no return comes of what the counter refuses
    desk.order()
    third.state = OrderState.UNKNOWN
    desk.refused()


def test_orders_of_other_programs_are_live_as_well(desk: Desk) -> None:
    desk.rules(max_live_orders=1)
    desk.returned(None, "3", InstrumentID="rb2610", Direction="0", LimitPrice=3500.0)
    desk.refused()
    desk.returned(None, "0", InstrumentID="rb2610", Direction="0", LimitPrice=3500.0)
    desk.order()


def test_live_orders_of_one_client_are_not_another_ones(desk: Desk) -> None:
    desk.rules(client={"max_live_orders": 1})
    desk.order()
    assert "each client" in desk.refused()
    desk.order_of(OTHER_CLIENT)


def test_orders_on_record_are_live_after_a_restart(desk: Desk) -> None:
    desk.rules(max_live_orders=1)
    record = desk.order()
    desk.restart()
    desk.limits.recovered([record])
    desk.refused()
    desk.returned(record, "3")
    desk.returned(record, "5")
    desk.order()


def test_another_session_of_the_account_has_the_same_switch_and_rate(desk: Desk) -> None:
    desk.rules(orders_per_s=1)
    other = SessionLimits(CATALOGUE, USER, desk.shared, desk.limits.rules, desk.ticks)
    call = Call(1, "ReqOrderInsert", 0, body=order())
    other.check(call, OTHER_CLIENT, desk.now)
    desk.order()
    with pytest.raises(Refused, match="orders_per_s"):
        other.check(call, OTHER_CLIENT, desk.now)
    desk.limits.kill(True, cancel_all=False)
    with pytest.raises(Refused, match="kill switch"):
        other.check(call, OTHER_CLIENT, desk.now + 1)


# -- self-trade ------------------------------------------------------------------------------

BUY, SELL = "0", "1"
SELF = "self_trade of account 028742: "


@pytest.mark.parametrize(
    ("live", "new", "text"),
    [
        ((BUY, 3500.0), (SELL, 3500.0), SELF + "3500 meets a live order that buys at 3500"),
        ((BUY, 3501.0), (SELL, 3500.0), SELF + "3500 meets a live order that buys at 3501"),
        ((SELL, 3499.0), (BUY, 3500.0), SELF + "3500 meets a live order that sells at 3499"),
        ((SELL, 9000.0), (BUY, None), SELF + "any price meets a live order that sells at 9000"),
        ((BUY, None), (SELL, 9000.0), SELF + "9000 meets a live order that buys at any price"),
        ((BUY, 3499.0), (SELL, 3500.0), ""),
        ((SELL, 3501.0), (BUY, 3500.0), ""),
        ((BUY, 3500.0), (BUY, 3500.0), ""),
    ],
)
def test_an_order_that_could_meet_ones_own(
    desk: Desk, live: tuple[str, float | None], new: tuple[str, float | None], text: str
) -> None:
    def fields(side: str, price: float | None) -> dict[str, Value]:
        kind = "1" if price is None else "2"
        return {"Direction": side, "LimitPrice": price, "OrderPriceType": kind}

    desk.order(**fields(*live))
    desk.check("ReqOrderInsert", order(**fields(*new)))  # without the rule
    desk.rules(self_trade="refuse")
    desk.check("ReqOrderInsert", order(**fields(*new), InstrumentID="rb2611"))
    if text:
        assert desk.refused(**fields(*new)) == text
    else:
        desk.order(**fields(*new))


def test_the_best_of_many_live_orders_counts_while_it_lives(desk: Desk) -> None:
    desk.rules(self_trade="refuse")
    prices = (3498.0, 3500.0, 3499.0)
    low, high, middle = (desk.order(LimitPrice=price) for price in prices)
    desk.refused(Direction=SELL, LimitPrice=3500.0)
    desk.returned(high, "3")
    desk.returned(high, "5")
    desk.check("ReqOrderInsert", order(Direction=SELL, LimitPrice=3500.0))
    desk.refused(Direction=SELL, LimitPrice=3499.0)
    middle.state = OrderState.REJECTED
    desk.check("ReqOrderInsert", order(Direction=SELL, LimitPrice=3499.0))
    low.state = OrderState.CANCELLED
    desk.order(Direction=SELL, LimitPrice=1.0)


def test_a_quote_meets_and_is_met(desk: Desk) -> None:
    desk.rules(self_trade="refuse")
    values: dict[str, Value] = {"BidPrice": 3490.0, "AskPrice": 3510.0, "BidVolume": 1}
    quote = body("ReqQuoteInsert", InstrumentID="rb2610", AskVolume=1, **values)
    record = desk.send("ReqQuoteInsert", quote)
    desk.refused(Direction=BUY, LimitPrice=3510.0)
    desk.refused(Direction=SELL, LimitPrice=3490.0)
    record.state = OrderState.REJECTED
    desk.order(Direction=SELL, LimitPrice=3490.0)
    assert "meets a live order that sells" in desk.refusal("ReqQuoteInsert", quote)


# -- the price band and its ticks ------------------------------------------------------------


def test_no_order_passes_by_a_stale_price(desk: Desk) -> None:
    desk.rules(price_band=0.02)
    text = "price_band 0.02 of account 028742: no tick of rb2610 younger than 5 s; asked for it"
    assert desk.refused() == text
    assert desk.ticks.unasked == ["rb2610"]
    desk.tick(age=5.1)
    assert desk.refused() == text
    desk.tick(age=4.0)
    desk.order()
    desk.now += 1.1
    assert desk.refused() == text


def test_an_older_tick_does_not_replace_a_newer_one(desk: Desk) -> None:
    desk.rules(price_band=0.02)
    desk.tick(seq=2, LastPrice=3500.0)
    desk.tick(seq=1, LastPrice=3000.0)
    desk.order()
    desk.tick(seq=3, LastPrice=3000.0)
    desk.refused()


def test_before_the_first_trade_the_settlement_price_counts(desk: Desk) -> None:
    desk.rules(price_band=0.02)
    desk.tick(LastPrice=None)
    desk.order(LimitPrice=3400.0)
    desk.refused(LimitPrice=3500.0)
    desk.now += 1
    desk.tick(LastPrice=None, PreSettlementPrice=None)
    assert "no price to go by" in desk.refused()


# -- the kill switch -------------------------------------------------------------------------


def test_the_kill_switch_outlives_the_worker(desk: Desk) -> None:
    desk.order()
    desk.limits.kill(True, cancel_all=True)
    assert desk.refused() == "kill switch, set by a client of account 028742"
    desk.restart()
    desk.refused()
    assert desk.limits.cancels_all
    assert desk.limits.describe()["killed"] == "a client of account 028742"
    desk.limits.kill(False, cancel_all=False)
    desk.order()
    desk.restart()
    desk.order()
    assert not desk.limits.cancels_all


def test_the_switch_of_the_file_is_not_a_clients_to_set_off(desk: Desk) -> None:
    desk.document = {"kill": "cancel_all"}
    desk.restart()
    desk.limits.kill(False, cancel_all=False)
    assert desk.refused() == "kill switch, set by the limits file for the whole worker"
    assert desk.limits.cancels_all
    desk.document = {}
    desk.restart()
    desk.order()


@pytest.mark.parametrize(("whole", "own"), [("cancel_all", True), (True, "cancel_all")])
def test_of_two_switches_of_the_file_the_one_that_does_more_holds(
    desk: Desk, whole: object, own: object
) -> None:
    desk.document = {"kill": whole, "accounts": {USER: {"kill": own}}}
    desk.restart()
    assert desk.refused() == f"kill switch, set by the limits file for account {USER}"
    assert desk.limits.cancels_all
