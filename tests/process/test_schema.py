"""What a running group sends fits the schemas that strangers go by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from schemas import catalogue
from tests.support.group import Group
from tests.support.schemas import FOLDER, faults, file
from tests.support.ws_client import ONE_LOT, WsClient, ws
from ws_edge.names import Kind, methods

CATALOGUE = catalogue.load()
STOCK: Final = "600000"
HOMES: Final = {
    side: {
        name: path.name
        for pattern in ("common.json", f"{side}.*.json")
        for path in sorted(FOLDER.glob(pattern))
        for name in file(path.name).get("definitions", ())
    }
    for side in ("md", "td")
}
# Each would change the account for the tests that follow, or end what they need.
LEFT_OUT: Final = {"ReqUserLogout", "ReqUserPasswordUpdate", "SetKillSwitch", "Pong"}

pytestmark = pytest.mark.skipif(CATALOGUE.layout_id != 0x670B, reason="docs are about 6.7.11")


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {
        "calendar": "always",
        "sim": {"queries_per_second": 0},
        "td_worker": {"queries_per_s": 1000},
    }
    with Group(tmp_path_factory.mktemp("group"), overrides=overrides) as made:
        made.start_all()
        yield made


class Judge:
    """Reads all that comes until a Pong, and holds it against the schemas."""

    def __init__(self, client: WsClient, side: str) -> None:
        self._client, self._side = client, side
        self.seen: dict[str, int] = {}

    def take(self, message: dict[str, Any]) -> dict[str, Any]:
        name = message["MsgType"]
        if (message.get("RspInfo") or {}).get("ErrorID") in (-400, -401, -404, -500):
            name = "LocalError"
        home = HOMES[self._side].get(name)
        assert home is not None, f"{name} is in no schema"
        found = faults(message, home, name)
        assert not found, (name, found)
        self.seen[name] = self.seen.get(name, 0) + 1
        return message

    def hear_of(self, name: str) -> dict[str, Any]:
        while (message := self.take(self._client.hear()))["MsgType"] != name:
            pass
        return message

    def answer(self, request_id: int) -> list[dict[str, Any]]:
        """All rows of one answer."""
        rows = []
        while True:
            message = self.take(self._client.hear())
            if message.get("RequestID") == request_id:
                rows.append(message)
                if message.get("IsLast") or (message["RspInfo"] or {}).get("ErrorID"):
                    return rows


@pytest.mark.parametrize("options", ["", "?envelope=full&seq=on&outcomes=on&notices=all"])
def test_every_request_on_td_is_answered_as_the_schema_says(group: Group, options: str) -> None:
    """Queries by their rows, what acts by whatever the counter says to an empty payload."""
    known = methods(CATALOGUE, "td")
    with ws(group.url("/td/" + options)) as client:
        judge = Judge(client, "td")
        client.send(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "028742", "Password": "123456"})
        judge.hear_of("RspUserLogin")
        number = 0
        for method in known.values():
            if method.kind in (Kind.PING, Kind.LOGIN) or method.name in LEFT_OUT:
                continue
            number += 1
            asked = {"MsgType": method.name, method.keys[0]: {}, "RequestID": number}
            client.send(**asked)
            if method.kind in (Kind.QUERY, Kind.VERB):
                assert judge.answer(number), method.name
        client.send(MsgType="Ping")
        judge.hear_of("Pong")
    rows = {name for name in judge.seen if name.startswith(("RspQry", "RspQuery"))}
    assert len(rows) > 60
    assert judge.seen["RspQryInstrument"] > 10


def test_an_order_and_its_returns_fit(group: Group) -> None:
    with ws(group.url("/td/?seq=on&notices=all&heartbeat=1")) as client:
        judge = Judge(client, "td")
        client.send(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "100001", "Password": "123456"})
        judge.hear_of("RspUserLogin")
        client.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"}, RequestID=1)
        instrument = judge.answer(1)[0]["Instrument"]
        names = {key: instrument[key] for key in ("InstrumentID", "ExchangeID")}
        client.send(MsgType="ReqQryDepthMarketData", QryDepthMarketData=names, RequestID=2)
        price = judge.answer(2)[0]["DepthMarketData"]["UpperLimitPrice"]
        order = {**ONE_LOT, **names, "LimitPrice": price}
        client.send(MsgType="ReqOrderInsert", InputOrder=order, ClientOrderID="s-1", RequestID=3)
        assert judge.hear_of("OrderOutcome")["OrderOutcome"]["State"] == "SENT"
        judge.hear_of("RtnTrade")
        client.send(
            MsgType="ReqOrderInsert", InputOrder={**order, "InstrumentID": "none"}, RequestID=4
        )
        judge.hear_of("ErrRtnOrderInsert")
        asked: dict[str, dict[str, Any]] = {
            "QryOrderOutcome": {"ClientOrderID": "s-1"},
            "SetCancelOnDisconnect": {"On": True},
            "SetKillSwitch": {"On": False},
            "ReqQryOrder": {},
            "ReqQryTrade": {},
            "ReqQryInvestorPosition": {},
        }
        for number, (kind, payload) in enumerate(asked.items(), 10):
            key = kind.removeprefix("Req")
            client.send(**{"MsgType": kind, key: payload, "RequestID": number})
            assert judge.answer(number)[0][key.removeprefix("Qry")], kind
        client.send(MsgType="NoSuchRequest", RequestID=99)
        judge.answer(99)
    with ws(group.url("/td/?seq=on")) as client:
        judge = Judge(client, "td")
        client.send(
            MsgType="ReqUserLogin",
            ReqUserLogin={"UserID": "100001", "Password": "123456"},
            Resume="1-1",
        )
        judge.hear_of("Gap")
    assert {"Gap", "RspUserLogin"} <= judge.seen.keys()


@pytest.mark.parametrize("options", ["", "?notices=gap,stale&envelope=full"])
def test_what_comes_on_md_fits(group: Group, options: str) -> None:
    with ws(group.url("/md/" + options)) as client:
        judge = Judge(client, "md")
        client.send(MsgType="ReqUserLogin", ReqUserLogin={})
        judge.hear_of("RspUserLogin")
        for number, (kind, name) in enumerate(
            (method.name, STOCK)
            for method in methods(CATALOGUE, "md").values()
            if method.keys == ("InstrumentID",)
        ):
            client.send(MsgType=kind, InstrumentID=[name], RequestID=number + 1)
            judge.answer(number + 1)
        client.send(MsgType="SubscribeMarketData", InstrumentID=[STOCK, "no-such"])
        judge.hear_of("RtnDepthMarketData")
        client.send(MsgType="ReqQryMulticastInstrument", QryMulticastInstrument={}, RequestID=50)
        judge.answer(50)
        client.connection.send("no JSON")
        judge.hear_of("")
        client.send(MsgType="ReqUserLogout", UserLogout={}, RequestID=51)
        judge.answer(51)


def test_a_message_with_a_key_too_many_or_too_few_does_not_fit(group: Group) -> None:
    """The control: the judge above would see it."""
    with ws(group.url("/md/")) as client:
        client.send(MsgType="ReqUserLogin", ReqUserLogin={})
        message = client.hear()
    text = json.dumps(message)
    home = HOMES["md"]["RspUserLogin"]
    assert not faults(json.loads(text), home, "RspUserLogin")
    assert faults({**message, "More": 1}, home, "RspUserLogin")
    login = dict(message["RspUserLogin"])
    assert faults({**message, "RspUserLogin": {**login, "More": 1}}, home, "RspUserLogin")
    login.pop("TradingDay")
    assert faults({**message, "RspUserLogin": login}, home, "RspUserLogin")
