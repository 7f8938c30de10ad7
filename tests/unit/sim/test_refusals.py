"""What is refused, by whom (counter or exchange), and in which words."""

from __future__ import annotations

from math import inf, nan

import pytest

from sim.exchange.counter import Counter, Settings
from sim.exchange.values import Value, text
from tests.unit.sim.trader import NOW_NS, Trader, exchange, log_in, still

SELL: dict[str, Value] = {"Direction": "1"}
CLOSE: dict[str, Value] = {"Direction": "1", "CombOffsetFlag": "1"}
CLOSE_TODAY: dict[str, Value] = {"Direction": "1", "CombOffsetFlag": "3"}
CLOSE_YESTERDAY: dict[str, Value] = {"Direction": "1", "CombOffsetFlag": "4"}
PRICES = {"cu2603": 79300.0, "m2605": 3000.0, "600000": 11.8, "IF2603": 4500.0, "SR605": 5700.0}


@pytest.fixture(scope="module")
def trader() -> Trader:
    return log_in(exchange())


@pytest.mark.parametrize(
    ("instrument", "fields", "error_id"),
    [
        ("cu2603", {"BrokerID": "8888"}, 12),
        ("cu2603", {"BrokerID": ""}, 12),
        ("cu2603", {"InvestorID": "nobody"}, 13),
        ("cu2603", {"InvestorID": ""}, 13),
        ("cu2603", {"InvestorID": "100002"}, 9),
        ("cu2603", {"UserID": "100002"}, 2),
        ("cu9999", {}, 16),
        ("", {}, 16),
        ("cu2603", {"ExchangeID": "DCE"}, 16),
        ("399001", {}, 17),
        ("cu2603", {"VolumeTotalOriginal": 0}, 15),
        ("cu2603", {"VolumeTotalOriginal": -1}, 15),
        ("cu2603", {"LimitPrice": nan}, 15),
        ("cu2603", {"LimitPrice": inf}, 15),
        ("cu2603", {"LimitPrice": None}, 15),
        ("cu2603", {"Direction": ""}, 15),
        ("cu2603", {"Direction": "2"}, 15),
        ("cu2603", {"Direction": "\x00"}, 15),
        ("cu2603", {"OrderPriceType": ""}, 15),
        ("cu2603", {"CombOffsetFlag": ""}, 15),
        ("cu2603", {"CombOffsetFlag": "00"}, 15),
        ("cu2603", {"CombHedgeFlag": "9"}, 15),
        ("cu2603", {"TimeCondition": "7"}, 15),
        ("cu2603", {"VolumeCondition": "0"}, 15),
        ("cu2603", {"ForceCloseReason": ""}, 15),
        ("cu2603", {"ContingentCondition": ""}, 15),
        ("cu2603", {"MinVolume": -1}, 15),
        ("cu2603", {"OrderRef": "abc"}, 15),
        ("cu2603", {"OrderRef": "-1"}, 15),
        ("cu2603", {"OrderRef": "１２"}, 15),
        ("cu2603", {"ContingentCondition": "2"}, 54),
        ("cu2603", {"VolumeTotalOriginal": 2**31 - 1}, 31),
        ("m2605", CLOSE, 30),
        ("cu2603", CLOSE, 51),
        ("cu2603", CLOSE_YESTERDAY, 51),
        ("cu2603", CLOSE_TODAY, 50),
        ("600000", SELL, 37),
    ],
)
def test_the_counter_refuses(
    trader: Trader, instrument: str, fields: dict[str, Value], error_id: int
) -> None:
    found, message = trader.refusal(instrument, PRICES.get(instrument, 1.0), 1, **fields)
    assert found == error_id
    assert message.startswith("CTP:")
    assert trader.account()["Available"] == 20_000_000.0


@pytest.mark.parametrize(
    ("instrument", "price", "volume", "fields", "reason"),
    [
        ("cu2603", 79305.0, 1, {}, "价格非最小单位倍数"),
        ("cu2603", 1e9, 1, {}, "价格超出涨停板"),
        ("cu2603", 10.0, 1, {}, "价格跌破跌停板"),
        ("cu2603", -10.0, 1, SELL, "价格跌破跌停板"),
        ("600000", 20.0, 100, {}, "价格超出涨停板"),
        ("600000", 11.8, 150, {}, "买入数量不是整手"),
        ("m2605", 3000.0, 501, {}, "报单手数超过最大下单量"),
        ("IF2603", 4500.0, 21, {}, "报单手数超过最大下单量"),
        ("cu2603", 79300.0, 1, {"MinVolume": 2}, "最小成交量大于报单数量"),
        ("cu2603", 0.0, 1, {"OrderPriceType": "1", "TimeCondition": "1"}, "不被支持的报单类型"),
        ("cu2603", 0.0, 1, {"OrderPriceType": "G", "TimeCondition": "1"}, "不被支持的报单类型"),
        ("m2605", 0.0, 1, {"OrderPriceType": "3", "TimeCondition": "1"}, "不被支持的报单类型"),
        ("m2605", 0.0, 1, {"OrderPriceType": "1"}, "不被支持的报单类型"),
        ("SR605", 0.0, 1, {"OrderPriceType": "1", "TimeCondition": "1"}, "不被支持的报单类型"),
        ("cu2603", 79300.0, 1, {"TimeCondition": "2"}, "不被支持的报单类型"),
        ("cu2603", 79300.0, 1, {"VolumeCondition": "3"}, "不被支持的报单类型"),
    ],
)
def test_the_exchange_refuses(
    instrument: str, price: float, volume: int, fields: dict[str, Value], reason: str
) -> None:
    trader = log_in(exchange())
    order = trader.order(instrument, price, volume, **fields)
    assert (order["OrderStatus"], order["OrderSubmitStatus"]) == ("5", "4")
    exchange_id = text(order, "ExchangeID")
    assert order["StatusMsg"] == f"已撤单报单被拒绝{exchange_id}:{reason}"
    assert text(order, "OrderLocalID") and not text(order, "OrderSysID")
    account = trader.account()
    assert account["Available"] == 20_000_000.0
    assert account["FrozenMargin"] == account["FrozenCommission"] == account["FrozenCash"] == 0.0


def test_czce_cuts_a_price_off_to_its_tick() -> None:
    counter = exchange()
    still(counter, "SR605", 5600, 5601)
    trader = log_in(counter)
    trader.order("SR605", 5601.9, 1)
    assert [row["Price"] for row in trader.rows("ReqQryTrade")] == [5601.0]


def test_czce_closes_with_the_speculation_flag_only() -> None:
    counter = exchange()
    still(counter, "SR605", 5600, 5601)
    trader = log_in(counter)
    trader.order("SR605", 5601.0, 1, CombHedgeFlag="3")
    order = trader.order("SR605", 5600.0, 1, CombHedgeFlag="3", **CLOSE)
    assert order["StatusMsg"] == "已撤单报单被拒绝CZCE:平仓投机套保标志错误"


def test_outside_its_hours_the_exchange_refuses() -> None:
    counter = Counter(Settings(hours="exchange", confirm_settlement=False), NOW_NS)
    evening = NOW_NS + 8 * 3600 * 10**9
    trader = log_in(counter, now_ns=evening)
    order = trader.order("cu2603", 79300.0)
    assert order["StatusMsg"] == "已撤单报单被拒绝SHFE:当前状态禁止此项操作"


def test_order_references_rise_within_a_session(trader: Trader) -> None:
    counter = exchange()
    one, other = log_in(counter), log_in(counter)
    assert one.order("cu2603", 73000, 1, OrderRef="5")["OrderRef"] == "5"
    assert one.refusal("cu2603", 73000, 1, OrderRef="5")[0] == 22
    assert one.refusal("cu2603", 73000, 1, OrderRef="          4")[0] == 22
    assert one.order("cu2603", 73000, 1)["OrderRef"] == "           6"
    assert other.order("cu2603", 73000, 1, OrderRef="5")["OrderRef"] == "5"


def test_a_reference_is_used_up_by_a_refused_order() -> None:
    trader = log_in(exchange())
    assert trader.refusal("cu2603", 79300, 10_000, OrderRef="7")[0] == 31
    assert trader.refusal("cu2603", 79300, 1, OrderRef="7")[0] == 22


def test_error_31_tells_what_is_missing() -> None:
    trader = log_in(exchange())
    _, message = trader.refusal("cu2603", 79300, 10_000)
    assert message.startswith("CTP:资金不足，缺少") and message.endswith("元")


@pytest.mark.parametrize(
    ("changes", "error_id"),
    [
        ({"ActionFlag": "3"}, 23),
        ({"ActionFlag": ""}, 23),
        ({"OrderSysID": "9"}, 25),
        ({"ExchangeID": "DCE"}, 25),
        ({"ExchangeID": ""}, 25),
        ({"OrderSysID": ""}, 25),
        ({"InvestorID": "100002"}, 9),
        ({"BrokerID": "1"}, 12),
    ],
)
def test_cancels_are_refused(changes: dict[str, Value], error_id: int) -> None:
    trader = log_in(exchange())
    order = trader.order("cu2603", 73000)
    action: dict[str, Value] = {
        "BrokerID": "9999",
        "InvestorID": "100001",
        "ActionFlag": "0",
        "ExchangeID": "SHFE",
        "OrderSysID": order["OrderSysID"],
    }
    answer, copy = trader.ask("ReqOrderAction", **{**action, **changes})
    assert (answer.callback, answer.error_id) == ("OnRspOrderAction", error_id)
    assert (copy.callback, copy.user) == ("OnErrRtnOrderAction", "100001")
    assert copy.field is not None and copy.field["OrderActionStatus"] == "c"
    assert trader.rows("ReqQryOrder")[0]["OrderStatus"] == "3"


def test_an_order_is_cancelled_only_once_and_by_its_owner_only() -> None:
    counter = exchange()
    trader, stranger = log_in(counter), log_in(counter, "100002")
    order = trader.order("cu2603", 73000)
    assert stranger.cancel(order)[0].error_id == 25
    assert trader.cancel(order)[0].callback == "OnRtnOrder"
    assert trader.cancel(order)[0].error_id == 26


def test_a_cancel_may_name_front_session_and_reference() -> None:
    trader = log_in(exchange())
    order = trader.order("cu2603", 73000, OrderRef="12")
    (event,) = trader.ask(
        "ReqOrderAction",
        BrokerID="9999",
        InvestorID="100001",
        ActionFlag="0",
        FrontID=order["FrontID"],
        SessionID=order["SessionID"],
        OrderRef="12",
    )
    assert event.field is not None and event.field["OrderStatus"] == "5"
