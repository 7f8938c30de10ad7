"""The limits before the front, from a client's request to the counter, on the embedded exchange."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.orders import KillSwitch
from bus.rpc import Call
from tests.support.buslink import Reply, TdLink
from tests.support.group import CHECKOUT, Group
from tests.support.ws_client import ws

TEXT = "超出网关限额"


@dataclass
class World:
    """A group of its own, the file of its limits, and a client that is logged in."""

    group: Group
    file: Path
    td: TdLink
    instrument: str
    price: float

    def rules(self, text: str) -> None:
        """New rules, and wait until they hold."""
        before = self.limits()["reloads"]
        self.file.write_text(text, "utf-8")
        self.td.wait_for(lambda: self.limits()["reloads"] > before, "the new rules")

    def limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = self.td.state_now()["limits"]
        return limits

    def account(self) -> dict[str, Any]:
        (account,) = self.td.state_now()["accounts"]
        limits: dict[str, Any] = account["limits"]
        return limits

    def order(self, **values: Any) -> Reply:
        """The first row of the answer."""
        return self.td.rows(self.td.order(self.instrument, self.price, **values), 1)[0]

    def refused(self, **values: Any) -> str:
        row = self.order(**values)
        assert row.name == "Error", row
        assert (row.own["error_id"], row.own["error_msg"]) == (-403, TEXT)
        return row.detail

    def kill(self, on: bool, cancel_all: bool = False) -> None:
        body = msgspec.msgpack.encode(KillSwitch(on=on, cancel_all=cancel_all))
        (row,) = self.td.call("SetKillSwitch", body, session=self.td.handle)
        assert (row.name, row.own) == ("SetKillSwitch", {"on": on, "cancel_all": cancel_all})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "limits.yaml"
    file.write_text('accounts: {"100001": {watch_only: true}}')
    overrides = {
        "sim": {"queries_per_second": 0},
        "td_worker": {"limits_file": str(file), "queries_per_s": 1000, "app_id": ""},
    }
    with Group(tmp_path, overrides=overrides) as group:
        group.start("sim", "td_worker", "md_worker")
        with TdLink(group) as td:
            td.login()
            rows = td.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
            name = str(rows[0]["InstrumentID"])
            (quote,) = td.request("ReqQryDepthMarketData", InstrumentID=name)
            low = quote["LowerLimitPrice"]
            assert isinstance(low, float)
            td.follow()
            yield World(group, file, td, name, low)


def test_rules_hold_from_the_next_request_on_and_a_wrong_file_changes_nothing(world: World) -> None:
    assert world.order(VolumeTotalOriginal=25).name == "Sent"
    world.rules('accounts: {"028742": {max_volume: 10}}')
    text = "max_volume 10 of account 028742: 25 lots"
    assert world.refused(VolumeTotalOriginal=25) == text
    assert world.order(VolumeTotalOriginal=10).name == "Sent"
    world.file.write_text("defaults: {max_volum: 1}")
    world.td.wait_for(lambda: "max_volum" in world.limits()["error"], "the error")
    assert world.refused(VolumeTotalOriginal=25) == text
    assert world.account()["refused"] == {"max_volume": 2}


def test_an_order_goes_out_again_only_after_a_fresh_tick(world: World) -> None:
    world.rules('tick_age_s: 60\naccounts: {"028742": {price_band: 0.9}}')
    assert "asked for it" in world.refused()
    world.td.wait_for(lambda: world.order().name == "Sent", "an order within the band")
    world.rules('tick_age_s: 60\naccounts: {"028742": {price_band: 0.001}}')
    assert "the last is" in world.refused()


def test_the_kill_switch_outlives_a_kill_and_ends_what_lives(world: World) -> None:
    assert world.order().name == "Sent"
    accepted = world.td.next("OnRtnOrder", lambda order: order["OrderStatus"] == "3")
    world.kill(on=True, cancel_all=True)
    assert world.refused() == "kill switch, set by a client of account 028742"
    ended = world.td.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
    assert ended["OrderSysID"] == accepted["OrderSysID"]
    assert world.account()["meters"]["SHFE"]["cancels"] == 1
    world.group.kill("td_worker")
    world.group.start("td_worker")
    with TdLink(world.group) as td:
        td.login()
        world.td = td
        assert world.account()["killed"] == "a client of account 028742"
        meter = world.account()["meters"]["SHFE"]
        assert (meter["orders"], meter["cancels"]) == (1, 1)
        assert "kill switch" in world.refused()
        world.kill(on=False)
        assert world.order().name == "Sent"


def test_a_client_of_the_edge_hears_the_refusal_as_the_answer_to_its_order(world: World) -> None:
    world.group.start("ws_edge")
    world.rules('accounts: {"028742": {max_volume: 10}}')
    with ws(world.group.url("/td/")) as client:
        client.log_in()
        order = {"InstrumentID": world.instrument, "ExchangeID": "SHFE", "VolumeTotalOriginal": 25}
        assert client.ask(MsgType="ReqOrderInsert", InputOrder=order, RequestID=7) == {
            "MsgType": "RspOrderInsert",
            "RspInfo": {"ErrorID": -403, "ErrorMsg": TEXT},
            "RequestID": 7,
            "Detail": "max_volume 10 of account 028742: 25 lots",
        }


def test_what_was_sent_before_is_told_as_such_and_not_as_refused(world: World) -> None:
    values: dict[str, Any] = {"OrderRef": "1", "BrokerID": "9999", "InvestorID": "028742"}
    more: dict[str, Any] = {"InstrumentID": world.instrument, "VolumeTotalOriginal": 1}
    body = world.td.body("ReqOrderInsert", **values, **more)

    def send(number: int, client_order_id: str) -> Reply:
        deadline = time.time_ns() + 10**10
        handle = world.td.handle
        call = Call(number, "ReqOrderInsert", deadline, handle, 0, body, client_order_id)
        world.td.send_raw(msgspec.msgpack.encode(call))
        return world.td.rows(number, 1)[0]

    assert send(1001, "one").name == "Sent"
    world.kill(on=True)
    again = send(1002, "one")
    assert (again.name, again.own["duplicate"]) == ("Outcome", True)
    assert send(1003, "two").name == "Error"


@pytest.mark.parametrize("text", ["defaults: {max_volum: 1}", None])
def test_a_wrong_file_at_the_start_ends_the_worker_with_status_2(
    tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "limits.yaml"
    if text is not None:
        file.write_text(text)
    with Group(tmp_path, overrides={"td_worker": {"limits_file": str(file)}}) as group:
        command = [sys.executable, "-m", "td_worker", "--config", str(group.config_file)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert str(file) in done.stderr.splitlines()[-1]
