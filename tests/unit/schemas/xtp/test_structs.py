"""The records' keys against the headers of XTP 1.1.16."""

from __future__ import annotations

from schemas.xtp import structs

TICK_KEYS = """
exchange_id ticker last_price pre_close_price open_price high_price low_price close_price
pre_open_interest open_interest pre_settlement_price settlement_price upper_limit_price
lower_limit_price pre_delta curr_delta data_time qty turnover avg_price bid ask bid_qty ask_qty
trades_count ticker_status total_bid_qty total_ask_qty ma_bid_price ma_ask_price ma_bond_bid_price
ma_bond_ask_price yield_to_maturity iopv etf_buy_count etf_sell_count etf_buy_qty etf_buy_money
etf_sell_qty etf_sell_money total_warrant_exec_qty warrant_lower_price warrant_upper_price
cancel_buy_count cancel_sell_count cancel_buy_qty cancel_sell_qty cancel_buy_money
cancel_sell_money total_buy_count total_sell_count duration_after_buy duration_after_sell
num_bid_orders num_ask_orders exec_time is_market_closed total_position pe_ratio1 pe_ratio2
"""


def test_a_tick_has_the_sixty_keys_in_order() -> None:
    keys = TICK_KEYS.split()
    assert len(keys) == 60
    assert list(structs.TICK) == keys
    assert list(structs.nothing(structs.TICK)) == keys


def test_lists_have_ten_levels_of_their_own() -> None:
    one, other = structs.nothing(structs.TICK), structs.nothing(structs.TICK)
    one["bid"][0] = 1.0
    assert one["ask"] == other["bid"] == [0.0] * 10
    assert one["bid_qty"] == [0] * 10
