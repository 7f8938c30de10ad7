"""/md/ byte for byte, and who gets which ticks."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.support.edge_core import (
    CATALOGUE,
    Client,
    Core,
    error,
    info,
    own,
    pack,
    published,
    row,
)
from ws_edge.config import WsConfig
from ws_edge.envelope import Style
from ws_edge.options import Options

LOGIN = {"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "", "Password": ""}}
OK = '"RspInfo":{"ErrorID":0,"ErrorMsg":"CTP:No Error"}'
NO_LOGIN = (
    '"RspUserLogin":{"BrokerID":"","CZCETime":"","DCETime":"","FFEXTime":"","FrontID":0,'
    '"INETime":"","LoginTime":"","MaxOrderRef":"","SessionID":0,"SHFETime":"","SystemName":"",'
    '"SysVersion":"","TradingDay":"","UserID":""}'
)
TICK_KEYS = (
    "ActionDay AskPrice1 AskPrice2 AskPrice3 AskPrice4 AskPrice5 AskVolume1 AskVolume2 AskVolume3"
    " AskVolume4 AskVolume5 AveragePrice BandingLowerPrice BandingUpperPrice BidPrice1 BidPrice2"
    " BidPrice3 BidPrice4 BidPrice5 BidVolume1 BidVolume2 BidVolume3 BidVolume4 BidVolume5"
    " ClosePrice CurrDelta ExchangeID ExchangeInstID HighestPrice InstrumentID LastPrice"
    " LowerLimitPrice LowestPrice OpenInterest OpenPrice PreClosePrice PreDelta PreOpenInterest"
    " PreSettlementPrice SettlementPrice TradingDay Turnover UpdateMillisec UpdateTime"
    " UpperLimitPrice Volume reserve1 reserve2"
)


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def client(core: Core) -> Client:
    return core.md_in()


def subscribe(*names: str) -> dict[str, object]:
    return {"MsgType": "SubscribeMarketData", "InstrumentID": list(names)}


def unsubscribe(*names: str) -> dict[str, object]:
    return {"MsgType": "UnSubscribeMarketData", "InstrumentID": list(names)}


def answer(core: Core, *names: str, error_id: int = 0) -> None:
    """The front's answers to a subscription of these."""
    lines = [
        row(
            "OnRspSubMarketData",
            pack("SpecificInstrument", InstrumentID=name),
            info(error_id),
            last=name == names[-1],
        )
        for name in names
    ]
    asked = core.md_worker.answer("SubscribeMarketData", *lines)
    assert msgspec.msgpack.decode(asked.body) == list(names)


def joined(core: Core, *names: str) -> Client:
    """A socket that has these instruments and has read everything up to now."""
    client = core.md_in()
    client.send(subscribe(*names))
    if "SubscribeMarketData" in core.md_worker.methods():
        answer(core, *names)
    client.texts()
    return client


def specific(name: str, *, last: bool) -> str:
    ends = '"IsLast":true,' if last else ""
    return f'{OK},{ends}"SpecificInstrument":{{"InstrumentID":"{name}"}}}}'


def test_the_login_reply(core: Core) -> None:
    client = core.md()
    client.send({**LOGIN, "RequestID": 4})
    field = pack("RspUserLogin", TradingDay="20261123", FrontID=1, SessionID=-7, UserID="u")
    line = row("OnRspUserLogin", field, info(0, "CTP:No Error"), last=True)
    core.md_worker.answer("ReqUserLogin", line)
    assert client.texts() == [
        f'{{"MsgType":"RspUserLogin",{OK},"IsLast":true,"RspUserLogin":{{"BrokerID":"",'
        '"CZCETime":"","DCETime":"","FFEXTime":"","FrontID":1,"INETime":"","LoginTime":"",'
        '"MaxOrderRef":"","SessionID":-7,"SHFETime":"","SystemName":"","SysVersion":"",'
        '"TradingDay":"20261123","UserID":"u"}}'
    ]


def test_the_payload_of_the_login_is_there_even_on_an_error(core: Core) -> None:
    client = core.md()
    client.send(LOGIN)
    core.md_worker.answer("ReqUserLogin", error(-1, "CTP:请求失败", "the front is disconnected"))
    assert client.texts() == [
        '{"MsgType":"RspUserLogin","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        f'"IsLast":true,{NO_LOGIN},"Detail":"the front is disconnected"}}'
    ]
    assert json.loads(client.ask(subscribe("rb2610")))["RspInfo"]["ErrorID"] == -401


def test_a_login_that_the_front_refused_is_none(core: Core) -> None:
    client = core.md()
    client.send(LOGIN)
    refused = row("OnRspUserLogin", pack("RspUserLogin"), info(3, "CTP:不合法的登录"), last=True)
    core.md_worker.answer("ReqUserLogin", refused)
    assert client.heard()[0]["RspInfo"]["ErrorID"] == 3
    assert json.loads(client.ask(subscribe("rb2610")))["RspInfo"]["ErrorID"] == -401
    client.send(LOGIN)
    core.md_worker.answer("ReqUserLogin", row("OnRspUserLogin", pack("RspUserLogin"), last=True))
    client.texts()
    client.send(subscribe("rb2610"))
    assert core.md_worker.methods() == ["SubscribeMarketData"]


def test_missing_credentials_are_empty_ones(core: Core) -> None:
    client = core.md()
    client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {}})
    body = core.md_worker.take("ReqUserLogin").body
    assert body == bytes(CATALOGUE.layouts["ReqUserLogin"].size)


def test_a_request_before_the_login(core: Core) -> None:
    assert core.md().ask(subscribe("rb2610")) == (
        '{"MsgType":"SubscribeMarketData","RspInfo":{"ErrorID":-401,"ErrorMsg":"未登录"}}'
    )


def test_each_instrument_is_answered_and_the_last_one_says_so(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610", "au2612", "rb2610"))
    assert core.subscribed == ["tick/rb2610/", "tick/au2612/"]
    answer(core, "rb2610", "au2612")
    head = '{"MsgType":"RspSubMarketData",'
    assert client.texts() == [
        head + specific("rb2610", last=False),
        head + specific("au2612", last=False),
        head + specific("rb2610", last=True),
    ]


def test_a_tick(core: Core) -> None:
    client = joined(core, "rb2610")
    core.tick(1, LastPrice=3187.0, AskPrice2=None, CurrDelta=None, Volume=5, reserve2="r")
    (text,) = client.texts()
    assert text.startswith('{"MsgType":"RtnDepthMarketData","DepthMarketData":{"ActionDay":"",')
    heard = json.loads(text)
    assert list(heard) == ["MsgType", "DepthMarketData"]
    tick = heard["DepthMarketData"]
    assert list(tick) == TICK_KEYS.split()
    assert '"AskPrice1":0.0,"AskPrice2":0,' in text
    assert '"CurrDelta":0,' in text
    assert (tick["LastPrice"], tick["Volume"], tick["reserve2"]) == (3187.0, 5, "r")


def test_ticks_come_after_the_answer_and_begin_with_the_last_one(
    core: Core, client: Client
) -> None:
    client.send(subscribe("rb2610"))
    core.tick(1, Volume=1)
    core.tick(2, Volume=2)
    assert client.texts() == []
    answer(core, "rb2610")
    core.tick(3, Volume=3)
    heard = client.heard()
    assert [h["MsgType"] for h in heard] == ["RspSubMarketData", *["RtnDepthMarketData"] * 2]
    assert [h["DepthMarketData"]["Volume"] for h in heard[1:]] == [2, 3]


def test_the_first_socket_gets_the_worker_s_last_tick(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    answer(core, "rb2610")
    field = pack("DepthMarketData", InstrumentID="rb2610", Volume=7)
    message = published("tick/rb2610/", "OnRtnDepthMarketData", 9, field)
    core.md_worker.answer("Snapshot", row("Snapshot", message, last=True))
    assert [h["MsgType"] for h in client.heard()] == ["RspSubMarketData", "RtnDepthMarketData"]
    core.tick(9, Volume=7)
    assert client.texts() == []
    assert core.counters.ticks_lost == 0


@pytest.mark.parametrize("name", ["Beat", "SomethingNew"])
def test_a_message_that_is_no_tick_is_none(core: Core, client: Client, name: str) -> None:
    client.send(subscribe("rb2610"))
    answer(core, "rb2610")
    core.tick(1, Volume=1)
    client.heard()
    core.ticks.on_message(published("tick/rb2610/", name, 2))
    assert client.texts() == []
    core.tick(2, Volume=2)
    assert [h["DepthMarketData"]["Volume"] for h in client.heard()] == [2]


def test_a_snapshot_older_than_a_live_tick_is_left_out(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    answer(core, "rb2610")
    old = pack("DepthMarketData", InstrumentID="rb2610", Volume=7)
    core.tick(10, Volume=8)
    message = published("tick/rb2610/", "OnRtnDepthMarketData", 9, old)
    core.md_worker.answer("Snapshot", row("Snapshot", message, last=True))
    assert [h["DepthMarketData"]["Volume"] for h in client.heard()[1:]] == [8]


def test_later_sockets_are_answered_from_here(core: Core) -> None:
    joined(core, "rb2610")
    core.tick(1, Volume=4)
    late = core.md_in()
    late.send(subscribe("rb2610"))
    assert core.md_worker.methods() == ["Snapshot"]
    heard = late.heard()
    assert [h["MsgType"] for h in heard] == ["RspSubMarketData", "RtnDepthMarketData"]
    assert heard[1]["DepthMarketData"]["Volume"] == 4
    assert core.subscribed == ["tick/rb2610/"]


@pytest.mark.parametrize("newer", [False, True])
def test_a_late_socket_gets_what_the_others_had_before_the_first_news_of_md_worker(
    core: Core, newer: bool
) -> None:
    """A new edge hears of md_worker's state a second late, and forgets what was said before: the
    last tick of an instrument that rests must reach who comes then, and nobody twice."""
    early = joined(core, "rb2610")
    core.md_worker.take("Snapshot")
    message = core.tick(3, Volume=4)
    early.texts()
    core.ticks.forget_front()
    late = core.md_in()
    late.send(subscribe("rb2610"))
    answer(core, "rb2610")
    if newer:
        core.tick(4, Volume=5)
    core.md_worker.answer("Snapshot", row("Snapshot", message, last=True))
    assert [h["DepthMarketData"]["Volume"] for h in late.heard()[1:]] == [5 if newer else 4]
    assert len(early.heard()) == newer


def test_what_the_front_said_counts_until_it_goes_away(core: Core) -> None:
    old = joined(core, "rb2610")
    core.tick(1, Volume=4)
    old.texts()
    core.md_worker.take("Snapshot")
    core.ticks.forget_front()
    late = core.md_in()
    late.send(subscribe("rb2610"))
    old.send(subscribe("rb2610"))
    for _ in range(2):
        error_row = error(-1, "CTP:请求失败", "the market data front is down")
        core.md_worker.answer("SubscribeMarketData", error_row)
    assert [c.heard()[0]["RspInfo"]["ErrorID"] for c in (late, old)] == [-1, -1]
    assert (late.texts(), old.texts()) == ([], [])
    core.tick(2, Volume=5)  # the front is back, and md_worker has subscribed again
    assert (len(old.texts()), late.texts()) == (1, [])
    late.send(subscribe("rb2610"))
    answer(core, "rb2610")
    assert late.heard()[1]["DepthMarketData"]["Volume"] == 5


def test_a_call_for_quotes_is_asked_for_again_too(core: Core) -> None:
    line = row("OnRspSubForQuoteRsp", pack("SpecificInstrument"), info(), last=True)
    for _ in range(2):
        core.md_in().send({"MsgType": "SubscribeForQuoteRsp", "InstrumentID": ["m2701"]})
        core.md_worker.answer("SubscribeForQuoteRsp", line)
        core.quotes.forget_front()


def test_a_mixed_request_asks_only_for_what_is_new(core: Core) -> None:
    joined(core, "rb2610")
    late = core.md_in()
    late.send(subscribe("au2612", "rb2610"))
    assert late.texts() == []
    answer(core, "au2612")
    heard = late.heard()
    assert [h["SpecificInstrument"]["InstrumentID"] for h in heard] == ["au2612", "rb2610"]
    assert "IsLast" not in heard[0]
    assert heard[1]["IsLast"] is True


def test_an_unsubscription_stops_the_ticks_of_this_socket_at_once(core: Core) -> None:
    one, other = joined(core, "rb2610"), joined(core, "rb2610")
    assert one.ask(unsubscribe("rb2610")) == (
        '{"MsgType":"RspUnSubMarketData",' + specific("rb2610", last=True)
    )
    core.tick(1)
    assert (one.texts(), len(other.texts())) == ([], 1)
    assert core.subscribed == ["tick/rb2610/"]
    other.send(unsubscribe("rb2610", "never"))
    assert core.subscribed == []
    assert len(other.texts()) == 2


def test_an_unsubscription_overtakes_a_subscription_on_its_way(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    client.send(unsubscribe("rb2610"))
    answer(core, "rb2610")
    core.tick(1)
    assert "RtnDepthMarketData" not in [h["MsgType"] for h in client.heard()]
    assert core.subscribed == []


def test_a_refused_instrument_is_passed_on_and_not_kept(core: Core, client: Client) -> None:
    client.send(subscribe("nope"))
    answer(core, "nope", error_id=16)
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == 16
    assert core.subscribed == []


def test_a_failed_call_carries_no_instrument_and_keeps_nothing(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610", "au2612"))
    core.md_worker.answer("SubscribeMarketData", error(-1, "CTP:请求失败", "front away"))
    assert client.texts() == [
        '{"MsgType":"RspSubMarketData","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        '"Detail":"front away"}'
    ]
    assert core.subscribed == []


def test_a_request_that_fails_takes_nothing_from_a_later_one(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    core.clock.advance(5)
    client.send(subscribe("rb2610"))
    core.clock.advance(6.1)  # the first one has waited long enough
    assert [heard["RspInfo"]["ErrorID"] for heard in client.heard()] == [-1]
    core.md_worker.take("SubscribeMarketData")
    answer(core, "rb2610")
    core.tick(1)
    assert [h["MsgType"] for h in client.heard()] == ["RspSubMarketData", "RtnDepthMarketData"]


def test_a_refused_request_takes_nothing_from_a_later_one(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    client.send(subscribe("rb2610"))
    answer(core, "rb2610", error_id=16)
    answer(core, "rb2610")
    core.tick(1)
    assert [h["MsgType"] for h in client.heard()] == [
        "RspSubMarketData",
        "RspSubMarketData",
        "RtnDepthMarketData",
    ]


def test_a_refusal_is_not_what_the_next_socket_hears(core: Core) -> None:
    one, other, late = core.md_in(), core.md_in(), core.md_in()
    one.send(subscribe("rb2610"))
    other.send(subscribe("rb2610"))
    answer(core, "rb2610")
    answer(core, "rb2610", error_id=-1)  # the front went away in between
    assert [c.heard()[0]["RspInfo"]["ErrorID"] for c in (one, other)] == [0, -1]
    late.send(subscribe("rb2610"))
    assert late.heard()[0]["RspInfo"]["ErrorID"] == 0


@pytest.mark.parametrize("there", [False, True])
def test_a_subscription_without_a_worker_is_an_error(core: Core, there: bool) -> None:
    client = core.md_in()
    core.md_worker.there = there
    client.send(subscribe("rb2610"))
    core.clock.advance(20)
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == -1
    assert core.subscribed == []


def test_a_closed_socket_leaves_its_instruments(core: Core) -> None:
    client, other = joined(core, "rb2610", "au2612"), joined(core, "rb2610")
    client.session.close()
    assert core.subscribed == ["tick/rb2610/"]
    core.tick(1)
    assert (client.texts(), len(other.texts())) == ([], 1)


def test_a_socket_closed_during_a_subscription_leaves_nothing(core: Core, client: Client) -> None:
    client.send(subscribe("rb2610"))
    client.session.close()
    answer(core, "rb2610")
    assert core.subscribed == []


def test_a_logout_ends_the_ticks_of_this_socket(core: Core) -> None:
    client = joined(core, "rb2610")
    text = client.ask({"MsgType": "ReqUserLogout", "UserLogout": {"UserID": "u"}, "RequestID": 1})
    assert text == (
        f'{{"MsgType":"RspUserLogout",{OK},"RequestID":1,"IsLast":true,'
        '"UserLogout":{"BrokerID":"","UserID":"u"}}'
    )
    assert core.subscribed == []
    assert json.loads(client.ask(subscribe("x")))["RspInfo"]["ErrorID"] == -401


def test_snapshots_on_request(core: Core, client: Client) -> None:
    names = ["rb2610", "none"]
    client.send({"MsgType": "QueryMarketSnapshot", "InstrumentID": names, "RequestID": 3})
    field = pack("DepthMarketData", InstrumentID="rb2610")
    message = published("tick/rb2610/", "OnRtnDepthMarketData", 9, field)
    rows = (row("Snapshot", message), row("Snapshot", last=True))
    asked = core.md_worker.answer("Snapshot", *rows)
    assert msgspec.msgpack.decode(asked.body) == names
    one, two = client.texts()
    assert one.startswith(
        '{"MsgType":"RspQueryMarketSnapshot","RspInfo":null,"RequestID":3,"DepthMarketData":'
        '{"ActionDay":'
    )
    assert two == (
        '{"MsgType":"RspQueryMarketSnapshot","RspInfo":null,"RequestID":3,"IsLast":true,'
        '"DepthMarketData":null}'
    )


def test_calls_for_quotes(core: Core, client: Client) -> None:
    client.send({"MsgType": "SubscribeForQuoteRsp", "InstrumentID": ["m2701"]})
    line = row("OnRspSubForQuoteRsp", pack("SpecificInstrument"), info(), last=True)
    core.md_worker.answer("SubscribeForQuoteRsp", line)
    assert client.texts() == ['{"MsgType":"RspSubForQuoteRsp",' + specific("m2701", last=True)]
    field = pack("ForQuoteRsp", InstrumentID="m2701", ForQuoteSysID="5")
    core.quotes.on_message(published("quote/m2701/", "OnRtnForQuoteRsp", 1, field))
    (heard,) = client.heard()
    assert list(heard) == ["MsgType", "RspInfo", "ForQuoteRsp"]
    assert (heard["RspInfo"], heard["ForQuoteRsp"]["ForQuoteSysID"]) == (None, "5")
    client.send({"MsgType": "UnSubscribeForQuoteRsp", "InstrumentID": ["m2701"]})
    assert client.heard()[0]["MsgType"] == "RspUnSubForQuoteRsp"
    assert core.subscribed == []


def test_multicast_instruments(core: Core, client: Client) -> None:
    key = "QryMulticastInstrument"
    client.send({"MsgType": "ReqQryMulticastInstrument", key: {"TopicID": 1}, "RequestID": 2})
    line = row("OnRspQryMulticastInstrument", None, info(), last=True)
    core.md_worker.answer("ReqQryMulticastInstrument", line)
    assert client.texts() == [
        f'{{"MsgType":"RspQryMulticastInstrument",{OK},"RequestID":2,"IsLast":true,'
        '"MulticastInstrument":null}'
    ]


def test_a_limit_of_subscriptions() -> None:
    core = Core(WsConfig(max_subscriptions=2))
    client = joined(core, "a1", "a2")
    heard = json.loads(client.ask(subscribe("a2", "a3")))
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("SubscribeMarketData", -400)
    client.send(unsubscribe("a1"))
    client.send(subscribe("a2", "a3"))
    answer(core, "a3")
    assert len(client.texts()) == 3


@pytest.mark.parametrize(
    "name", ["SubscribeMarketData", "UnSubscribeForQuoteRsp", "QueryMarketSnapshot"]
)
def test_a_limit_of_names_in_one_request(name: str) -> None:
    core = Core(WsConfig(max_subscriptions=3))
    client = core.md_in()
    client.send({"MsgType": name, "InstrumentID": ["a"] * 4, "RequestID": 2})
    assert client.texts() == [
        f'{{"MsgType":"{name}","RspInfo":{{"ErrorID":-400,"ErrorMsg":"参数有误"}},'
        '"RequestID":2,"Detail":"InstrumentID: more than 3 in one request"}'
    ]
    client.send({"MsgType": "UnSubscribeMarketData", "InstrumentID": ["a"] * 3})
    assert len(client.texts()) == 3


def test_each_style_of_a_tick(core: Core) -> None:
    styles = [Style(), Style(on=True), Style(full=True)]
    heads = []
    for style in styles:
        client = core.md_in(Options(style))
        client.send(subscribe("rb2610"))
        if "SubscribeMarketData" in core.md_worker.methods():
            answer(core, "rb2610")
            core.tick(1)
        heads.append(client.texts()[-1].partition('"ActionDay"')[0])
    assert heads == [
        '{"MsgType":"RtnDepthMarketData","DepthMarketData":{',
        '{"MsgType":"OnRtnDepthMarketData","DepthMarketData":{',
        '{"MsgType":"RtnDepthMarketData","RequestID":0,"IsLast":false,"DepthMarketData":{',
    ]


def test_lost_ticks_are_counted(core: Core) -> None:
    client = joined(core, "rb2610")
    core.tick(1)
    core.tick(4)
    core.tick(4)
    core.tick(1, epoch=2)
    assert core.counters.ticks_lost == 2
    assert len(client.texts()) == 3


def test_a_row_of_the_worker_s_own_state_is_no_reply(core: Core, client: Client) -> None:
    client.send({"MsgType": "QueryMarketSnapshot", "InstrumentID": ["rb2610"]})
    core.md_worker.answer("Snapshot", own("Error", {"bad": 1}, last=True))
    (heard,) = client.heard()
    assert heard["RspInfo"] == {"ErrorID": -500, "ErrorMsg": "内部错误"}
