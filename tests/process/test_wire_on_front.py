"""The whole group on the real binding: each call of the API, with any bytes, through a WebSocket.

Counted from the catalogue. The requests and the replies must be on the wire of the counter and of
the client exactly what the codecs say; only what the group itself answers is left out.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemas.catalogue
from schemas.api import Callback, Request
from schemas.codec import Value
from schemas.layout import Field, Layout
from tests.support.front import Front
from tests.support.group import Group
from tests.support.identity import without_names
from tests.support.ws_client import WsClient, ws

pytestmark = pytest.mark.front

CATALOGUE = schemas.catalogue.load()
WAIT_S = 10.0
# Answered by the group: the session at the counter is shared.
OWN = {"ReqAuthenticate", "ReqUserLogin", "ReqUserLogout"}
# They start or end a login of the worker's own; tested where logins are.
LOGINS = {name for name in CATALOGUE.td.requests if name.startswith("ReqUserLoginWith")}
LINK = {"OnFrontConnected", "OnFrontDisconnected"}


def next_text(client: WsClient, kind: str) -> bytes:
    """The next message of this type, as bytes, because key order and form count."""
    begin = f'{{"MsgType":"{kind}"'
    while not (text := client.text()).startswith(begin):
        pass
    return text.encode()


def log_in(client: WsClient) -> None:
    client.send(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "u1", "Password": "good"})
    assert client.hear_of("RspUserLogin")["RspUserLogin"]["TradingDay"]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Front:
    return Front(tmp_path_factory.mktemp("front"), TICK_RATE=-1, QRY_FREQ=100_000)


@pytest.fixture(scope="module")
def group(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    path: Path = tmp_path_factory.mktemp("group")
    with Group(path, sim=False, front_env=front.env) as made:
        made.start("md_worker", "td_worker", "ws_edge")
        yield made


@pytest.fixture
def td(group: Group) -> Iterator[WsClient]:
    with ws(group.url("/td/?notices=all")) as client:
        log_in(client)
        yield client


@pytest.fixture
def md(group: Group) -> Iterator[WsClient]:
    with ws(group.url("/md/?notices=all")) as client:
        log_in(client)
        yield client


def any_value(field: Field, rng: random.Random) -> Value:
    if field.kind == "s":
        text = "".join(rng.choices("aZ09 期货", k=rng.randrange(1, field.size)))
        return text.encode("gb18030")[: field.size - 1].decode("gb18030", "ignore") or "a"
    if field.kind == "c":
        return rng.choice("0aZ")
    if field.kind == "d":
        return rng.choice([0.0, -1.5, 3001.2, 1e16])
    return rng.randrange(-(2**15), 2**15)


def any_values(layout: Layout, rng: random.Random) -> dict[str, Value]:
    return {field.name: any_value(field, rng) for field in layout.fields}


def any_bytes(struct: str, rng: random.Random) -> bytes:
    return CATALOGUE.codec(struct).pack(any_values(CATALOGUE.layouts[struct], rng))


def error(rng: random.Random) -> bytes:
    """31 is the refusal of an order: nobody on the way does anything about it."""
    text = any_value(Field("ErrorMsg", "s", 0, 81), rng)
    return CATALOGUE.codec("RspInfo").pack({"ErrorID": rng.choice([0, 31]), "ErrorMsg": text})


def info_json(raw: bytes) -> bytes:
    return CATALOGUE.codec("RspInfo").json(raw)


def payload(side: schemas.catalogue.Side, callback: Callback, field: bytes) -> bytes:
    assert callback.struct is not None
    json = CATALOGUE.reply_codec(side, callback.name).json(field)
    return b'"%b":%b' % (callback.struct.encode(), json)


def wire_name(callback: Callback) -> str:
    return callback.name.removeprefix("On")


def received(front: Front, count: int) -> tuple[str, int, bytes]:
    """The newest of ``count`` requests that have reached the front."""
    deadline = time.monotonic() + WAIT_S
    while len(front.requests()) < count:
        assert time.monotonic() < deadline, "the request did not reach the front"
        time.sleep(0.002)
    return front.requests()[-1]


def test_every_push_of_the_trader_api_arrives_as_it_was(front: Front, td: WsClient) -> None:
    rng = random.Random(1)
    pushes = [c for c in CATALOGUE.td.callbacks.values() if not c.has_id and c.name not in LINK]
    for callback in pushes:
        field = any_bytes(callback.struct, rng) if callback.struct else None
        info = error(rng) if callback.has_info else None
        front.raise_callback(callback.name, field, info, number=7)
        text = next_text(td, wire_name(callback))
        if field is not None:
            assert b'"RspInfo":' + (info_json(info) if info else b"null") in text
            assert text.endswith(payload("td", callback, field) + b"}"), callback.name


def test_every_request_of_the_trader_api_goes_through_and_is_answered(
    front: Front, td: WsClient
) -> None:
    rng = random.Random(2)
    before = len(front.requests())
    requests = [r for r in CATALOGUE.td.requests.values() if r.name not in OWN | LOGINS]
    for request in requests:
        front.fault(request.name, "lose")  # what the front says is raised below
    front.raise_callback("OnHeartBeatWarning", number=1)
    td.hear_of("HeartBeatWarning")  # the lines of the control file are obeyed in order
    for number, request in enumerate(requests, start=1):
        _exchange(front, td, request, number, before + number, rng)
    assert len(requests) + len(OWN) + len(LOGINS) == len(CATALOGUE.td.requests)


def _exchange(
    front: Front, td: WsClient, request: Request, number: int, count: int, rng: random.Random
) -> None:
    """One request, and its reply in two rows."""
    values = any_values(CATALOGUE.layouts[request.struct], rng)
    names_order = any(name.endswith("Ref") for name in values)
    if request.name.endswith("Insert"):  # its references must be numbers that rise
        values |= {name: str(number) for name in values if name.endswith("Ref")}
        values |= {"AskOrderRef": str(number + 1)} if "AskOrderRef" in values else {}
    td.send(MsgType=request.name, RequestID=number, **{request.struct: values})
    name, request_id, raw = received(front, count)
    codec = CATALOGUE.codec(request.struct)
    assert name == request.name
    assert without_names(codec.unpack(raw)) == without_names(codec.unpack(codec.pack(values)))
    assert names_order or raw == codec.pack(values)
    reply = CATALOGUE.td.callbacks[request.reply]
    assert reply.struct is not None
    for last in (False, True):
        field, info = any_bytes(reply.struct, rng), error(rng)
        front.raise_callback(reply.name, field, info, request_id, last)
        begin = b'{"MsgType":"%b","RspInfo":%b,"RequestID":%d,' % (
            wire_name(reply).encode(),
            info_json(info),
            number,
        )
        ends = b'"IsLast":true,' if last else b""
        text, content = next_text(td, wire_name(reply)), payload("td", reply, field)
        if names_order:
            heard, told = json.loads(text), json.loads(b"{" + content + b"}")
            assert text.startswith(begin + ends)
            assert without_names(heard[reply.struct]) == without_names(told[reply.struct])
        else:
            assert text == begin + ends + content + b"}"


def test_a_tick_and_a_call_for_quotes_arrive_as_they_were(front: Front, md: WsClient) -> None:
    rng = random.Random(3)
    for verb, reply, name in (
        ("SubscribeMarketData", "RspSubMarketData", "OnRtnDepthMarketData"),
        ("SubscribeForQuoteRsp", "RspSubForQuoteRsp", "OnRtnForQuoteRsp"),
    ):
        md.send(MsgType=verb, InstrumentID=["rb2601"])
        next_text(md, reply)
        callback = CATALOGUE.md.callbacks[name]
        assert callback.struct is not None
        values = any_values(CATALOGUE.layouts[callback.struct], rng) | {"InstrumentID": "rb2601"}
        field = CATALOGUE.codec(callback.struct).pack(values)
        front.raise_callback(name, field)
        text = next_text(md, wire_name(callback))
        assert text.endswith(payload("md", callback, field) + b"}")


def test_every_request_of_the_market_data_api_is_answered(front: Front, md: WsClient) -> None:
    rng = random.Random(4)
    requests = [r for r in CATALOGUE.md.requests.values() if r.name not in OWN]
    for number, request in enumerate(requests, start=1):
        values = any_values(CATALOGUE.layouts[request.struct], rng)
        md.send(MsgType=request.name, RequestID=number, **{request.struct: values})
        answer = md.hear_of(request.reply.removeprefix("On"))
        assert (answer["RequestID"], answer["IsLast"]) == (number, True)


def test_an_error_of_the_counter_ends_the_request_it_belongs_to(front: Front, td: WsClient) -> None:
    front.fault("ReqQryTrade", "rsperror", number=31, text="CTP:资金不足")
    front.raise_callback("OnRspError", info=error(random.Random(5)), number=2**30)
    td.hear_of("RspError")  # it belongs to nobody; and the fault is known to the front now
    td.send(MsgType="ReqQryTrade", RequestID=9, QryTrade={})
    answer = td.hear_of("RspQryTrade")
    assert answer["RspInfo"] == {"ErrorID": 31, "ErrorMsg": "CTP:资金不足"}
    assert (answer["RequestID"], answer["IsLast"]) == (9, True)


def test_no_callback_of_the_api_is_left_out() -> None:
    """Those above, and what only logins and the link bring."""
    for api in (CATALOGUE.td, CATALOGUE.md):
        raised = {callback.name for callback in api.callbacks.values() if not callback.has_id}
        answers = {request.reply for request in api.requests.values()}
        lists = {
            f"OnRsp{un}Sub{what}" for un in ("", "Un") for what in ("MarketData", "ForQuoteRsp")
        }
        assert set(api.callbacks) <= raised | answers | lists | {"OnRspError"}


def test_the_flow_control_of_the_api_never_reaches_a_client(tmp_path: Path) -> None:
    front = Front(tmp_path, FLOW=1, QRY_FREQ=20, QRY_DELAY_MS=10)
    with Group(tmp_path, sim=False, front_env=front.env) as group:
        group.start("md_worker", "td_worker", "ws_edge")
        with ws(group.url("/td/")) as one, ws(group.url("/td/")) as two:
            for client in (one, two):
                log_in(client)
                for number in range(1, 6):
                    client.send(
                        MsgType="ReqQryTradingAccount", RequestID=number, QryTradingAccount={}
                    )
            for client in (one, two):
                for number in range(1, 6):
                    answer = client.hear_of("RspQryTradingAccount")
                    assert (answer["RequestID"], answer["RspInfo"]) == (number, None)


def test_ticks_and_logins_come_back_after_the_link_was_cut(tmp_path: Path) -> None:
    front = Front(tmp_path, TICK_RATE=100)
    with Group(tmp_path, sim=False, front_env=front.env) as group:
        group.start("md_worker", "td_worker", "ws_edge")
        with ws(group.url("/td/?notices=front")) as td, ws(group.url("/md/")) as md:
            log_in(td)
            log_in(md)
            md.send(MsgType="SubscribeMarketData", InstrumentID=["rb2601"])
            last = md.hear_of("RtnDepthMarketData")["DepthMarketData"]["Volume"]
            front.disconnect(0.3)
            td.hear_of("FrontDisconnected")
            td.hear_of("FrontConnected")
            for _ in range(1000):
                before = last
                last = md.hear_of("RtnDepthMarketData")["DepthMarketData"]["Volume"]
                if last <= before:
                    break  # the front counts from 1 again after a login
            assert last <= before
            order = {"InstrumentID": "rb2601", "OrderPriceType": "2", "LimitPrice": 3000.0}
            while True:
                td.send(
                    MsgType="ReqOrderInsert",
                    RequestID=5,
                    InputOrder=order | {"VolumeTotalOriginal": 1, "CombOffsetFlag": "0"},
                )
                heard = td.hear()
                if heard["MsgType"] == "RtnOrder":
                    break
                assert heard["RspInfo"]["ErrorID"] == -1, "it may still be logging in"
            assert heard["Order"]["UserID"] == "u1"
