"""Money and positions."""

from __future__ import annotations

from typing import ClassVar

from .base import CtpStruct


class InvestorPosition(CtpStruct, frozen=True, gc=False):
    """One row of the position query; amounts in CNY, volumes in lots.

    SHFE and INE have separate rows for today ("1" in ``position_date``) and history ("2").
    ``yd_position`` is yesterday's total and stays all day: what is left of it is
    ``position - today_position``. ``posi_direction``: "1" net, "2" long, "3" short.
    Source: CThostFtdcInvestorPositionField.
    """

    struct_name: ClassVar[str] = "InvestorPosition"

    broker_id: str = ""
    investor_id: str = ""
    posi_direction: str = ""
    hedge_flag: str = ""
    position_date: str = ""
    yd_position: int = 0
    position: int = 0
    long_frozen: int = 0
    short_frozen: int = 0
    long_frozen_amount: float | None = None
    short_frozen_amount: float | None = None
    open_volume: int = 0
    close_volume: int = 0
    open_amount: float | None = None
    close_amount: float | None = None
    position_cost: float | None = None
    pre_margin: float | None = None
    use_margin: float | None = None
    frozen_margin: float | None = None
    frozen_cash: float | None = None
    frozen_commission: float | None = None
    cash_in: float | None = None
    commission: float | None = None
    close_profit: float | None = None
    position_profit: float | None = None
    pre_settlement_price: float | None = None
    settlement_price: float | None = None
    trading_day: str = ""
    settlement_id: int = 0
    open_cost: float | None = None
    exchange_margin: float | None = None
    comb_position: int = 0
    comb_long_frozen: int = 0
    comb_short_frozen: int = 0
    close_profit_by_date: float | None = None
    close_profit_by_trade: float | None = None
    today_position: int = 0
    margin_rate_by_money: float | None = None
    margin_rate_by_volume: float | None = None
    strike_frozen: int = 0
    strike_frozen_amount: float | None = None
    abandon_frozen: int = 0
    exchange_id: str = ""
    yd_strike_frozen: int = 0
    invest_unit_id: str = ""
    position_cost_offset: float | None = None
    tas_position: int = 0
    tas_position_cost: float | None = None
    instrument_id: str = ""
    option_value: float | None = None


class TradingAccount(CtpStruct, frozen=True, gc=False):
    """The account's money, all amounts in the account's currency (CNY).

    ``available`` can open positions, ``withdraw_quota`` can be withdrawn, ``balance`` is the
    dynamic equity. Some APIs before 6.7.11 have no ``option_value``; it is None there.
    Source: CThostFtdcTradingAccountField.
    """

    struct_name: ClassVar[str] = "TradingAccount"

    broker_id: str = ""
    account_id: str = ""
    pre_mortgage: float | None = None
    pre_credit: float | None = None
    pre_deposit: float | None = None
    pre_balance: float | None = None
    pre_margin: float | None = None
    interest_base: float | None = None
    interest: float | None = None
    deposit: float | None = None
    withdraw: float | None = None
    frozen_margin: float | None = None
    frozen_cash: float | None = None
    frozen_commission: float | None = None
    curr_margin: float | None = None
    cash_in: float | None = None
    commission: float | None = None
    close_profit: float | None = None
    position_profit: float | None = None
    balance: float | None = None
    available: float | None = None
    withdraw_quota: float | None = None
    reserve: float | None = None
    trading_day: str = ""
    settlement_id: int = 0
    credit: float | None = None
    mortgage: float | None = None
    exchange_margin: float | None = None
    delivery_margin: float | None = None
    exchange_delivery_margin: float | None = None
    reserve_balance: float | None = None
    currency_id: str = ""
    pre_fund_mortgage_in: float | None = None
    pre_fund_mortgage_out: float | None = None
    fund_mortgage_in: float | None = None
    fund_mortgage_out: float | None = None
    fund_mortgage_available: float | None = None
    mortgageable_fund: float | None = None
    spec_product_margin: float | None = None
    spec_product_frozen_margin: float | None = None
    spec_product_commission: float | None = None
    spec_product_frozen_commission: float | None = None
    spec_product_position_profit: float | None = None
    spec_product_close_profit: float | None = None
    spec_product_position_profit_by_alg: float | None = None
    spec_product_exchange_margin: float | None = None
    biz_type: str = ""
    frozen_swap: float | None = None
    remain_swap: float | None = None
    option_value: float | None = None
