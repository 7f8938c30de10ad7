"""Who may come in and do what, on real sockets."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bus.secrets import Secret
from bus.users import User, Users
from tests.process.test_ws_edge import Stage, certificate, closed_with, refused
from tests.support.edge_core import USER
from tests.support.fake_worker import wait_until
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
        gateway_login_s=60.0,
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


def test_a_long_first_message_is_none(stage: Stage) -> None:
    with ws(stage.url("/td/")) as client:
        client.connection.send("x" * 10_000)
        assert closed_with(client) == 1008


def test_who_says_nothing_is_closed_in_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path, tokens=[{"token": "all"}], gateway_login_s=0.5)
    try:
        stage.start()
        with ws(stage.url("/td/")) as client:
            client.send(MsgType="ReqQryOrder", QryOrder={})
            assert closed_with(client) == 1008
    finally:
        stage.close()


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


def limited(tmp_path: Path, **limits: float) -> Stage:
    users = [{"user": "alice"}, {"user": "bob"}]
    tokens = [{"token": f"of-{name['user']}", **name} for name in users] + [{"token": "other"}]
    stage = Stage(
        tmp_path,
        per_peer={"connections": 6} | limits,
        users=users,
        tokens=tokens,
        per_user={"connections": 3},
    )
    stage.start("td")
    return stage


def test_connections_of_an_address_and_of_a_user_are_bounded(tmp_path: Path) -> None:
    stage = limited(tmp_path, handshakes_per_s=0)
    try:
        url = stage.url("/td/?token=")
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(ws(url + "of-alice"))
            assert refused(url + "of-alice") == 429
            late = stack.enter_context(ws(stage.url("/td/")))
            late.send(MsgType="GatewayLogin", GatewayLogin={"Token": "of-alice"})
            assert closed_with(late) == 1008
            clients = [entered(stack, url + name) for name in ("of-bob", "other", "other")]
            assert refused(url + "of-bob") == 429  # of the address
            silent = [stack.enter_context(connected(stage)) for _ in range(20)]
            # Who shows nothing is cut off beyond twice as many.
            wait_until(lambda: sum(map(is_cut, silent)) >= 20 - 6, lambda: "they stay")
            assert all(client.silent() for client in clients)
        wait_until(lambda: comes_in(url + "of-alice"), lambda: "room again")
    finally:
        stage.close()


def connected(stage: Stage, source: str = "127.0.0.1") -> socket.socket:
    where = urlsplit(stage.url("/"))
    return socket.create_connection((where.hostname, where.port), 10, (source, 0))


def is_cut(connection: socket.socket) -> bool:
    """Whether the server has ended it."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def entered(stack: ExitStack, url: str) -> WsClient:
    """When those who were refused have left."""
    wait_until(lambda: comes_in(url), lambda: "no room")
    return stack.enter_context(ws(url))


def comes_in(url: str, **options: Any) -> bool:
    try:
        with ws(url, **options):
            return True
    except (InvalidStatus, ConnectionError):
        return False


@pytest.mark.parametrize("connections", [2, 0])
def test_handshakes_of_tls_that_never_end_count_for_their_address(
    tmp_path: Path, connections: int
) -> None:
    """The control: without a limit all of them stay."""
    key, cert = certificate(tmp_path)
    limits = {"connections": connections, "handshakes_per_s": 0}
    stage = Stage(tmp_path, cert_file=cert, key_file=key, per_peer=limits)
    try:
        stage.start("td")
        tls = ssl.create_default_context(cafile=cert)
        with ExitStack() as stack:
            silent = [stack.enter_context(connected(stage)) for _ in range(4)]
            silent[0].sendall(b"\x16\x03\x01")  # how a handshake begins
            late = [stack.enter_context(connected(stage)) for _ in range(10)]
            if connections:  # twice as many are still told why
                wait_until(lambda: all(map(is_cut, late)), lambda: "they stay")
            with ws(stage.url("/td/"), ssl=tls, source_address=("127.0.0.2", 0)) as other:
                assert other.log_in()["RspInfo"]["ErrorID"] == 0
                assert not any(map(is_cut, silent))
                assert any(map(is_cut, late)) == bool(connections)
        wait_until(lambda: comes_in(stage.url("/td/"), ssl=tls), lambda: "no room again")
    finally:
        stage.close()


def test_handshakes_messages_and_bytes_have_a_rate(tmp_path: Path) -> None:
    rates = {"handshakes_per_s": 2, "messages_per_s": 20, "bytes_per_s": 1_000_000}
    stage = limited(tmp_path, connections=0, **rates)
    try:
        url = stage.url("/td/?token=other")
        with ws(url) as client, ws(url) as other:
            assert "429" in statuses_of_many(stage, 20)
            began = time.monotonic()
            for _ in range(12):  # two seconds' worth come at once
                other.connection.send("x" * 250_000)
            assert {other.hear()["RspInfo"]["ErrorID"] for _ in range(12)} == {-400}
            assert time.monotonic() - began > 0.5
            for _ in range(150):
                client.send(MsgType="Ping")
            answers = [client.hear() for _ in range(150)]
            early = [one for one in answers if one["MsgType"] != "Pong"]
            assert early[0]["RspInfo"] == {"ErrorID": -403, "ErrorMsg": "超出网关限额"}
            with suppress(ConnectionClosed):
                for _ in range(10_000):
                    client.send(MsgType="ReqQryOrder", QryOrder={})
            assert closed_with(client) == 1008
    finally:
        stage.close()


def statuses_of_many(stage: Stage, count: int) -> set[str]:
    """Of handshakes that come at the same time."""
    head = (
        b"GET /td/?token=other HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(stage)) for _ in range(count)]
        for line in lines:
            line.sendall(head)
        return {line.recv(4096).split()[1].decode() for line in lines}


def test_guessing_is_slowed_down_and_costs_others_nothing(stage: Stage) -> None:
    """Last: from here on this address has to wait."""
    with ws(stage.url("/td/?token=all")) as known:
        wrong = 0
        for number in itertools.count():  # each that is looked at makes the next wait longer
            wrong += refused(stage.url(f"/td/?token=guess{number}")) == 403
            if wrong == 6:
                break
            time.sleep(0.05)
        assert number > 6
        assert refused(stage.url("/td/?token=guess")) == 429
        assert refused(stage.url("/td/"), additional_headers=basic("leaver")) == 429
        assert known.log_in()["RspInfo"]["ErrorID"] == 0
        log = stage.group.log("ws_edge")
        assert '"event":"not let in","peer":"127.0.0.1","reason":"wrong"' in log
        assert "guess1" not in log
        with ws(stage.url("/td/")) as client:
            heard = gateway_login(client, User="leaver", Password="wrong")
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
