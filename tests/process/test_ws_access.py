"""Who may come in and do what, on real sockets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bus.secrets import Secret
from bus.users import User, Users
from tests.process.test_ws_edge import Stage, closed_with, refused
from tests.support.edge_core import USER
from tests.support.ws_client import WsClient, ws

PASSWORD = "correct horse"
USERS = [
    {"user": "alice", "rights": ["query", "trade"], "instruments": ["rb"]},
    {"user": "alice", "rights": ["query"], "requests": ["ReqQryTradingAccount"]},
    {"user": "bob", "accounts": ["100001"]},
    {"user": "watcher", "rights": ["md"], "instruments": ["rb", "au"]},
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(
        tmp_path_factory.mktemp("access"),
        users=USERS,
        tokens=[{"token": "of-alice", "user": "alice"}, {"token": "all"}],
        gateway_login_s=2.0,
    )
    users = Users(stage.group.data / "users.db", make=True)
    for name in ("alice", "bob", "watcher", "leaver"):
        users.add(User(name=name), Secret(PASSWORD))
    try:
        stage.start("td", "md")
        yield stage
    finally:
        stage.close()


def gateway_login(client: WsClient, **payload: Any) -> dict[str, Any]:
    return client.ask(MsgType="GatewayLogin", GatewayLogin=payload)


def basic(user: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_four_ways_in(stage: Stage) -> None:
    url = stage.url("/td/")
    ways: list[tuple[str, dict[str, Any]]] = [
        (url + "?token=of-alice", {}),
        (url, {"additional_headers": {"Authorization": "Bearer of-alice"}}),
        (url, {"additional_headers": basic("alice")}),
        (url, {"subprotocols": ["of-alice"]}),
    ]
    for target, options in ways:
        with ws(target, **options) as client:
            assert client.log_in()["RspInfo"]["ErrorID"] == 0
    for payload in ({"Token": "of-alice"}, {"User": "alice", "Password": PASSWORD}):
        with ws(url) as client:
            assert client.log_in()["RspInfo"] == {"ErrorID": -401, "ErrorMsg": "未登录"}
            assert gateway_login(client, **payload)["RspGatewayLogin"] == {"User": "alice"}
            assert client.log_in()["RspInfo"]["ErrorID"] == 0
    log = stage.group.log("ws_edge")
    assert '"user":"alice"' in log
    assert PASSWORD not in log
    assert "of-alice" not in log


def test_a_wrong_proof_is_403_and_opens_no_later_login(stage: Stage) -> None:
    assert refused(stage.url("/td/?token=wrong")) == 403
    assert refused(stage.url("/td/"), additional_headers=basic("watcher")) == 403  # no right there


def test_who_says_nothing_is_closed_in_time(stage: Stage) -> None:
    with ws(stage.url("/td/")) as client:
        client.send(MsgType="ReqQryOrder", QryOrder={})
        assert closed_with(client) == 1008
    with ws(stage.url("/td/")) as client:
        client.connection.send("x" * 10_000)
        assert closed_with(client) == 1008


def forbidden(heard: dict[str, Any]) -> bool:
    info: dict[str, Any] = heard["RspInfo"]
    return info == {"ErrorID": -403, "ErrorMsg": "网关未授权"}


def test_rights_by_account_request_and_instrument(stage: Stage) -> None:
    """Each with one that passes; what is refused reaches no worker."""
    with ws(stage.url("/td/?token=of-alice")) as alice, ws(stage.url("/td/")) as bob:
        gateway_login(bob, User="bob", Password=PASSWORD)
        assert forbidden(bob.log_in(USER))
        assert alice.log_in(USER)["RspInfo"]["ErrorID"] == 0
        before = len(stage.td.calls)
        for message in (
            {"MsgType": "ReqOrderInsert", "InputOrder": {"InstrumentID": "au2612"}},
            {"MsgType": "ReqOrderAction", "InputOrderAction": {"InstrumentID": "au2612"}},
            {"MsgType": "ReqOrderAction", "InputOrderAction": {"OrderSysID": "1"}},
            {"MsgType": "ReqQryOrder", "QryOrder": {}},
            {"MsgType": "SetKillSwitch", "SetKillSwitch": {"On": True, "CancelAll": True}},
            {"MsgType": "ReqOrderInsert", "InputOrder": {"InvestorID": "x", "UserID": "y"}},
        ):
            assert forbidden(alice.ask(**message)), message
        assert len(stage.td.calls) == before
        alice.send(MsgType="ReqQryOrder", QryOrder={"InstrumentID": "rb2610"})
        assert alice.hear()["MsgType"] == "RspQryOrder"


def test_market_data_by_instrument(stage: Stage) -> None:
    with ws(stage.url("/md/"), additional_headers=basic("watcher")) as client:
        client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        for name in ("SubscribeMarketData", "QueryMarketSnapshot", "SubscribeForQuoteRsp"):
            assert forbidden(client.ask(MsgType=name, InstrumentID=["rb2610", "cu2610"]))
        heard = client.ask(MsgType="SubscribeMarketData", InstrumentID=["rb2610"])
        assert heard["SpecificInstrument"] == {"InstrumentID": "rb2610"}
    assert refused(stage.url("/md/?token=of-alice")) == 403


def test_a_user_who_is_changed_loses_his_sockets(stage: Stage) -> None:
    users = Users(stage.group.data / "users.db")
    with (
        ws(stage.url("/md/"), additional_headers=basic("watcher")) as watcher,
        ws(stage.url("/md/?token=all")) as other,
    ):
        assert watcher.silent()
        users.set_password("watcher", Secret("a new one"))
        assert closed_with(watcher) == 1008
        assert other.silent()
    users.set_password("watcher", Secret(PASSWORD))


def test_guessing_is_slowed_down_and_costs_others_nothing(stage: Stage) -> None:
    """Last: from here on this address has to wait."""
    with ws(stage.url("/td/?token=all")) as known:
        statuses = [refused(stage.url(f"/td/?token=guess{number}")) for number in range(8)]
        assert statuses[-1] == 429
        assert refused(stage.url("/td/"), additional_headers=basic("leaver")) == 429
        assert known.log_in()["RspInfo"]["ErrorID"] == 0
        with ws(stage.url("/td/")) as client:
            heard = gateway_login(client, User="bob", Password="wrong")
            assert (heard["RspInfo"]["ErrorID"], "wait" in heard["Detail"]) == (-401, True)
        with ws(stage.url("/td/?token=all")) as again:  # it has been in from here
            assert again.silent()


def test_the_control_without_users_and_tokens_everything_passes(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        stage.start("td")
        with ws(stage.url("/td/?token=whatever")) as client:
            assert gateway_login(client, Token="whatever")["RspInfo"]["ErrorID"] == 0
            client.log_in()
            before = len(stage.td.calls)
            client.send(MsgType="ReqOrderInsert", InputOrder={"InstrumentID": "au2612"})
            stage.td.wait_for("ReqOrderInsert")
            assert len(stage.td.calls) == before + 1
            client.connection.send(json.dumps({"MsgType": "Ping"}))
    except ConnectionClosed as closed:
        raise AssertionError(stage.group.log("ws_edge")) from closed
    finally:
        stage.close()
