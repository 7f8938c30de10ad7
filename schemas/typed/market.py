"""Instruments and their market data."""

from __future__ import annotations

from typing import ClassVar

from .base import CtpStruct


class Tick(CtpStruct, frozen=True, gc=False):
    """One market data snapshot as the counter sent it; nothing is interpolated.

    Prices in quoted CNY; ``volume`` (lots), ``turnover`` (CNY) and ``open_interest`` (lots) are
    running totals of the trading day, book volumes are lots. ``average_price`` is turnover per
    lot outside CZCE: divide by the contract's multiplier. ``exchange_id`` is empty on ordinary
    futures fronts. ``update_time`` with ``update_millisec`` is the exchange's clock; which date
    ``trading_day`` and ``action_day`` hold at night differs by exchange.
    Source: CThostFtdcDepthMarketDataField.
    """

    struct_name: ClassVar[str] = "DepthMarketData"

    trading_day: str = ""
    exchange_id: str = ""
    last_price: float | None = None
    pre_settlement_price: float | None = None
    pre_close_price: float | None = None
    pre_open_interest: float | None = None
    open_price: float | None = None
    highest_price: float | None = None
    lowest_price: float | None = None
    volume: int = 0
    turnover: float | None = None
    open_interest: float | None = None
    close_price: float | None = None
    settlement_price: float | None = None
    upper_limit_price: float | None = None
    lower_limit_price: float | None = None
    pre_delta: float | None = None
    curr_delta: float | None = None
    update_time: str = ""
    update_millisec: int = 0
    bid_price1: float | None = None
    bid_volume1: int = 0
    ask_price1: float | None = None
    ask_volume1: int = 0
    bid_price2: float | None = None
    bid_volume2: int = 0
    ask_price2: float | None = None
    ask_volume2: int = 0
    bid_price3: float | None = None
    bid_volume3: int = 0
    ask_price3: float | None = None
    ask_volume3: int = 0
    bid_price4: float | None = None
    bid_volume4: int = 0
    ask_price4: float | None = None
    ask_volume4: int = 0
    bid_price5: float | None = None
    bid_volume5: int = 0
    ask_price5: float | None = None
    ask_volume5: int = 0
    average_price: float | None = None
    action_day: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    banding_upper_price: float | None = None
    banding_lower_price: float | None = None


class Instrument(CtpStruct, frozen=True, gc=False):
    """One tradable contract.

    ``volume_multiple``: units of the underlying in one lot; ``price_tick`` and ``strike_price``
    in quoted CNY; margin ratios as fractions of the contract value (0.09 is 9 %); the four order
    volumes are the limits of one order in lots; ``is_trading`` 0 or 1.
    Source: CThostFtdcInstrumentField.
    """

    struct_name: ClassVar[str] = "Instrument"

    exchange_id: str = ""
    instrument_name: str = ""
    product_class: str = ""
    delivery_year: int = 0
    delivery_month: int = 0
    max_market_order_volume: int = 0
    min_market_order_volume: int = 0
    max_limit_order_volume: int = 0
    min_limit_order_volume: int = 0
    volume_multiple: int = 0
    price_tick: float | None = None
    create_date: str = ""
    open_date: str = ""
    expire_date: str = ""
    start_deliv_date: str = ""
    end_deliv_date: str = ""
    inst_life_phase: str = ""
    is_trading: int = 0
    position_type: str = ""
    position_date_type: str = ""
    long_margin_ratio: float | None = None
    short_margin_ratio: float | None = None
    max_margin_side_algorithm: str = ""
    strike_price: float | None = None
    options_type: str = ""
    underlying_multiple: float | None = None
    combination_type: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    product_id: str = ""
    underlying_instr_id: str = ""


class InstrumentStatus(CtpStruct, frozen=True, gc=False):
    """The trading phase of a product (not of one contract: ``instrument_id`` holds a product).

    ``instrument_status``: "0" before trading, "1" no trading, "2" continuous, "3" call auction
    order entry, "4" auction balance, "5" auction match, "6" closed, "7" after trading (6.7.7+).
    Source: CThostFtdcInstrumentStatusField.
    """

    struct_name: ClassVar[str] = "InstrumentStatus"

    exchange_id: str = ""
    settlement_group_id: str = ""
    instrument_status: str = ""
    trading_segment_sn: int = 0
    enter_time: str = ""
    enter_reason: str = ""
    exchange_inst_id: str = ""
    instrument_id: str = ""


class SpecificInstrument(CtpStruct, frozen=True, gc=False):
    """The instrument that a subscription reply speaks of.

    Source: CThostFtdcSpecificInstrumentField.
    """

    struct_name: ClassVar[str] = "SpecificInstrument"

    instrument_id: str = ""
