"""The whole group on each version of the API: login, ticks and a filled order over WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from schemas.codec import DBL_MAX
from tests.support.group import Group

from .bindings import OTHERS, folder

pytestmark = pytest.mark.slow

WAIT_S = 10.0
LOGIN = {"BrokerID": "9999", "UserID": "028742", "Password": "123456"}
STOCK = {"ExchangeID": "SSE", "InstrumentID": "600000"}


@pytest.fixture(scope="module", params=OTHERS)
def group(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Group]:
    """Every process of it finds this version before the installed one."""
    path = tmp_path_factory.mktemp("group")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder(request.param)))
        patch.setenv("CTPBUS_CACHE", str(path / "cache"))
        with Group(path) as made:
            made.start_all()
            yield made


class Client:
    """One socket; messages are taken in their order."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, kind: str, **keys: Any) -> None:
        self._socket.send(json.dumps({"MsgType": kind, **keys}))

    def next(self, kind: str) -> dict[str, Any]:
        """The next message of this type; others are passed over."""
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv(WAIT_S))
            if message["MsgType"] == kind:
                return message


@pytest.fixture
def td(group: Group) -> Iterator[Client]:
    with connect(group.url("/td/")) as socket:
        client = Client(socket)
        client.send("ReqUserLogin", ReqUserLogin=LOGIN, RequestID=1)
        reply = client.next("RspUserLogin")
        assert (reply["RspInfo"] or {"ErrorID": 0})["ErrorID"] == 0
        assert reply["RspUserLogin"]["UserID"] == LOGIN["UserID"]
        yield client


@pytest.fixture
def md(group: Group) -> Iterator[Client]:
    with connect(group.url("/md/")) as socket:
        client = Client(socket)
        client.send("ReqUserLogin", ReqUserLogin=LOGIN, RequestID=1)
        assert client.next("RspUserLogin")["RspUserLogin"]["TradingDay"]
        yield client


def test_the_processes_use_the_version(group: Group, request: pytest.FixtureRequest) -> None:
    version = request.node.callspec.params["group"]
    (cached,) = (group.path / "cache").glob("catalogue-*")
    assert f"-{version}." in cached.name


def test_a_tick_arrives(md: Client) -> None:
    md.send("SubscribeMarketData", InstrumentID=[STOCK["InstrumentID"]])
    assert md.next("RspSubMarketData")["SpecificInstrument"]["InstrumentID"] == "600000"
    tick = md.next("RtnDepthMarketData")["DepthMarketData"]
    assert tick["InstrumentID"] == "600000"
    assert 0 < tick["LastPrice"] < DBL_MAX


def test_an_order_is_filled(td: Client) -> None:
    td.send("ReqQryDepthMarketData", QryDepthMarketData=STOCK, RequestID=2)
    market = td.next("RspQryDepthMarketData")["DepthMarketData"]
    order = {
        **STOCK,
        "BrokerID": LOGIN["BrokerID"],
        "InvestorID": LOGIN["UserID"],
        "OrderPriceType": "2",
        "Direction": "0",
        "CombOffsetFlag": "0",
        "CombHedgeFlag": "1",
        "LimitPrice": market["UpperLimitPrice"],
        "VolumeTotalOriginal": 100,
        "TimeCondition": "3",
        "VolumeCondition": "1",
        "MinVolume": 1,
        "ContingentCondition": "1",
        "ForceCloseReason": "0",
        "OrderRef": "1",
    }
    td.send("ReqOrderInsert", InputOrder=order, RequestID=3)
    trade = td.next("RtnTrade")["Trade"]
    assert (trade["InstrumentID"], trade["Volume"]) == ("600000", 100)
    td.send("ReqQryOrder", QryOrder={"InvestorID": LOGIN["UserID"]}, RequestID=4)
    row = td.next("RspQryOrder")["Order"]
    assert (row["OrderStatus"], row["VolumeTraded"]) == ("0", 100)
    assert row["StatusMsg"].startswith("全部成交")


def test_a_wrong_password_is_refused_in_chinese(group: Group) -> None:
    with connect(group.url("/td/")) as socket:
        client = Client(socket)
        wrong = LOGIN | {"UserID": "100001", "Password": "wrong"}
        client.send("ReqUserLogin", ReqUserLogin=wrong, RequestID=1)
        reply = client.next("RspUserLogin")
        assert reply["RspInfo"] == {"ErrorID": 3, "ErrorMsg": "CTP:不合法的登录"}
