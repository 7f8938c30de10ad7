"""Assets and positions."""

from __future__ import annotations

from typing import Any

import schemas.catalogue
from schemas.xtp.account import asset, positions
from schemas.xtp.instruments import Instrument, Instruments

CATALOGUE = schemas.catalogue.load()
TABLE = Instruments(
    [
        Instrument("rb2701", "SHFE", 10, "1", "螺纹钢2701"),
        Instrument("m2701", "DCE", 10, "1", "豆粕2701"),
        Instrument("000001", "SZSE", 1, "E", "平安银行"),
    ]
)


def a_position(**values: Any) -> dict[str, Any]:
    codec = CATALOGUE.codec("InvestorPosition")
    return codec.unpack(codec.pack({"ExchangeID": "SHFE", "InstrumentID": "rb2701"} | values))


def an_account(**values: Any) -> dict[str, Any]:
    codec = CATALOGUE.codec("TradingAccount")
    return codec.unpack(codec.pack(values))


def test_today_and_history_are_one_record_for_each_direction() -> None:
    rows = [
        a_position(
            PosiDirection="2", PositionDate="1", Position=2, TodayPosition=2, OpenCost=62_400.0,
            PositionProfit=200.0, UseMargin=6_000.0, ShortFrozen=1,
        ),
        a_position(
            PosiDirection="2", PositionDate="2", Position=3, YdPosition=4, OpenCost=93_000.0,
            PositionProfit=-50.0, UseMargin=9_000.0, ShortFrozen=1, LongFrozen=7,
        ),
        a_position(PosiDirection="3", Position=1, LongFrozen=1, OpenCost=31_300.0, UseMargin=None),
    ]  # fmt: skip
    long, short = positions(rows, TABLE)
    assert (long["ticker"], long["ticker_name"], long["market"]) == ("rb2701", "螺纹钢2701", 101)
    assert (long["total_qty"], long["sellable_qty"], long["yesterday_position"]) == (5, 3, 4)
    assert long["avg_price"] == 155_400.0 / 50
    assert (long["unrealized_pnl"], long["margin"]) == (150.0, 15_000.0)
    assert (long["position_direction"], short["position_direction"]) == (1, 2)
    assert (short["total_qty"], short["sellable_qty"], short["avg_price"]) == (1, 0, 3_130.0)


def test_two_exchanges_are_two_records() -> None:
    rows = [a_position(PosiDirection="2", ExchangeID=exchange) for exchange in ("SHFE", "INE")]
    assert [each["market"] for each in positions(rows, TABLE)] == [101, 105]


def test_a_position_of_a_stock_has_no_direction() -> None:
    row = a_position(
        InstrumentID="000001", ExchangeID="SZSE", PosiDirection="1", Position=200, OpenCost=2_300.0
    )
    (shown,) = positions([row], TABLE)
    assert (shown["position_direction"], shown["avg_price"], shown["market"]) == (0, 11.5, 1)


def test_what_is_closed_has_no_price() -> None:
    (shown,) = positions([a_position(PosiDirection="2", YdPosition=3, OpenCost=0.0)], TABLE)
    assert (shown["total_qty"], shown["sellable_qty"], shown["avg_price"]) == (0, 0, 0.0)


def test_an_instrument_that_is_not_known() -> None:
    row = a_position(InstrumentID="xx2701", PosiDirection="2", Position=3, OpenCost=1.0)
    (shown,) = positions([row], TABLE)
    assert (shown["ticker_name"], shown["avg_price"], shown["market"]) == ("", 0.0, 101)
    (shown,) = positions([row | {"InstrumentID": "m2701", "ExchangeID": ""}], TABLE)
    assert (shown["ticker_name"], shown["market"]) == ("豆粕2701", 102)


def test_the_total_is_what_it_is_made_of() -> None:
    account = an_account(
        Balance=100_000.0,
        Available=80_000.0,
        CurrMargin=15_000.0,
        FrozenMargin=4_000.0,
        FrozenCash=900.0,
        FrozenCommission=100.0,
    )
    shown = asset(account, buys=1.0, sells=2.0)
    assert shown["withholding_amount"] == 5_000.0
    parts = ("buying_power", "security_asset", "withholding_amount")
    assert sum(shown[part] for part in parts) == shown["total_asset"] == 100_000.0
    assert (shown["fund_buy_amount"], shown["fund_sell_amount"]) == (1.0, 2.0)
    assert (shown["account_type"], asset(account, stock=True)["account_type"]) == (2, 0)


def test_money_without_a_value_is_none() -> None:
    shown = asset(an_account(Balance=None, Deposit=500.0, Withdraw=200.0, Commission=3.0))
    assert (shown["total_asset"], shown["deposit_withdraw"], shown["commission"]) == (0, 300.0, 3.0)
    assert shown["trade_netting"] == -3.0
