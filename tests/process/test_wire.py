"""The whole group on the embedded exchange, seen by WebSocket clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from schemas.catalogue import Side
from sim.control import SimControl
from tests.support.bad_input import CASES, TD, check, frame
from tests.support.edge_core import BROKER, CATALOGUE, pack
from tests.support.fake_worker import wait_until
from tests.support.group import Group
from tests.support.identity import without_names
from tests.support.ws_client import WsClient, ws

PASSWORD = "123456"
LOGINS = ("ReqUserLogin", "ReqUserLoginWithCaptcha", "ReqUserLoginWithText", "ReqUserLoginWithOTP")
# Without orders to cancel it succeeds, and an action that succeeds has no reply. The session is
# none of the gateway, whose own are not cancelled at once.
REFUSED = {"ReqBatchOrderAction": {"InvestorID": "nobody", "FrontID": 1, "SessionID": 7}}
# Every question goes to the exchange.
ASKING = {"queries_per_s": 1000, "cache_mb": 0}
QUICK = {"sim": {"queries_per_second": 0}, "td_worker": ASKING}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """A group for the tests of this module; each uses an account of its own."""
    with Group(tmp_path_factory.mktemp("wire"), overrides=QUICK) as group:
        group.start_all()
        yield group


@pytest.fixture
def control(whole: Group) -> Iterator[SimControl]:
    with SimControl(whole.config["sim"]["listen"]) as sim:
        yield sim
        sim.clear()


@pytest.fixture
def md(whole: Group) -> Iterator[WsClient]:
    with ws(whole.url("/md/?notices=all")) as client:
        login = {"UserID": "", "Password": ""}
        client.send(MsgType="ReqUserLogin", ReqUserLogin=login)
        assert client.hear_of("RspUserLogin")["RspInfo"]["ErrorID"] == 0
        yield client


def logged_in(client: WsClient, user: str) -> WsClient:
    assert client.log_in(user)["RspInfo"]["ErrorID"] == 0
    return client


def test_a_typical_web_client(whole: Group, md: WsClient) -> None:
    user = "100001"
    me = {"BrokerID": BROKER, "InvestorID": user}
    with ws(whole.url("/td/")) as td:
        logged_in(td, user)

        def chain(name: str, key: str, **fields: str) -> list[dict[str, Any]]:
            td.send(MsgType="Req" + name, RequestID=0, **{"Qry" + name[3:]: fields})
            rows = list(td.rows("Rsp" + name))
            assert all(row["RspInfo"] is None or not row["RspInfo"]["ErrorID"] for row in rows)
            assert ["IsLast" in row for row in rows] == [False] * (len(rows) - 1) + [True]
            return [row[key] for row in rows]

        (account,) = chain("QryTradingAccount", "TradingAccount", **me)
        assert account["Balance"] == 20_000_000
        exchanges = {row["ExchangeID"] for row in chain("QryExchange", "Exchange", ExchangeID="")}
        assert chain("QryOrder", "Order", InvestorID=user, InstrumentID="") == [None]
        assert chain("QryTrade", "Trade", **me, ExchangeID="") == [None]
        assert chain("QryInvestorPosition", "InvestorPosition", **me, ExchangeID="") == [None]
        every = {"ExchangeID": "", "InstrumentID": "", "ProductID": ""}
        instruments = chain("QryInstrument", "Instrument", **every)
        assert len(instruments) >= 640
        futures = [row for row in instruments if row["ProductClass"] == "1"]
        assert {row["ExchangeID"] for row in futures} <= exchanges

        future = next(row for row in futures if row["ExchangeID"] == "SHFE")
        tick = first_tick(md, future["InstrumentID"])
        order = {
            **me,
            "ExchangeID": future["ExchangeID"],
            "InstrumentID": future["InstrumentID"],
            "LimitPrice": tick["UpperLimitPrice"],
            "VolumeTotalOriginal": 1,
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
            "IsAutoSuspend": 0,
            "IsSwapOrder": 0,
        }
        td.send(MsgType="ReqOrderInsert", RequestID=0, InputOrder=order)
        assert ended(td)["OrderStatus"] == "0"  # filled
        (position,) = chain("QryInvestorPosition", "InvestorPosition", **me, ExchangeID="")
        assert (position["Position"], position["PosiDirection"]) == (1, "2")
        assert [row["Volume"] for row in chain("QryTrade", "Trade", **me, ExchangeID="")] == [1]

        order["LimitPrice"] = tick["LowerLimitPrice"]
        td.send(MsgType="ReqOrderInsert", RequestID=0, InputOrder=order)
        while (resting := td.hear_of("RtnOrder")["Order"])["OrderStatus"] != "3":
            pass
        cancel = {
            **me,
            "UserID": user,
            "ExchangeID": resting["ExchangeID"],
            "InstrumentID": resting["InstrumentID"],
            "ActionFlag": "0",
            "OrderSysID": resting["OrderSysID"],
        }
        td.send(MsgType="ReqOrderAction", RequestID=0, InputOrderAction=cancel)
        assert ended(td)["OrderSysID"] == resting["OrderSysID"]
        assert len(chain("QryOrder", "Order", InvestorID=user, InstrumentID="")) == 2

        order["InstrumentID"] = "nothing"
        td.send(MsgType="ReqOrderInsert", RequestID=9, InputOrder=order)
        refused = td.hear_of("RspOrderInsert")
        assert (refused["RspInfo"]["ErrorID"], refused["RequestID"]) == (16, 9)
        assert refused["InputOrder"]["InstrumentID"] == "nothing"


def first_tick(md: WsClient, instrument: str) -> dict[str, Any]:
    md.send(MsgType="SubscribeMarketData", InstrumentID=[instrument])
    answer = md.hear_of("RspSubMarketData")
    assert (answer["RspInfo"]["ErrorID"], answer["IsLast"]) == (0, True)
    tick: dict[str, Any] = md.hear_of("RtnDepthMarketData")["DepthMarketData"]
    assert tick["InstrumentID"] == instrument
    return tick


def ended(td: WsClient) -> dict[str, Any]:
    """The last state of the order that is on its way."""
    while True:
        heard = td.hear()
        assert heard["MsgType"] in ("RtnOrder", "RtnTrade"), heard
        if heard["MsgType"] == "RtnOrder" and heard["Order"]["OrderStatus"] in "05":
            order: dict[str, Any] = heard["Order"]
            return order


def test_every_request_gets_its_reply(whole: Group, md: WsClient) -> None:
    asked = 0
    with ws(whole.url("/td/")) as td:
        logged_in(td, "100002")
        requests = sorted(CATALOGUE.td.requests.values(), key=lambda r: r.name == "ReqUserLogout")
        for request in requests:
            payload = REFUSED.get(request.name, {})
            if request.name in LOGINS:
                payload = {"UserID": "100002", "Password": PASSWORD}
            td.send(MsgType=request.name, RequestID=5, **{request.struct: payload})
            rows = list(td.rows(request.reply[2:]))
            assert "IsLast" in rows[-1], rows[-1]
            assert all(CATALOGUE.td.callbacks[request.reply].struct in row for row in rows)
            asked += 1
        assert td.ask(MsgType="ReqQryOrder", QryOrder={})["RspInfo"]["ErrorID"] == -401
    assert asked == len(CATALOGUE.td.requests)
    for request in sorted(CATALOGUE.md.requests.values(), key=lambda r: r.name == "ReqUserLogout"):
        md.send(MsgType=request.name, RequestID=5, **{request.struct: {}})
        assert list(md.rows(request.reply[2:]))[-1]["IsLast"] is True


def wait_asked(control: SimControl, user: str, request: str, before: int) -> int:
    """The nRequestID of a request that has come to the exchange; ``before`` is that of the last."""
    wait_until(lambda: last_asked(control, user, request) > before, lambda: f"no {request}")
    return last_asked(control, user, request)


def last_asked(control: SimControl, user: str, request: str) -> int:
    """0: never."""
    sessions = [session for session in control.sessions() if session["user"] == user]
    return max(int(session["asked"].get(request, 0)) for session in sessions)


def filled(struct: str | None) -> dict[str, Any] | None:
    """A value of its own for every field, as far as that goes."""
    if struct is None:
        return None
    values = {}
    for index, field in enumerate(CATALOGUE.layouts[struct].fields):
        text = f"样本{index}" if field.size > 8 else "x"
        plain: Any = {"c": chr(ord("0") + index % 10), "s": text, "d": index + 0.5}.get(field.kind)
        values[field.name] = index + 1 if plain is None else plain
    return values


def expected(side: Side, callback: str) -> Any:
    """The payload of a callback whose struct is ``filled``."""
    struct = CATALOGUE.api(side).callbacks[callback].struct
    raw = pack(struct or "", **(filled(struct) or {}))
    return json.loads(CATALOGUE.reply_codec(side, callback).json(raw))


def test_every_reply_of_the_counter_arrives_as_the_right_message(
    whole: Group, control: SimControl
) -> None:
    """The answers of the exchange are lost; in their place it raises the callback with a value in
    every field, under the number that td_worker gave to the request."""
    user, arrived = "100003", set()
    with ws(whole.url("/td/")) as td:
        logged_in(td, user)
        for request in CATALOGUE.td.requests.values():
            if request.name in (*LOGINS, "ReqUserLogout", "ReqAuthenticate"):
                continue
            control.lose(request.reply, user=user, times=0)
            before = last_asked(control, user, request.name)
            td.send(
                MsgType=request.name, RequestID=5, **{request.struct: REFUSED.get(request.name, {})}
            )
            number = wait_asked(control, user, request.name, before)
            control.clear()
            struct = CATALOGUE.td.callbacks[request.reply].struct
            assert struct is not None
            info = {"error_id": 0, "error_msg": "CTP:正确"}
            fields = filled(struct)
            control.raise_callback(
                request.reply, user=user, request_id=number, fields=fields, **info
            )
            heard = td.hear_of(request.reply[2:])
            assert (heard["RequestID"], heard["IsLast"]) == (5, True)
            assert heard["RspInfo"] == {"ErrorID": 0, "ErrorMsg": "CTP:正确"}
            wanted = without_names(expected("td", request.reply))
            assert without_names(heard[struct]) == wanted
            arrived.add(request.reply)
    arrived |= {"OnRspUserLogin", "OnRspUserLogout", "OnRspAuthenticate"}  # see the test above
    with_id = {name for name, callback in CATALOGUE.td.callbacks.items() if callback.has_id}
    assert arrived == with_id - {"OnRspError"}


def test_every_return_of_the_counter_arrives_as_the_right_message(
    whole: Group, control: SimControl
) -> None:
    user = "100004"
    with ws(whole.url("/td/?notices=all")) as td:
        logged_in(td, user)
        # Afterwards td_worker takes the front for gone, so these two come last.
        last = ("OnFrontDisconnected", "OnFrontConnected")
        names = [
            name
            for name, callback in CATALOGUE.td.callbacks.items()
            if name not in last and (name == "OnRspError" or not callback.has_id)
        ]
        for name in (*names, *last):
            callback = CATALOGUE.td.callbacks[name]
            failed = {"error_id": 7, "error_msg": "CTP:还没有初始化"} if callback.has_info else {}
            number = {"number": 4097} if callback.number else {}
            fields = filled(callback.struct)
            control.raise_callback(name, user=user, fields=fields, **failed, **number)
            heard = td.hear_of(name[2:])
            if callback.struct is not None:
                assert heard[callback.struct] == expected("td", name)
            if callback.has_info:
                assert heard["RspInfo"] == {"ErrorID": 7, "ErrorMsg": "CTP:还没有初始化"}
            if callback.number:
                assert heard["RspInfo"]["ErrorID"] == 4097
    assert len(names) + 2 == sum(
        name == "OnRspError" or not callback.has_id
        for name, callback in CATALOGUE.td.callbacks.items()
    )


def test_a_refused_authentication_and_a_wrong_password(whole: Group, control: SimControl) -> None:
    with ws(whole.url("/td/")) as td:
        control.error("ReqAuthenticate", 63)
        heard = td.log_in("100005")
        assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspAuthenticate", 63)
        heard = td.log_in("100006", "wrong")
        assert heard == {
            "MsgType": "RspUserLogin",
            "RspInfo": {"ErrorID": 3, "ErrorMsg": "CTP:不合法的登录"},
            "IsLast": True,
        }
        assert td.log_in("100006")["RspInfo"]["ErrorID"] == 0
        assert td.log_in("100006", "wrong again")["RspInfo"]["ErrorID"] == 3
        assert td.ask(MsgType="ReqQryOrder", QryOrder={})["MsgType"] == "RspQryOrder"


def test_every_callback_of_market_data_arrives_as_the_right_message(
    whole: Group, control: SimControl
) -> None:
    with ws(whole.url("/md/?notices=all")) as md:
        arrived = set()

        def heard(name: str, **fields: Any) -> dict[str, Any]:
            """What the client hears of a callback; ``fields``: the exchange raises it by itself."""
            if fields:
                control.raise_callback(name, side="md", **fields)
            arrived.add(name)
            return md.hear_of(name[2:])

        md.send(MsgType="ReqUserLogin", ReqUserLogin={})
        assert heard("OnRspUserLogin")["RspUserLogin"]["SystemName"]
        for noun in ("MarketData", "ForQuoteRsp"):
            md.send(MsgType="Subscribe" + noun, InstrumentID=["600000"])
            specific = heard("OnRspSub" + noun)["SpecificInstrument"]
            assert specific == {"InstrumentID": "600000"}
        tick = filled("DepthMarketData") or {}
        wire = {**tick, "InstrumentID": "600000"}
        got = heard("OnRtnDepthMarketData", fields=wire)["DepthMarketData"]
        while got["AskPrice5"] != wire["AskPrice5"]:  # the market's own ticks come as well
            got = md.hear_of("RtnDepthMarketData")["DepthMarketData"]
        assert got == {**expected("md", "OnRtnDepthMarketData"), "InstrumentID": "600000"}
        wire = {**(filled("ForQuoteRsp") or {}), "InstrumentID": "600000"}
        got = heard("OnRtnForQuoteRsp", fields=wire)["ForQuoteRsp"]
        assert got == {**expected("md", "OnRtnForQuoteRsp"), "InstrumentID": "600000"}
        for noun in ("MarketData", "ForQuoteRsp"):
            md.send(MsgType="UnSubscribe" + noun, InstrumentID=["600000"])
            assert heard("OnRspUnSub" + noun)["RspInfo"]["ErrorID"] == 0
        key = "QryMulticastInstrument"
        md.send(MsgType="ReqQryMulticastInstrument", RequestID=5, **{key: {}})
        assert heard("OnRspQryMulticastInstrument")["RequestID"] == 5
        assert heard("OnRspError", error_id=7)["RspInfo"]["ErrorID"] == 7
        assert heard("OnHeartBeatWarning", number=9)["RspInfo"]["ErrorID"] == 9
        assert heard("OnFrontDisconnected", number=8193)["RspInfo"]["ErrorID"] == 8193
        assert heard("OnFrontConnected", number=0)["RspInfo"] is None
        md.send(MsgType="ReqUserLogout", UserLogout={})
        assert heard("OnRspUserLogout")["IsLast"] is True
    assert arrived == set(CATALOGUE.md.callbacks)


README_LOGIN = """{
  "MsgType": "ReqUserLogin",
  "ReqUserLogin": {
    "UserID": "028742",
    "Password": "123456"
  }
}
"""


def test_bad_input_is_answered_and_stops_at_the_edge(tmp_path: Path) -> None:
    """The whole table through one socket of each path, which then work as if nothing had been."""
    with Group(tmp_path) as group:
        group.start_all()
        with SimControl(group.config["sim"]["listen"]) as control:
            # md_worker's own, the only one there should be
            wait_until(lambda: bool(control.tally().get("ReqUserLogin")), lambda: "no login")
            send_the_table(group, control)


def send_the_table(group: Group, control: SimControl) -> None:
    before = control.tally()
    with ws(group.url("/td/")) as td, ws(group.url("/md/")) as md:
        for case in CASES:
            client = td if case[0] == TD else md
            client.connection.send(frame(case[1]))
            check(case, client.hear())
        assert control.tally() == before
        logged_in(td, "100010")
        account = td.ask(MsgType="ReqQryTradingAccount", QryTradingAccount={}, RequestID=1)
        assert account["TradingAccount"]["AccountID"] == "100010"
        md.send(MsgType="ReqUserLogin", ReqUserLogin={})
        assert md.hear()["RspInfo"]["ErrorID"] == 0
        first_tick(md, "600000")


def test_who_only_listens_is_sent_away_when_the_counter_refuses_the_account(tmp_path: Path) -> None:
    """Otherwise he would wait for returns that never come, on a socket that looks well."""
    with Group(tmp_path) as group:
        group.start_all()
        with SimControl(group.config["sim"]["listen"]) as control, ws(group.url("/td/")) as td:
            logged_in(td, "100001")
            control.error("ReqUserLogin", 60, side="td")
            control.disconnect(side="td", seconds=0.2)
            with pytest.raises(ConnectionClosed) as caught:
                td.hear()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1012
            assert "60" in caught.value.rcvd.reason
        with ws(group.url("/td/")) as again:
            logged_in(again, "100001")


def test_the_login_of_the_original_s_readme_which_has_no_request_id(whole: Group) -> None:
    with ws(whole.url("/td/")) as td:
        td.connection.send(README_LOGIN)
        heard = td.hear()
        assert list(heard) == ["MsgType", "RspInfo", "IsLast", "RspUserLogin"]
        assert heard["MsgType"] == "RspUserLogin"
        assert heard["RspInfo"]["ErrorID"] == 0
        assert heard["RspUserLogin"]["UserID"] == "028742"
