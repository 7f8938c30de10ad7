"""The binary dialect says what the JSON protocol says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from bus.frames import FrameError
from tests.bench.json_ratio import tick_bytes
from tests.support.bad_input import CASES, TD, TEXTS, Case, frame
from tests.support.edge_core import CATALOGUE, Core, info, pack, payload_of, published, row
from ws_edge.dialect import TickFrames, to_msgpack
from ws_edge.envelope import STYLES, Head, Style, message
from ws_edge.options import Options

BINARY = Options(Style(binary=True))
unpack = msgspec.msgpack.decode
CALLBACKS = [
    (side, name, callback.struct)
    for side in ("td", "md")
    for name, callback in CATALOGUE.api(side).callbacks.items()
    if callback.struct
]
TICKS = TickFrames(CATALOGUE)
NAMES = json.loads(TICKS.announcement)["Fields"]["DepthMarketData"]
TICK_SIZE = CATALOGUE.codec("DepthMarketData").size


@pytest.mark.parametrize(("side", "name", "struct"), CALLBACKS)
@settings(max_examples=8)  # of each of 250 messages
@given(data=st.data())
def test_every_message_reads_the_same(side: Any, name: str, struct: str, data: Any) -> None:
    codec = CATALOGUE.reply_codec(side, name)
    raw = data.draw(st.binary(min_size=codec.size, max_size=codec.size), label="struct")
    style = data.draw(st.sampled_from(STYLES), label="style")
    text = message(style, Head(name, b'{"ErrorID":7,"ErrorMsg":"x"}'), struct, codec.json(raw))
    found = unpack(to_msgpack(text))
    assert found == json.loads(text)
    assert list(found) == list(json.loads(text))


@given(raw=st.binary(min_size=TICK_SIZE, max_size=TICK_SIZE))
def test_every_tick_reads_the_same_once_its_values_are_named(raw: bytes) -> None:
    for style in STYLES[:4]:
        text = payload_of(TICKS.frame(style.number, raw), 0x81)
        octets = payload_of(TICKS.frame(style._replace(binary=True).number, raw), 0x82)
        found, expected = unpack(octets), json.loads(text)
        found["DepthMarketData"] = dict(zip(NAMES, found["DepthMarketData"], strict=True))
        assert found == expected
        assert list(found) == list(expected)
        assert list(found["DepthMarketData"]) == list(expected["DepthMarketData"])


def test_a_tick_takes_a_third_of_the_bytes() -> None:
    raw = tick_bytes(CATALOGUE)
    text, octets = TICKS.frame(0, raw), TICKS.frame(Style(binary=True).number, raw)
    assert len(text) == 952
    assert len(octets) == 184


def test_whole_numbers_are_ints_everywhere() -> None:
    raw = pack("DepthMarketData", LastPrice=3187.0, Turnover=2.5e10, AveragePrice=1e300)
    found = unpack(payload_of(TICKS.frame(4, raw), 0x82))["DepthMarketData"]
    tick = dict(zip(NAMES, found, strict=True))
    assert [type(tick[name]) for name in ("LastPrice", "Turnover", "BidPrice1")] == [int] * 3
    snapshot = unpack(to_msgpack(b'{"a":3187.0,"b":3187.5,"c":1e17}'))
    assert [type(value) for value in snapshot.values()] == [int, float, float]


def test_the_names_come_once_before_the_first_tick() -> None:
    core = Core()
    client = core.md(BINARY)
    (fields,) = client.heard()
    assert fields == {"MsgType": "Fields", "Fields": {"DepthMarketData": NAMES}}
    assert core.md().texts() == core.td(BINARY).heard() == []
    client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "", "Password": ""}})
    reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True)
    core.md_worker.answer("ReqUserLogin", reply)
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610"]})
    answer = row("OnRspSubMarketData", pack("SpecificInstrument"), info(), last=True)
    core.md_worker.answer("SubscribeMarketData", answer)
    core.tick(1, LastPrice=3187.0)
    core.tick(2, LastPrice=3188.0)
    *replies, first, second = client.heard()
    assert [reply["MsgType"] for reply in replies] == ["RspUserLogin", "RspSubMarketData"]
    assert [tick["MsgType"] for tick in (first, second)] == ["RtnDepthMarketData"] * 2
    at = NAMES.index("LastPrice")
    assert [tick["DepthMarketData"][at] for tick in (first, second)] == [3187, 3188]


def test_replies_and_returns_are_those_of_a_client_of_json() -> None:
    core = Core()
    plain, binary = core.td_in(), core.td_in(BINARY)
    core.publish("OnRtnOrder", 2, pack("Order", LimitPrice=3187.2, InstrumentID="rb2610"))
    core.publish("OnRtnTrade", 3, pack("Trade", Price=3187.0, Volume=3))
    heard = plain.heard()
    assert [message["MsgType"] for message in heard] == ["RtnOrder", "RtnTrade"]
    assert binary.heard() == heard
    query = {"MsgType": "ReqQryOrder", "QryOrder": {"InstrumentID": "期"}, "RequestID": 5}
    plain.send(query)
    binary.session.receive(msgspec.msgpack.encode(query))
    for _ in (plain, binary):
        core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", pack("Order"), last=True))
    assert plain.heard() == binary.heard()


def test_a_binary_client_may_send_text_as_well() -> None:
    core = Core()
    client = core.td(BINARY)
    client.send({"MsgType": "Ping"})
    client.session.receive(msgspec.msgpack.encode({"MsgType": "Ping"}))
    assert [heard["MsgType"] for heard in client.heard()] == ["Pong", "Pong"]


def in_msgpack(message: object) -> bytes | None:
    """None for what only JSON can say, or nobody."""
    if isinstance(message, bytes):
        return None
    try:
        return msgspec.msgpack.encode(msgspec.json.decode(frame(message)))
    except (msgspec.DecodeError, OverflowError, RecursionError):
        return None


SAYABLE = [case for case in CASES if in_msgpack(case[1]) is not None]


@pytest.mark.parametrize("case", SAYABLE, ids=[str(n) for n in range(len(SAYABLE))])
def test_bad_requests_get_the_answers_of_bad_json(case: Case) -> None:
    core = Core()
    open_socket = core.td if case[0] == TD else core.md
    plain, binary = open_socket(), open_socket(BINARY)
    binary.heard()
    plain.session.receive(frame(case[1]))
    binary.session.receive(in_msgpack(case[1]) or b"")
    (expected,), (found,) = plain.heard(), binary.heard()
    if "JSON object" in expected.get("Detail", ""):
        expected["Detail"] = "expected a MessagePack map"
    assert found == expected
    assert core.td_worker.calls == core.md_worker.calls == []


def test_most_of_the_table_was_asked() -> None:
    assert len(SAYABLE) > 70


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        (b"", "not MessagePack: "),
        (b"\x81", "not MessagePack: "),
        (b'{"MsgType":"Ping"}', "not MessagePack: "),
        (b"\xc1", "not MessagePack: "),
        (b"\x81\xa7MsgType\xa4Ping\x00", "not MessagePack: "),
        (b"\x81\xa7MsgType\xa1\xff", "not MessagePack: a string that is not UTF-8"),
        (b"\x81\x80\x01", "not MessagePack: "),
        (b"\xdd\xff\xff\xff\xff", "not MessagePack: "),
        (b"\xdf\xff\xff\xff\xff", "not MessagePack: "),
        (b"\xc6\xff\xff\xff\xff", "not MessagePack: "),
        (b"\x91" * 100_000, "not MessagePack: nested too deeply"),
        (b"\x81\xa1a" * 100_000, "not MessagePack: nested too deeply"),
        (b"\xd7\xff" + b"\xff" * 8, "not MessagePack: "),
        (b"\x90", "expected a MessagePack map"),
        (b"\x01", "expected a MessagePack map"),
        (b"\x80", "MsgType: expected string"),
        (b"\x81\xa7MsgType\xc4\x04Ping", "MsgType: expected string"),
        (b"\x81\xc4\x07MsgType\xa4Ping", "MsgType: expected string"),
        (b"\x81\x01\x02", "MsgType: expected string"),
    ],
)
def test_bad_msgpack(octets: bytes, detail: str) -> None:
    core = Core()
    client = core.td(BINARY)
    client.session.receive(octets)
    (heard,) = client.heard()
    assert heard["MsgType"] == ""
    assert heard["RspInfo"] == {"ErrorID": -400, "ErrorMsg": TEXTS[-400]}
    assert heard["Detail"].startswith(detail)
    assert client.pipe.open


KEYS = ["RequestID", "QryOrder", "ReqUserLogin", "InstrumentID", "OrderRef", "On", "UserID"]
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=5) | st.binary(max_size=5) | st.datetimes(timezones=st.just(None)),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(KEYS) | st.integers(-9, 9) | st.none(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
requests = st.sampled_from(["ReqQryOrder", "SetKillSwitch", "QryOrderOutcome", "ReqUserLogin"])


@given(name=requests, rest=st.dictionaries(st.sampled_from(KEYS), values, max_size=4), whole=values)
def test_what_json_does_not_have_is_a_bad_request_and_no_fault(
    name: str, rest: dict[str, Any], whole: Any
) -> None:
    try:
        octets = msgspec.msgpack.encode({"MsgType": name, **rest, name: whole, "QryOrder": whole})
    except OverflowError:
        reject()  # an integer that MessagePack does not have
    core = Core()
    for client in (core.td(BINARY), core.md(BINARY), core.td_in()):
        client.heard()
        client.session.receive(octets)
        for heard in client.heard():
            assert heard["RspInfo"]["ErrorID"] in (-400, -401, -404)
    assert not core.counters.faults


@given(st.binary())
def test_any_bytes_get_one_answer(octets: bytes) -> None:
    core = Core()
    client = core.td(BINARY)
    client.session.receive(octets)
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == -400


def test_a_tick_of_another_size_costs_nobody_his_ticks() -> None:
    core = Core()
    client = core.md_in(BINARY)
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610"]})
    answer = row("OnRspSubMarketData", pack("SpecificInstrument"), info(), last=True)
    core.md_worker.answer("SubscribeMarketData", answer)
    client.heard()
    core.ticks.take(published("tick/rb2610/", "OnRtnDepthMarketData", 1, bytes(TICK_SIZE)))
    with pytest.raises(FrameError):
        core.ticks.take(published("tick/rb2610/", "OnRtnDepthMarketData", 2, b"short"))
    core.ticks.flush()
    assert len(client.heard()) == 1


def test_a_slow_client_is_told_in_its_dialect_what_it_lacks() -> None:
    core = Core()
    client = core.md_in(BINARY)
    client.outbox.tells_gaps = True
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610"]})
    answer = row("OnRspSubMarketData", pack("SpecificInstrument"), info(), last=True)
    core.md_worker.answer("SubscribeMarketData", answer)
    core.tick(1)
    client.outbox.pause()
    core.tick(2)
    core.tick(4)
    client.pipe.frames.clear()
    client.outbox.resume()
    (waited,) = client.pipe.frames
    heard = []
    while waited:
        size, start = (waited[1], 2) if waited[1] < 126 else (int.from_bytes(waited[2:4], "big"), 4)
        assert waited[0] == 0x82
        heard.append(unpack(waited[start : start + size]))
        waited = waited[start + size :]
    assert [message["MsgType"] for message in heard] == ["Gap", "Conflated", "RtnDepthMarketData"]
    assert heard[0]["Gap"] == {"InstrumentID": "rb2610", "Missing": 1, "Reason": "lost"}
