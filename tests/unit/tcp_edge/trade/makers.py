"""Returns of the counter and orders of clients, for the book of an account."""

from __future__ import annotations

from typing import Any

import schemas.catalogue
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import order_xtp_id
from tcp_edge.trade.account.book import Book
from tcp_edge.trade.orders.placed import Placed

CATALOGUE = schemas.catalogue.load()
DAY, BROKER, USER = "20261123", "9999", "028742"
FRONT, SESSION = 1, 77
RB = Instrument("rb2701", "SHFE", 10, "1", "rb2701")
# 2026-11-23 10:00:00 in Shanghai.
AT_NS = 1_795_399_200 * 10**9
TIMES = {"TradingDay": DAY, "InsertTime": "10:00:00", "UpdateTime": "10:00:00"}


def nothing(struct: str) -> dict[str, Any]:
    codec = CATALOGUE.codec(struct)
    return dict(codec.unpack(bytes(codec.size)))


def find(code: str, exchange: str) -> Instrument | None:
    return RB if (code, exchange) == ("rb2701", "SHFE") else None


def book() -> Book:
    return Book(DAY, BROKER, USER, find)


def placed(ref: str = "1", **more: Any) -> Placed:
    fields = nothing("InputOrder") | {
        "InstrumentID": "rb2701",
        "ExchangeID": "SHFE",
        "Direction": "0",
        "CombOffsetFlag": "0",
        "OrderPriceType": "2",
        "TimeCondition": "3",
        "VolumeCondition": "1",
        "LimitPrice": 3100.0,
        "VolumeTotalOriginal": 5,
        "RequestID": int(ref) + 100,
        "OrderRef": ref,
        "OrderMemo": f"x{ref}",
    }
    values: dict[str, Any] = {
        "order_xtp_id": order_xtp_id(DAY, BROKER, USER, FRONT, SESSION, ref),
        "reqid": int(ref) + 100,
        "user": "anna",
        "own": "",
        "digest": b"",
        "name": f"name{ref}",
        "front_id": FRONT,
        "session_id": SESSION,
        "order_ref": ref,
        "order_client_id": int(ref) + 1000,
        "price_type": 1,
        "business_type": 0,
        "fields": fields,
        "placed_ns": AT_NS,
    }
    return Placed(**(values | more))


def order(ref: str, status: str, traded: int = 0, **more: Any) -> dict[str, Any]:
    fields = {
        **nothing("Order"),
        **TIMES,
        "InstrumentID": "rb2701",
        "ExchangeID": "SHFE",
        "FrontID": FRONT,
        "SessionID": SESSION,
        "OrderRef": ref,
        "OrderSysID": f"{ref:>12}",
        "OrderLocalID": ref,
        "TraderID": "T",
        "Direction": "0",
        "CombOffsetFlag": "0",
        "OrderPriceType": "2",
        "TimeCondition": "3",
        "VolumeCondition": "1",
        "LimitPrice": 3100.0,
        "OrderStatus": status,
        "OrderSubmitStatus": "3",
        "OrderType": "0",
        "VolumeTotalOriginal": 5,
        "VolumeTraded": traded,
        "VolumeTotal": 5 - traded,
    }
    return fields | more


def trade(ref: str, number: str, volume: int, price: float) -> dict[str, Any]:
    return {
        **nothing("Trade"),
        "TradingDay": DAY,
        "TradeTime": "10:00:00",
        "InstrumentID": "rb2701",
        "ExchangeID": "SHFE",
        "OrderSysID": f"{ref:>12}",
        "OrderLocalID": ref,
        "TraderID": "T",
        "TradeID": number,
        "Direction": "0",
        "OffsetFlag": "0",
        "Price": price,
        "Volume": volume,
    }
