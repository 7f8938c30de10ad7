"""Opening and closing by each exchange's rules, and what the account says of it."""

from __future__ import annotations

import pytest

from sim.exchange.values import Value, number
from tests.unit.sim.trader import NOW_NS, Trader, exchange, log_in, still

DAY_NS = 24 * 3600 * 10**9
SELL: dict[str, Value] = {"Direction": "1"}
LONG_TODAY, LONG_HISTORY = ("2", "1"), ("2", "2")


def close(offset: str) -> dict[str, Value]:
    return {"Direction": "1", "CombOffsetFlag": offset}


def trading(instrument: str, bid: int) -> Trader:
    """A trader in a market whose book stands at ``bid`` and one tick above, 100 lots a level."""
    counter = exchange()
    still(counter, instrument, bid, bid + 1, 1000)
    return log_in(counter)


def overnight(trader: Trader, instrument: str, bid: int) -> Trader:
    """The same user on the next day."""
    now_ns = trader.now_ns + DAY_NS
    trader.counter.advance(now_ns)
    still(trader.counter, instrument, bid, bid + 1, 1000)
    return log_in(trader.counter, trader.user, now_ns)


def test_shfe_keeps_today_and_history_apart() -> None:
    trader = trading("cu2603", 7930)
    trader.order("cu2603", 79310, 3)
    assert trader.held("cu2603") == {LONG_TODAY: 3}
    trader = overnight(trader, "cu2603", 7930)
    trader.order("cu2603", 79310, 2)
    assert trader.held("cu2603") == {LONG_TODAY: 2, LONG_HISTORY: 3}
    assert trader.refusal("cu2603", 79300, 3, **close("3"))[0] == 50
    assert trader.refusal("cu2603", 79300, 4, **close("4"))[0] == 51
    assert trader.refusal("cu2603", 79300, 4, **close("1"))[0] == 51
    trader.order("cu2603", 79300, 1, **close("3"))
    trader.order("cu2603", 79300, 1, **close("1"))
    trader.order("cu2603", 79300, 1, **close("4"))
    assert trader.held("cu2603") == {LONG_TODAY: 1, LONG_HISTORY: 1}
    today, history = trader.rows("ReqQryInvestorPosition", InstrumentID="cu2603")
    assert (today["YdPosition"], history["YdPosition"]) == (0, 3)
    assert [r["OffsetFlag"] for r in trader.rows("ReqQryTrade")] == ["0", "3", "1", "4"]


def test_elsewhere_one_row_holds_all_and_every_close_takes_the_oldest() -> None:
    trader = trading("m2605", 3000)
    trader.order("m2605", 3001, 3)
    trader = overnight(trader, "m2605", 3000)
    trader.order("m2605", 3001, 2)
    assert trader.held("m2605") == {LONG_TODAY: 5}
    trader.order("m2605", 3000, 4, **close("3"))
    (row,) = trader.rows("ReqQryInvestorPosition", InstrumentID="m2605")
    assert (row["Position"], row["TodayPosition"], row["YdPosition"]) == (1, 1, 3)
    assert [r["OffsetFlag"] for r in trader.rows("ReqQryTrade")] == ["0", "1"]


def test_pending_closes_hold_their_lots() -> None:
    trader = trading("m2605", 3000)
    trader.order("m2605", 3001, 5)
    resting = trader.order("m2605", 3050, 4, **close("1"))
    (row,) = trader.rows("ReqQryInvestorPosition", InstrumentID="m2605")
    assert (row["ShortFrozen"], row["LongFrozen"]) == (4, 0)
    assert trader.refusal("m2605", 3050, 2, **close("1"))[0] == 30
    trader.cancel(resting)
    assert trader.order("m2605", 3000, 5, **close("1"))["OrderStatus"] == "0"
    assert trader.refusal("m2605", 3000, 1, **close("1"))[0] == 30


def test_stocks_bought_today_are_sold_tomorrow() -> None:
    trader = trading("600000", 1180)
    trader.order("600000", 11.81, 300)
    assert trader.refusal("600000", 11.8, 100, **SELL)[0] == 51
    trader = overnight(trader, "600000", 1180)
    trader.order("600000", 11.81, 100)
    assert trader.refusal("600000", 11.8, 301, **SELL)[0] == 51
    trader.order("600000", 11.8, 250, **SELL)
    assert trader.held("600000") == {LONG_TODAY: 150}


def test_some_funds_are_sold_on_the_same_day() -> None:
    trader = trading("518880", 7950)
    trader.order("518880", 7.951, 100)
    assert trader.order("518880", 7.95, 100, **SELL)["OrderStatus"] == "0"


def test_a_future_in_numbers() -> None:
    trader = trading("cu2603", 7930)
    trader.order("cu2603", 79310, 2)
    account = trader.account()
    # 79310 x 5 x 2 lots; margin 10 % and 2 % of the broker; commission 0.5 per 10,000.
    assert account["CurrMargin"] == pytest.approx(793_100 * 0.12)
    assert account["ExchangeMargin"] == pytest.approx(793_100 * 0.10)
    assert account["Commission"] == pytest.approx(793_100 * 0.5e-4, abs=1e-4)
    trader.order("cu2603", 79300, 2, **close("3"))
    account = trader.account()
    assert account["CloseProfit"] == -100.0
    assert account["CurrMargin"] == account["PositionProfit"] == 0.0
    fees = 793_100 * 0.5e-4 + 793_000 * 1e-4
    assert account["Balance"] == pytest.approx(20_000_000 - 100 - fees, abs=1e-3)
    assert account["Available"] == account["Balance"]


def test_a_resting_order_freezes_what_it_would_cost() -> None:
    trader = trading("cu2603", 7930)
    order = trader.order("cu2603", 79000, 2)
    account = trader.account()
    assert account["FrozenMargin"] == pytest.approx(790_000 * 0.12)
    assert account["FrozenCommission"] == pytest.approx(790_000 * 0.5e-4, abs=1e-4)
    trader.cancel(order)
    assert trader.account()["Available"] == 20_000_000.0


def test_an_option_in_numbers() -> None:
    code = "m2603-C-3000"
    trader = trading(code, 200)
    trader.order(code, 100.5, 2)
    account = trader.account()
    assert account["CashIn"] == -100.5 * 10 * 2
    assert account["CurrMargin"] == account["PositionProfit"] == 0.0
    trader.order(code, 100.0, 1, **SELL)
    account = trader.account()
    assert account["CashIn"] == -2010.0 + 1000.0
    (cost,) = trader.rows("ReqQryOptionInstrTradeCost", InstrumentID=code)
    assert account["CurrMargin"] == number(cost, "FixedMargin") + number(cost, "Royalty")
    assert trader.held(code) == {("2", "1"): 2, ("3", "1"): 1}


def test_the_settlement_turns_profit_into_balance() -> None:
    trader = trading("cu2603", 7930)
    trader.order("cu2603", 79310, 2)
    trader = overnight(trader, "cu2603", 7900)
    account = trader.account()
    (row,) = trader.rows("ReqQryInvestorPosition", InstrumentID="cu2603")
    settled = number(row, "PreSettlementPrice")
    expected = 20_000_000 - 793_100 * 0.5e-4 + (settled - 79310) * 10
    assert account["PreBalance"] == pytest.approx(expected, abs=1e-3)
    assert row["OpenCost"] == 793_100.0 and row["PositionCost"] == settled * 10
    assert account["PreMargin"] == account["CurrMargin"] == pytest.approx(settled * 10 * 0.12)


def test_lots_of_an_expired_contract_are_gone() -> None:
    counter = exchange()
    still(counter, "IF2601", 22500, 22501)
    trader = log_in(counter)
    trader.order("IF2601", 4500.2, 1)
    now_ns = NOW_NS + 14 * DAY_NS
    counter.advance(now_ns)
    trader = log_in(counter, now_ns=now_ns)
    assert counter.snapshot("IF2601") is None
    assert trader.rows("ReqQryInvestorPosition") == []
    assert trader.account()["CurrMargin"] == 0.0
