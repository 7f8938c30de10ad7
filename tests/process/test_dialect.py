"""The binary dialect beside JSON, on one group with the embedded exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.group import Group

NAME = Subprotocol("ctpbus.msgpack.v1")
TOKEN = Subprotocol("alpha")
WAIT_S = 20.0
TICKS = 20


class Client:
    """Of either dialect; ``sizes`` are those of the ticks."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.binary = connection.subprotocol == NAME
        self.fields: dict[str, list[str]] = {}
        self.sizes: list[int] = []

    def send(self, **message: Any) -> None:
        text = json.dumps(message)
        self.connection.send(msgspec.msgpack.encode(message) if self.binary else text)

    def hear(self) -> dict[str, Any]:
        octets = self.connection.recv(WAIT_S)
        assert isinstance(octets, bytes) == self.binary
        message: dict[str, Any] = (
            msgspec.msgpack.decode(octets) if isinstance(octets, bytes) else json.loads(octets)
        )
        if message["MsgType"] == "Fields":
            assert not self.fields, "they are told once"
            self.fields = message["Fields"]
            return self.hear()
        if message["MsgType"] == "RtnDepthMarketData":
            self.sizes.append(len(octets))
            if self.binary:
                names = self.fields["DepthMarketData"]
                values = message["DepthMarketData"]
                message["DepthMarketData"] = dict(zip(names, values, strict=True))
        return message

    def ask(self, **message: Any) -> dict[str, Any]:
        self.send(**message)
        return self.hear()


# Closing does not wait for what is not read.
line = partial(connect, close_timeout=0.2)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with Group(tmp_path_factory.mktemp("dialect")) as group:
        group.start_all()
        yield group


@pytest.fixture
def instrument(group: Group) -> str:
    with line(group.url("/td/"), subprotocols=[NAME]) as connection:
        client = Client(connection)
        credentials = {"UserID": "028742", "Password": "123456"}
        assert client.ask(MsgType="ReqUserLogin", ReqUserLogin=credentials)["IsLast"]
        rows = client.ask(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"})
        return str(rows["Instrument"]["InstrumentID"])


def test_the_same_ticks_in_a_third_of_the_bytes(group: Group, instrument: str) -> None:
    url = group.url("/md/")
    with line(url) as plain, line(url, subprotocols=[NAME]) as other:
        clients = [Client(plain), Client(other)]
        heard: list[list[dict[str, Any]]] = []
        for client in clients:
            reply = client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
            assert reply["RspInfo"]["ErrorID"] == 0
        for client in clients:
            client.send(MsgType="SubscribeMarketData", InstrumentID=[instrument])
        for client in clients:
            assert client.hear()["MsgType"] == "RspSubMarketData"
            heard.append([client.hear() for _ in range(TICKS)])
    # One may begin a tick later than the other.
    begin = max(ticks[0]["DepthMarketData"]["Volume"] for ticks in heard)
    both = [
        [tick for tick in ticks if tick["DepthMarketData"]["Volume"] >= begin] for ticks in heard
    ]
    count = min(map(len, both))
    assert count > TICKS // 2
    assert both[0][:count] == both[1][:count]
    assert list(both[0][0]["DepthMarketData"]) == list(both[1][0]["DepthMarketData"])
    text, octets = (sum(client.sizes) for client in clients)
    assert octets / text < 1 / 3


def test_the_sub_protocol_beside_a_token(tmp_path: Path) -> None:
    guarded = {"tokens": [{"token": "alpha"}], "gateway_login_s": 0}
    with Group(tmp_path, overrides={"ws_edge": guarded}) as group:
        group.start("ws_edge")
        url = group.url("/md/")
        for offered in ([NAME, TOKEN], [TOKEN, NAME]):
            with line(url, subprotocols=offered) as connection:
                assert connection.subprotocol == NAME
                connection.send(msgspec.msgpack.encode({"MsgType": "Ping"}))
                assert Client(connection).hear()["MsgType"] == "Pong"
        with line(url, subprotocols=[TOKEN]) as connection:
            assert connection.subprotocol == "alpha"
        with pytest.raises(InvalidStatus), line(url, subprotocols=[NAME]):
            pass


def test_limits_hold(group: Group) -> None:
    with line(group.url("/td/"), subprotocols=[NAME]) as connection:
        client = Client(connection)
        connection.send(b"\xc1")
        assert client.hear()["RspInfo"]["ErrorID"] == -400
        assert client.ask(MsgType="Nothing")["RspInfo"]["ErrorID"] == -404
        with pytest.raises(ConnectionClosed) as end:
            client.ask(MsgType="x" * (1 << 20))
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1009
    with line(group.url("/td/")) as connection:
        client = Client(connection)
        connection.send(msgspec.msgpack.encode({"MsgType": "Ping"}))
        assert client.hear()["Detail"] == "expected a text frame"
