"""What of a trader's day the embedded exchange can bring about on command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.control import ControlError, SimControl
from sim.wire import QUICK
from tests.support.group import Group
from tests.support.sim_client import USER, Client

STOCK = {"InstrumentID": "600000", "ExchangeID": "SSE"}


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with Group(tmp_path, overrides={"sim": {"queries_per_second": 0}}) as group:
        group.start("sim")
        yield group


@pytest.fixture
def control(group: Group) -> Iterator[SimControl]:
    with SimControl(group.ready["sim"]["listen"]) as control:
        yield control


def client_of(group: Group, path: Path, **options: Any) -> Client:
    return Client("td", group.ready["sim"]["listen"], path, **options)


def cheap(control: SimControl) -> dict[str, Any]:
    return {"LimitPrice": control.snapshot("600000")["LowerLimitPrice"]}


def test_the_next_day_begins_on_command(group: Group, control: SimControl, tmp_path: Path) -> None:
    with client_of(group, tmp_path / "flow") as client:
        client.wait("OnFrontConnected")
        today = client.log_in().values["TradingDay"]
        client.confirm()
        client.buy(**cheap(control))
        client.wait("OnRtnOrder", OrderStatus="3")
        control.end_day()
        client.wait("OnFrontDisconnected")
        client.wait("OnFrontConnected")
        login = client.log_in().values
        assert login["TradingDay"] > today
        assert login["MaxOrderRef"].strip() in ("", "0", "1")
        client.request("ReqQryOrder", 9)
        assert client.wait("OnRspQryOrder").field is None
    assert [entry["kind"] for entry in control.ledger()] == ["AcceptedOrder", "EndedOrder"]


def test_an_order_arrives_though_its_connection_has_died(
    group: Group, control: SimControl, tmp_path: Path
) -> None:
    control.late("ReqOrderInsert", 0.5)
    with client_of(group, tmp_path / "flow") as client:
        client.ready()
        client.buy(**cheap(control), BusinessUnit="late")
        client.request("ReqQryTradingAccount", 4)
        client.wait("OnRspQryTradingAccount")
    assert control.ledger() == []
    with client_of(group, tmp_path / "flow2", private=QUICK) as other:
        other.ready()
        assert other.wait("OnRtnOrder", OrderStatus="3").values["BusinessUnit"] == "late"
    assert [entry["business_unit"] for entry in control.ledger()] == ["late"]


def test_another_program_of_the_user_trades(
    group: Group, control: SimControl, tmp_path: Path
) -> None:
    with client_of(group, tmp_path / "flow") as client:
        client.ready()
        order = {
            **STOCK,
            **cheap(control),
            "VolumeTotalOriginal": 100,
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
        }
        *_, told = control.outside(USER, "ReqOrderInsert", **order)
        assert (told["callback"], told["field"]["OrderStatus"]) == ("OnRtnOrder", "3")
        heard = client.wait("OnRtnOrder", OrderStatus="3")
        assert heard.values["SessionID"] == told["field"]["SessionID"]
        control.end_day()
        *_, told = control.outside(USER, "ReqOrderInsert", **order)
        assert told["field"]["OrderStatus"] == "3", "he has logged in again"
    with pytest.raises(ControlError, match="no user"):
        control.outside("nobody", "ReqOrderInsert", **order)


def test_a_stream_can_be_filled(group: Group, control: SimControl, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no instrument"):
        control.outside_orders(USER, "nosuch99", 1)
    control.outside_orders(USER, "600000", 500)
    with client_of(group, tmp_path / "flow") as client:
        client.wait("OnFrontConnected")
        client.log_in()
        returns = [client.wait("OnRtnOrder").values["OrderStatus"] for _ in range(1500)]
    assert returns[-1] == "5"
    assert returns.count("3") == 500
