"""Orders, cancels and trades: what is asked and what the counter tells of them."""

from __future__ import annotations

from typing import ClassVar

from .base import CtpStruct


class InputOrder(CtpStruct, frozen=True, gc=False):
    """An order to insert, and its refusal by the counter.

    ``limit_price`` and ``stop_price`` in quoted CNY, volumes in lots. Offset and hedge flags are
    texts with one character per leg of a combination. Doubles default to 0.0 here, since that
    is what an order leaves unset; None would send DBL_MAX to the counter.
    Source: CThostFtdcInputOrderField.
    """

    struct_name: ClassVar[str] = "InputOrder"

    broker_id: str = ""
    investor_id: str = ""
    order_ref: str = ""
    user_id: str = ""
    order_price_type: str = ""
    direction: str = ""
    comb_offset_flag: str = ""
    comb_hedge_flag: str = ""
    limit_price: float | None = 0.0
    volume_total_original: int = 0
    time_condition: str = ""
    gtd_date: str = ""
    volume_condition: str = ""
    min_volume: int = 0
    contingent_condition: str = ""
    stop_price: float | None = 0.0
    force_close_reason: str = ""
    is_auto_suspend: int = 0
    business_unit: str = ""
    request_id: int = 0
    user_force_close: int = 0
    is_swap_order: int = 0
    exchange_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    client_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0


class Order(CtpStruct, frozen=True, gc=False):
    """An order's state, from OnRtnOrder or OnRspQryOrder.

    ``volume_total`` is what is left, ``volume_traded`` what is done, ``volume_total_original``
    what was asked, in lots; prices in quoted CNY. ``order_sys_id`` and ``order_local_id`` are
    padded with blanks on the left: pass them on raw, strip them for keys. The order is known by
    (front_id, session_id, order_ref) from the start, by (exchange_id, order_sys_id) once the
    exchange has it. Source: CThostFtdcOrderField.
    """

    struct_name: ClassVar[str] = "Order"

    broker_id: str = ""
    investor_id: str = ""
    order_ref: str = ""
    user_id: str = ""
    order_price_type: str = ""
    direction: str = ""
    comb_offset_flag: str = ""
    comb_hedge_flag: str = ""
    limit_price: float | None = None
    volume_total_original: int = 0
    time_condition: str = ""
    gtd_date: str = ""
    volume_condition: str = ""
    min_volume: int = 0
    contingent_condition: str = ""
    stop_price: float | None = None
    force_close_reason: str = ""
    is_auto_suspend: int = 0
    business_unit: str = ""
    request_id: int = 0
    order_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_submit_status: str = ""
    notify_sequence: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    order_sys_id: str = ""
    order_source: str = ""
    order_status: str = ""
    order_type: str = ""
    volume_traded: int = 0
    volume_total: int = 0
    insert_date: str = ""
    insert_time: str = ""
    active_time: str = ""
    suspend_time: str = ""
    update_time: str = ""
    cancel_time: str = ""
    active_trader_id: str = ""
    clearing_part_id: str = ""
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    user_force_close: int = 0
    active_user_id: str = ""
    broker_order_seq: int = 0
    relative_order_sys_id: str = ""
    zce_total_traded_volume: int = 0
    is_swap_order: int = 0
    branch_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0


class Trade(CtpStruct, frozen=True, gc=False):
    """One fill. Unique by (exchange_id, trade_id, direction): both sides of a self-trade have
    the same ``trade_id``.

    ``price`` in quoted CNY, ``volume`` in lots. ``trade_date`` is the natural or the trading day,
    by exchange. Source: CThostFtdcTradeField.
    """

    struct_name: ClassVar[str] = "Trade"

    broker_id: str = ""
    investor_id: str = ""
    order_ref: str = ""
    user_id: str = ""
    exchange_id: str = ""
    trade_id: str = ""
    direction: str = ""
    order_sys_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trading_role: str = ""
    offset_flag: str = ""
    hedge_flag: str = ""
    price: float | None = None
    volume: int = 0
    trade_date: str = ""
    trade_time: str = ""
    trade_type: str = ""
    price_source: str = ""
    trader_id: str = ""
    order_local_id: str = ""
    clearing_part_id: str = ""
    business_unit: str = ""
    sequence_no: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    broker_order_seq: int = 0
    trade_source: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""


class InputOrderAction(CtpStruct, frozen=True, gc=False):
    """A cancel (``action_flag`` "0"), and its refusal by the counter.

    The order is named by exchange_id + order_sys_id, or front_id + session_id + order_ref.
    Doubles default to 0.0, as in InputOrder. Source: CThostFtdcInputOrderActionField.
    """

    struct_name: ClassVar[str] = "InputOrderAction"

    broker_id: str = ""
    investor_id: str = ""
    order_action_ref: int = 0
    order_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    order_sys_id: str = ""
    action_flag: str = ""
    limit_price: float | None = 0.0
    volume_change: int = 0
    user_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0


class OrderAction(CtpStruct, frozen=True, gc=False):
    """A cancel that the counter or the exchange refused, from OnErrRtnOrderAction.

    ``status_msg`` is the reason in Chinese. Source: CThostFtdcOrderActionField.
    """

    struct_name: ClassVar[str] = "OrderAction"

    broker_id: str = ""
    investor_id: str = ""
    order_action_ref: int = 0
    order_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    order_sys_id: str = ""
    action_flag: str = ""
    limit_price: float | None = None
    volume_change: int = 0
    action_date: str = ""
    action_time: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_local_id: str = ""
    action_local_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    business_unit: str = ""
    order_action_status: str = ""
    user_id: str = ""
    status_msg: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0
