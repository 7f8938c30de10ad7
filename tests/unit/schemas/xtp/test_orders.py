"""Orders, trades and refusals of the counter as records of XTP."""

from __future__ import annotations

from typing import Any

import pytest

import schemas.catalogue
from schemas.calendar import always_open
from schemas.xtp.instruments import Instrument
from schemas.xtp.orders import (
    STATUS_BACK,
    OrderNames,
    amount,
    order,
    order_status,
    refused,
    submit_status,
    trade,
)
from schemas.xtp.price_types import price_type_of

from ..test_calendar import at

CATALOGUE = schemas.catalogue.load()
NAMES = OrderNames(4503599627370497, 12)
NOW = at("11-20 10:00:00")


def told(struct: str, **values: Any) -> dict[str, Any]:
    codec = CATALOGUE.codec(struct)
    return codec.unpack(codec.pack(values))


def an_order(**values: Any) -> dict[str, Any]:
    return told(
        "Order",
        **{
            "InstrumentID": "rb2701",
            "ExchangeID": "SHFE",
            "TradingDay": "20261120",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "OrderPriceType": "2",
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "VolumeTotalOriginal": 5,
            "InsertTime": "09:30:00",
        }
        | values,
    )


# OrderStatus, OrderSubmitStatus, VolumeTraded; order_status, order_submit_status
STATUS = [
    ("0", "3", 5, 1, 2),
    ("1", "3", 2, 2, 2),
    ("2", "3", 2, 3, 2),
    ("3", "3", 0, 4, 2),
    ("3", "0", 0, 4, 1),
    ("4", "3", 0, 4, 2),
    ("5", "4", 0, 6, 3),
    ("5", "3", 0, 5, 6),
    ("5", "3", 2, 3, 6),
    ("5", "0", 2, 3, 1),  # what is left of FAK
    ("5", "1", 0, 5, 4),
    ("a", "0", 0, 0, 1),
    ("b", "0", 0, 0, 1),
    ("c", "0", 0, 0, 1),
    ("3", "1", 0, 4, 4),
    ("3", "2", 0, 4, 1),
    ("3", "5", 0, 4, 5),
    ("3", "6", 0, 4, 3),
    ("", "", 0, 0, 1),
]


@pytest.mark.parametrize(("status", "submit", "traded", "xtp", "xtp_submit"), STATUS)
def test_status(status: str, submit: str, traded: int, xtp: int, xtp_submit: int) -> None:
    fields = an_order(OrderStatus=status, OrderSubmitStatus=submit, VolumeTraded=traded)
    assert (order_status(fields), submit_status(fields)) == (xtp, xtp_submit)
    if status in set("0135a"):
        assert status in STATUS_BACK[xtp]


@pytest.mark.parametrize(
    ("terms", "price_type"),
    [
        ("231", 1),
        ("232", 1),
        ("221", 1),
        ("111", 2),
        ("311", 2),
        ("113", 5),
        ("G31", 3),
        ("G11", 4),
        ("331", 7),
        ("213", 8),
        ("211", 101),
        ("212", 101),
        ("133", 1),
    ],
)
def test_the_price_type_of_an_order_from_elsewhere(terms: str, price_type: int) -> None:
    assert price_type_of(*terms) == price_type
    shown = order(
        an_order(OrderPriceType=terms[0], TimeCondition=terms[1], VolumeCondition=terms[2]),
        NAMES,
        NOW,
    )
    assert shown["price_type"] == price_type


def test_what_the_client_sent_wins() -> None:
    names = OrderNames(1, 2, 3, 2, 10)
    shown = order(an_order(), names, NOW)
    assert (shown["price_type"], shown["business_type"]) == (2, 10)
    assert (shown["order_client_id"], shown["order_cancel_xtp_id"]) == (2, 3)


def test_an_option_of_a_client_who_is_not_known() -> None:
    option = Instrument("m2701-C-3000", "DCE", 10, "2")
    future = Instrument("m2701", "DCE", 10, "1")
    assert order(an_order(), NAMES, NOW, instrument=option)["business_type"] == 10
    assert order(an_order(), NAMES, NOW, instrument=future)["business_type"] == 0
    assert order(an_order(), NAMES, NOW)["business_type"] == 0


def test_a_refused_order_says_why() -> None:
    text = "已撤单报单被拒绝SHFE:资金不足"
    fields = an_order(OrderStatus="5", OrderSubmitStatus="4", StatusMsg=text, VolumeTotal=5)
    shown = order(fields, NAMES, NOW, error_id=31)
    assert (shown["order_status"], shown["error_id"], shown["error_msg"]) == (6, 31, text)
    assert (shown["qty_left"], shown["cancel_time"]) == (5, 0)
    assert order(an_order(StatusMsg="未成交"), NAMES, NOW, error_id=31)["error_msg"] == ""


def test_a_refusal_without_an_order() -> None:
    fields = told(
        "InputOrder",
        InstrumentID="rb2701",
        ExchangeID="SHFE",
        Direction="1",
        CombOffsetFlag="3",
        OrderPriceType="2",
        TimeCondition="3",
        VolumeCondition="1",
        LimitPrice=3120.0,
        VolumeTotalOriginal=3,
    )
    info = {"ErrorID": 51, "ErrorMsg": "CTP:平昨仓位不足"}
    shown = refused(fields, info, NAMES, NOW)
    assert list(shown) == list(order(an_order(), NAMES, NOW))
    assert shown["order_status"] == 6
    assert shown["order_submit_status"] == 3
    assert (shown["error_id"], shown["error_msg"]) == (51, "CTP:平昨仓位不足")
    assert (shown["side"], shown["position_effect"], shown["market"]) == (2, 4, 101)
    assert (shown["qty_traded"], shown["qty_left"]) == (0, 3)
    assert shown["insert_time"] == shown["update_time"] == 20261120100000000


# TradingDay, InsertTime, told at; insert_time
TIMES = [
    ("20261120", "09:30:00", "11-20 09:30:00", 20261120093000000),
    ("20261120", "09:30:00", "11-20 09:29:59", 20261120093000000),
    ("20261120", "09:30:00", "11-20 22:30:00", 20261120093000000),
    # the night before, told at once, in the afternoon, and after a weekend
    ("20261120", "21:00:01", "11-19 21:00:01", 20261119210001000),
    ("20261120", "21:00:01", "11-20 15:10:00", 20261119210001000),
    ("20261123", "21:00:01", "11-20 21:00:02", 20261120210001000),
    ("20261123", "21:00:01", "11-23 08:40:00", 20261120210001000),
    ("20261123", "21:00:01", "11-23 15:10:00", 20261120210001000),
    ("20261123", "00:30:00", "11-23 08:40:00", 20261121003000000),
    ("20261123", "02:29:59", "11-21 02:30:00", 20261121022959000),
    ("20261124", "00:30:00", "11-24 08:40:00", 20261124003000000),
    # after a holiday
    ("20261008", "14:59:59", "10-08 15:00:00", 20261008145959000),
    # no trading day: the last time it was so late
    ("", "21:00:01", "11-20 15:10:00", 20261119210001000),
    ("", "09:30:00", "11-20 15:10:00", 20261120093000000),
    # a trading day that lies ahead
    ("20261123", "14:00:00", "11-20 14:00:01", 20261120140000000),
    ("20261120", "", "11-20 14:00:01", 0),
    ("20261120", "25:00:00", "11-20 14:00:01", 0),
]


@pytest.mark.parametrize(("trading_day", "clock", "now", "expected"), TIMES)
def test_the_date_of_an_order(trading_day: str, clock: str, now: str, expected: int) -> None:
    fields = an_order(TradingDay=trading_day, InsertTime=clock, UpdateTime=clock)
    shown = order(fields, NAMES, at(now))
    assert shown["insert_time"] == shown["update_time"] == expected
    told_trade = told("Trade", TradingDay=trading_day, TradeTime=clock, TradeDate="20000101")
    assert trade(told_trade, NAMES, 10, at(now))["trade_time"] == expected


def test_on_the_embedded_exchange_sundays_have_a_night() -> None:
    fields = an_order(TradingDay="20261123", InsertTime="21:00:01")
    shown = order(fields, NAMES, at("11-22 21:00:02"), calendar=always_open())
    assert shown["insert_time"] == 20261122210001000


def test_when_an_order_was_cancelled() -> None:
    cancelled = {"OrderStatus": "5", "OrderSubmitStatus": "3"}
    assert order(an_order(), NAMES, NOW)["cancel_time"] == 0
    told_by_exchange = order(an_order(**cancelled, CancelTime="09:59:58"), NAMES, NOW)
    assert told_by_exchange["cancel_time"] == 20261120095958000
    assert order(an_order(**cancelled), NAMES, NOW)["cancel_time"] == 20261120100000000
    seen = order(an_order(**cancelled), NAMES, NOW, canceled_ns=at("11-20 09:45:00"))
    assert seen["cancel_time"] == 20261120094500000


@pytest.mark.parametrize(("order_type", "xtp"), [("0", "0"), ("5", "5"), ("6", "0"), ("", "0")])
def test_order_type(order_type: str, xtp: str) -> None:
    assert order(an_order(OrderType=order_type), NAMES, NOW)["order_type"] == xtp


def test_a_trade() -> None:
    fields = told(
        "Trade",
        InstrumentID="rb2701",
        ExchangeID="SHFE",
        TradingDay="20261120",
        TradeID="       88",
        Direction="1",
        OffsetFlag="3",
        OrderSysID="      99",
        OrderLocalID="     5",
        TraderID="T1",
        Price=3120.1,
        Volume=3,
        TradeTime="09:30:01",
        SequenceNo=41,
    )
    shown = trade(fields, OrderNames(7, 12, business_type=0), 10, NOW)
    assert shown["trade_amount"] == 93603.0 == amount(fields, 10)
    assert (shown["order_xtp_id"], shown["local_order_id"], shown["order_client_id"]) == (7, 7, 12)
    assert (shown["exec_id"], shown["order_exch_id"]) == ("88", "99")
    assert (shown["side"], shown["position_effect"], shown["market"]) == (2, 4, 101)
    assert (shown["report_index"], shown["branch_pbu"], shown["trade_type"]) == (41, "T1", "0")
