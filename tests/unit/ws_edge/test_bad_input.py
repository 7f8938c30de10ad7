"""Bad input: one structured answer each, and nothing reaches a worker."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bad_input import CASES, TD, Case, check, frame, order
from tests.support.edge_core import CATALOGUE, Core, login
from ws_edge.names import methods


@pytest.mark.parametrize("case", CASES, ids=[str(n) for n in range(len(CASES))])
def test_bad_input(case: Case) -> None:
    core = Core()
    client = core.td() if case[0] == TD else core.md()
    client.session.receive(frame(case[1]))
    (heard,) = client.heard()
    check(case, heard)
    assert core.td_worker.calls == core.md_worker.calls == []
    assert client.pipe.open
    assert json.loads(client.ask({"MsgType": "Ping"}))["MsgType"] == "Pong"


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    "fields",
    [
        {"LimitPrice": None, "InstrumentID": None, "Direction": None, "MinVolume": None},
        {"Direction": "\0", "InstrumentID": "\0"},
        {"Direction": "", "CombOffsetFlag": ""},
        {"Unknown": {"deep": [1]}, "limitprice": "x"},
        {"IsAutoSuspend": True, "LimitPrice": 5},
    ],
)
def test_what_is_taken_as_unset_or_ignored(fields: dict[str, Any]) -> None:
    core = Core()
    client = core.td_in()
    client.send({**order(**fields), "Extra": 1, "RequestID": None})
    assert client.texts() == []
    assert core.td_worker.methods() == ["ReqOrderInsert"]


def test_no_secret_is_quoted() -> None:
    core = Core()
    text = core.td().ask(login(password="hunter2" * 20))
    assert "hunter2" not in text


def test_ping_and_pong() -> None:
    core = Core()
    client = core.td()
    heard = json.loads(client.ask({"MsgType": "Ping"}))
    assert list(heard) == ["MsgType", "Timestamp"]
    assert heard["Timestamp"] > 1_600_000_000_000
    client.send({"MsgType": "Pong", "RequestID": "whatever"})
    assert client.texts() == []


def test_a_fault_of_our_own_is_an_answer_with_a_reference(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = Core()
    client = core.td_in()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(client.session), "handle", broken)
    with caplog.at_level(logging.ERROR):
        heard = json.loads(client.ask(order()))
    assert heard["MsgType"] == "ReqOrderInsert"
    assert heard["RspInfo"] == {"ErrorID": -500, "ErrorMsg": "内部错误"}
    (record,) = caplog.records
    assert record.__dict__["fields"]["reference"] in heard["Detail"]
    assert "InputOrder" not in caplog.text
    assert client.pipe.open


names = st.sampled_from([*methods(CATALOGUE, "td"), "Nothing", "SubscribeMarketData", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
keys = st.sampled_from(["RequestID", "QryOrder", "InputOrder", "ReqUserLogin", "InstrumentID", "x"])
ERRORS = {-400: 1, -404: 0, -401: 2}


@given(name=names | values, rest=st.dictionaries(keys, values, max_size=4))
def test_whatever_comes_the_answer_is_json(name: object, rest: dict[str, Any]) -> None:
    core = Core()
    clients = [core.td(), core.md(), core.td_in()]
    message = json.dumps({"MsgType": name, **rest})
    for client in clients:
        client.session.receive(message)
        for heard in client.heard():
            assert heard["MsgType"] in (name, "", "Pong")
            assert heard.get("RspInfo", {}).get("ErrorID", -400) in ERRORS


@given(known=st.booleans(), payload_ok=st.booleans(), logged_in=st.booleans())
def test_the_order_of_the_checks(known: bool, payload_ok: bool, logged_in: bool) -> None:
    core = Core()
    client = core.td_in() if logged_in else core.td()
    client.send(
        {
            "MsgType": "ReqQryOrder" if known else "ReqQryDisorder",
            "QryOrder": {"InstrumentID": "a" if payload_ok else 5},
        }
    )
    heard = [answer["RspInfo"]["ErrorID"] for answer in client.heard()]
    if not known:
        assert heard == [-404]
    elif not payload_ok:
        assert heard == [-400]
    elif not logged_in:
        assert heard == [-401]
    else:
        assert heard == []


@given(st.text() | st.binary())
def test_any_text_gets_one_answer(message: str | bytes) -> None:
    core = Core()
    client = core.md()
    client.session.receive(message)
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] in ERRORS
