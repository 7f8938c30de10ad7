"""A whole day of an OFX client of 2018, over stocks and futures, by one script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.xtp import structs
from sim.control import SimControl
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of
from tests.support.ws_client import ws

from .test_ofx_trading import OPEN, Desk, items, start, wait_for

STOCK = {"code": "000001", "market": "SZ"}
# What can differ from day to day is left to the golden records of schemas.xtp.
TICK = list(structs.TICK | structs.TICK_EXTRA)
ORDER = list(structs.ORDER | structs.ORDER_EXTRA)
TRADE = list(structs.TRADE | structs.TRADE_EXTRA)
ASSET = list(structs.ASSET | structs.ASSET_EXTRA)
POSITION = list(structs.POSITION | structs.POSITION_EXTRA)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with start(tmp_path) as group:
        group.start("sim", "md_worker", "td_worker", "ws_edge", "recorder", "tcp_edge")
        with OPEN:
            yield group


def future_of(group: Group) -> dict[str, Any]:
    with ws(group.url("/td/")) as client:
        client.log_in()
        client.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"})
        code = client.hear_of("RspQryInstrument")["Instrument"]["InstrumentID"]
    return {"code": code, "market": 101}


def test_a_day(group: Group) -> None:
    future = future_of(group)
    desk = Desk(group, "anna")
    assert desk.route["tradeport"] == int(group.ready["tcp_edge"]["trade"].rpartition(":")[2])
    wait_for(lambda: bool(desk.ask(210001)["stat"] == 200))
    with OfxClient(group.ready["tcp_edge"]["quote"], key_of(group.data)) as quotes:
        _look(quotes, future)
    with SimControl(group.config["sim"]["listen"]) as sim:
        limits = {each["code"]: sim.snapshot(each["code"]) for each in (STOCK, future)}

    for each, lots, open_, effect in ((STOCK, 200, 1, {}), (future, 2, 3, {"position_effect": 1})):
        _trade(desk, each, limits[each["code"]], lots, open_, effect)
    _read(desk, future)


def _look(quotes: OfxClient, future: dict[str, Any]) -> None:
    assert quotes.ask(110001, [STOCK, future])["stat"] == 200
    wait_for(lambda: all("ticker" in quotes.ask(100001, each) for each in (STOCK, future)))
    ticks = items(quotes.ask(100003, [STOCK, future]))
    assert [list(each)[: len(TICK)] for each in ticks] == [TICK, TICK]
    assert [each["exchange_id"] for each in ticks] == [2, 101]
    assert all(each["low_price"] <= each["avg_price"] <= each["high_price"] for each in ticks)
    wait_for(lambda: len(quotes.ask(100002, STOCK)) >= 2)
    times = [each["data_time"] for each in items(quotes.ask(100002, STOCK))]
    assert times == sorted(times)


def _trade(
    desk: Desk, code: dict[str, Any], limits: Any, lots: int, side: int, effect: dict[str, int]
) -> None:
    """One order that trades and one that is cancelled."""
    order = {
        "ticker": code["code"],
        "market": {"SZ": 1}.get(code["market"], code["market"]),
        "quantity": lots,
        "price_type": 1,
        "side": side,
        "business_type": 0,
        "order_client_id": 12,
    }
    filled = desk.good(210005, {**order, "price": limits["UpperLimitPrice"], **effect})
    done = desk.until(filled["order_xtp_id"], 1)
    assert list(done) == ORDER
    assert (done["qty_traded"], done["qty_left"], done["side"]) == (lots, 0, 1)
    assert (done["position_effect"], done["order_client_id"]) == (1, 12)

    resting = desk.good(210005, {**order, "price": limits["LowerLimitPrice"], **effect})
    number = resting["order_xtp_id"]
    desk.until(number, 4)
    assert desk.good(210006, number)["reqid"] > resting["reqid"] > filled["reqid"]
    canceled = desk.until(number, 5)
    assert (canceled["qty_left"], canceled["cancel_time"] > 0) == (lots, True)

    trades: list[dict[str, Any]] = []

    def all_told() -> bool:
        trades[:] = items(desk.good(200002, code))
        return bool(sum(each["quantity"] for each in trades) == lots)

    wait_for(all_told, lambda: f"{lots} lots have {trades}")
    assert {each["order_xtp_id"] for each in trades} == {filled["order_xtp_id"]}
    assert sum(each["trade_amount"] for each in trades) == pytest.approx(done["trade_amount"])


def _read(desk: Desk, future: dict[str, Any]) -> None:
    asset = desk.query(210001, 200003)
    assert list(asset) == ASSET
    parts = ("buying_power", "security_asset", "withholding_amount")
    assert sum(asset[part] for part in parts) > 0
    assert asset["fund_buy_amount"] > 0
    positions = {each["ticker"]: each for each in items(desk.query(210002, 200004))}
    assert {tuple(each) for each in positions.values()} == {tuple(POSITION)}
    assert (positions["000001"]["total_qty"], positions["000001"]["market"]) == (200, 1)
    held = positions[future["code"]]
    assert (held["total_qty"], held["market"], held["position_direction"]) == (2, 101, 1)
    orders = items(desk.query(210003, 200005))
    assert sorted(each["order_status"] for each in orders) == [1, 1, 5, 5]
    assert {tuple(each) for each in orders} == {tuple(ORDER)}
    trades = items(desk.query(210004, 200006))
    assert {tuple(each) for each in trades} == {tuple(TRADE)}
    events = desk.events()
    assert {each["order_xtp_id"] for each in orders} == {each["order_xtp_id"] for each in events}
