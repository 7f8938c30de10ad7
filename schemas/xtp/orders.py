"""Orders, trades and refusals of the counter as XTP's XTPOrderInfo and XTPTradeReport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..calendar import Calendar
from .instruments import Instrument
from .markets import market_number
from .price_types import price_type_of
from .sides import EFFECT_OF, SIDE_OF
from .structs import ORDER, ORDER_EXTRA, TRADE, TRADE_EXTRA, nothing
from .ticks import number
from .times import HOURS, report_stamp, stamp

INIT, ALL_TRADED, PART_QUEUEING, PART_CANCELED, QUEUEING, CANCELED, REJECTED = range(7)
SUBMITTED, ACCEPTED, INSERT_REJECTED, CANCEL_SUBMITTED, CANCEL_REJECTED, CANCEL_ACCEPTED = range(
    1, 7
)

_CANCELED: Final = "5"
_STATUS: Final = {
    "0": ALL_TRADED,
    "1": PART_QUEUEING,
    "2": PART_CANCELED,
    "3": QUEUEING,
    "4": QUEUEING,
    "a": INIT,
    "b": INIT,
    "c": INIT,
}
_SUBMIT: Final = {
    "0": SUBMITTED,
    "1": CANCEL_SUBMITTED,
    "2": SUBMITTED,
    "3": ACCEPTED,
    "4": INSERT_REJECTED,
    "5": CANCEL_REJECTED,
    "6": INSERT_REJECTED,
}
# CTP's OrderStatus by XTP's.
STATUS_BACK: Final = {
    ALL_TRADED: ("0",),
    PART_QUEUEING: ("1",),
    PART_CANCELED: ("2", "5"),
    QUEUEING: ("3",),
    CANCELED: ("5",),
    REJECTED: ("5",),
    INIT: ("a",),
}
_OTHER_TYPES: Final = frozenset({"6", "7", ""})  # XTP has '0' to '5'
_OPTION: Final = 10


class OrderNames(NamedTuple):
    """What the counter does not tell of an order. ``price_type`` and ``business_type``: as the
    client sent them, None when it is not known."""

    order_xtp_id: int
    order_client_id: int = 0
    order_cancel_xtp_id: int = 0
    price_type: int | None = None
    business_type: int | None = None


def order(
    fields: Mapping[str, Any],
    names: OrderNames,
    recv_ns: int,
    *,
    trade_amount: float = 0.0,
    instrument: Instrument | None = None,
    error_id: int = 0,
    canceled_ns: int = 0,
    calendar: Calendar = HOURS,
) -> dict[str, Any]:
    """``fields`` of CTP's Order, received at ``recv_ns``.

    trade_amount  Σ price × volume × multiplier of its trades, yuan
    error_id      that came with its refusal, if one came
    canceled_ns   when it was first seen cancelled: most exchanges tell no CancelTime
    """
    status = order_status(fields)
    canceled = 0
    if fields["OrderStatus"] == _CANCELED and status != REJECTED:
        canceled = report_stamp(fields, "CancelTime", recv_ns, calendar)
        canceled = canceled or stamp(canceled_ns or recv_ns)
    return (
        nothing(ORDER)
        | nothing(ORDER_EXTRA)
        | _terms(fields, names, instrument)
        | {
            "order_cancel_xtp_id": names.order_cancel_xtp_id,
            "qty_traded": fields["VolumeTraded"],
            "qty_left": fields["VolumeTotal"],
            "insert_time": report_stamp(fields, "InsertTime", recv_ns, calendar),
            "update_time": report_stamp(fields, "UpdateTime", recv_ns, calendar),
            "cancel_time": canceled,
            "trade_amount": trade_amount,
            "order_local_id": fields["OrderLocalID"].strip(),
            "order_status": status,
            "order_submit_status": submit_status(fields),
            "order_type": "0" if fields["OrderType"] in _OTHER_TYPES else fields["OrderType"],
            "order_exch_id": fields["OrderSysID"].strip(),
            "error_id": error_id if status == REJECTED else 0,
            "error_msg": fields["StatusMsg"].strip() if status == REJECTED else "",
        }
    )


def refused(
    fields: Mapping[str, Any],
    info: Mapping[str, Any],
    names: OrderNames,
    recv_ns: int,
    *,
    instrument: Instrument | None = None,
) -> dict[str, Any]:
    """``fields`` of CTP's InputOrder and the RspInfo beside it: the counter made no order of it."""
    return (
        nothing(ORDER)
        | nothing(ORDER_EXTRA)
        | _terms(fields, names, instrument)
        | {
            "qty_left": fields["VolumeTotalOriginal"],
            "insert_time": stamp(recv_ns),
            "update_time": stamp(recv_ns),
            "order_status": REJECTED,
            "order_submit_status": INSERT_REJECTED,
            "error_id": info["ErrorID"],
            "error_msg": info["ErrorMsg"].strip(),
        }
    )


def order_status(fields: Mapping[str, Any]) -> int:
    if fields["OrderStatus"] != _CANCELED:
        return _STATUS.get(fields["OrderStatus"], INIT)
    if fields["OrderSubmitStatus"] == "4":
        return REJECTED
    return PART_CANCELED if fields["VolumeTraded"] > 0 else CANCELED


def submit_status(fields: Mapping[str, Any]) -> int:
    if fields["OrderSubmitStatus"] == "3" and fields["OrderStatus"] == _CANCELED:
        return CANCEL_ACCEPTED
    return _SUBMIT.get(fields["OrderSubmitStatus"], SUBMITTED)


def trade(
    fields: Mapping[str, Any],
    names: OrderNames,
    multiplier: int,
    recv_ns: int,
    *,
    calendar: Calendar = HOURS,
) -> dict[str, Any]:
    """``fields`` of CTP's Trade, received at ``recv_ns``."""
    return (
        nothing(TRADE)
        | nothing(TRADE_EXTRA)
        | {
            "order_xtp_id": names.order_xtp_id,
            "order_client_id": names.order_client_id,
            "ticker": fields["InstrumentID"],
            "market": market_number(fields["ExchangeID"]),
            "local_order_id": names.order_xtp_id,
            "exec_id": fields["TradeID"].strip(),
            "price": number(fields["Price"]),
            "quantity": fields["Volume"],
            "trade_time": report_stamp(fields, "TradeTime", recv_ns, calendar),
            "trade_amount": amount(fields, multiplier),
            "report_index": fields["SequenceNo"],
            "order_exch_id": fields["OrderSysID"].strip(),
            "side": SIDE_OF.get(fields["Direction"], 0),
            "business_type": names.business_type or 0,
            "branch_pbu": fields["TraderID"].strip(),
            "position_effect": EFFECT_OF.get(fields["OffsetFlag"], 0),
        }
    )


def amount(fields: Mapping[str, Any], multiplier: int) -> float:
    """Of CTP's Trade, yuan; without the noise of a product of doubles."""
    value: float = number(fields["Price"]) * fields["Volume"] * multiplier
    return round(value, 6)


def _terms(
    fields: Mapping[str, Any], names: OrderNames, instrument: Instrument | None
) -> dict[str, Any]:
    """What Order and InputOrder have in common."""
    price_type, business_type = names.price_type, names.business_type
    if price_type is None:
        price_type = price_type_of(
            fields["OrderPriceType"], fields["TimeCondition"], fields["VolumeCondition"]
        )
    if business_type is None:
        business_type = _OPTION if instrument is not None and instrument.is_option else 0
    return {
        "order_xtp_id": names.order_xtp_id,
        "order_client_id": names.order_client_id,
        "ticker": fields["InstrumentID"],
        "market": market_number(fields["ExchangeID"]),
        "price": number(fields["LimitPrice"]),
        "quantity": fields["VolumeTotalOriginal"],
        "price_type": price_type,
        "side": SIDE_OF.get(fields["Direction"], 0),
        "business_type": business_type,
        "position_effect": EFFECT_OF.get(fields["CombOffsetFlag"][:1], 0),
    }
