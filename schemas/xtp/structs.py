"""The keys of every record in their order, with what stands there when there is nothing.

Each record is the struct of generation 16 (XTP 1.1.16, of 2017: what OFX of 2018 sent), key for
key, and behind it what later generations added and what is ours. Names are spelt as in the
headers: ``orig_banlance``, ``captial_asset``.
"""

from __future__ import annotations

from typing import Any, Final

LEVELS: Final = 10  # of bid and ask, of which CTP fills five

_ZERO: Final[dict[str, Any]] = {"int": 0, "double": 0.0, "text": "", "char": "0"}


def _fields(table: str) -> dict[str, Any]:
    """Of lines "type name name …"; ``int[10]`` is a list."""
    found: dict[str, Any] = {}
    for line in table.strip().splitlines():
        kind, *names = line.split()
        zero = [_ZERO[kind[:-4]]] * LEVELS if kind.endswith("[10]") else _ZERO[kind]
        found.update(dict.fromkeys(names, zero))
    return found


def nothing(struct: dict[str, Any]) -> dict[str, Any]:
    """A record of one's own in which nothing is set yet."""
    return {name: list(zero) if type(zero) is list else zero for name, zero in struct.items()}


TICK: Final = _fields("""
int exchange_id
text ticker
double last_price pre_close_price open_price high_price low_price close_price
double pre_open_interest open_interest pre_settlement_price settlement_price
double upper_limit_price lower_limit_price pre_delta curr_delta
int data_time qty
double turnover avg_price
double[10] bid ask
int[10] bid_qty ask_qty
int trades_count
text ticker_status
int total_bid_qty total_ask_qty
double ma_bid_price ma_ask_price ma_bond_bid_price ma_bond_ask_price yield_to_maturity iopv
int etf_buy_count etf_sell_count
double etf_buy_qty etf_buy_money etf_sell_qty etf_sell_money
double total_warrant_exec_qty warrant_lower_price warrant_upper_price
int cancel_buy_count cancel_sell_count
double cancel_buy_qty cancel_sell_qty cancel_buy_money cancel_sell_money
int total_buy_count total_sell_count duration_after_buy duration_after_sell
int num_bid_orders num_ask_orders exec_time
text is_market_closed
double total_position pe_ratio1 pe_ratio2
""")
TICK_EXTRA: Final = _fields("""
text trading_day
double banding_upper banding_lower
""")

ORDER: Final = _fields("""
int order_xtp_id order_client_id order_cancel_client_id order_cancel_xtp_id
text ticker
int market
double price
int quantity price_type side business_type qty_traded qty_left
int insert_time update_time cancel_time
double trade_amount
text order_local_id
int order_status order_submit_status
char order_type
""")
ORDER_EXTRA: Final = _fields("""
int position_effect
text order_exch_id
int error_id
text error_msg
""")

TRADE: Final = _fields("""
int order_xtp_id order_client_id
text ticker
int market local_order_id
text exec_id
double price
int quantity trade_time
double trade_amount
int report_index
text order_exch_id
char trade_type
int side business_type
text branch_pbu
""")
TRADE_EXTRA: Final = _fields("""
int position_effect
""")

ASSET: Final = _fields("""
double total_asset buying_power security_asset
double fund_buy_amount fund_buy_fee fund_sell_amount fund_sell_fee withholding_amount
int account_type
""")
ASSET_EXTRA: Final = _fields("""
double frozen_margin frozen_exec_cash frozen_exec_fee pay_later preadva_pay
double orig_banlance banlance deposit_withdraw trade_netting captial_asset
double force_freeze_amount preferred_amount
double commission
""")

POSITION: Final = _fields("""
text ticker ticker_name
int market total_qty sellable_qty
double avg_price unrealized_pnl
int yesterday_position purchase_redeemable_qty
""")
POSITION_EXTRA: Final = _fields("""
int position_direction position_security_type
int executable_option lockable_position executable_underlying locked_position
int usable_locked_position
double margin
""")

INSERT: Final = _fields("""
int order_xtp_id order_client_id
text ticker
int market
double price stop_price
int quantity price_type side business_type
""")
INSERT_EXTRA: Final = _fields("""
int position_effect
""")
