"""What became of an order, for clients that ask for it and for those that do not know of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from bus.orders import (
    NOT_ON_RECORD,
    CancelOnDisconnect,
    KillSwitch,
    OrderState,
    Outcome,
    OutcomeQuery,
    VoidId,
)
from tests.support.edge_core import (
    CATALOGUE,
    HANDLE,
    Asked,
    Client,
    Core,
    error,
    info,
    own,
    pack,
    row,
    sent,
)
from ws_edge.options import Options
from ws_edge.rights import Access, Grant

ORDER: dict[str, Any] = {"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 3}
NAMED: dict[str, Any] = {**ORDER, "ClientOrderID": "a1"}
NO_ERROR = '{"ErrorID":0,"ErrorMsg":"CTP:No Error"}'
OUTCOMES = Options(outcomes=True)


@pytest.fixture
def core() -> Core:
    return Core()


def outcome(state: str = "SENT", **values: Any) -> Outcome:
    numbers = {"front_id": 1, "session_id": 77, "order_ref": "           1"}
    return Outcome(order_id="20261122-1", state=OrderState(state), **{**numbers, **values})


def text(
    *,
    info: str = "null",
    number: str = "",
    state: str = "SENT",
    duplicate: str = "false",
    last: bool = False,
    error: str = '0,"ErrorMsg":""',
) -> str:
    return (
        f'{{"MsgType":"OrderOutcome","RspInfo":{info},"RequestID":3,'
        + ('"IsLast":true,' if last else "")
        + f'"OrderOutcome":{{"OrderID":"20261122-1","ClientOrderID":"{number}",'
        f'"State":"{state}","Duplicate":{duplicate},"FrontID":1,"SessionID":77,'
        '"OrderRef":"           1","ExchangeID":"","OrderSysID":"","OrderStatus":"",'
        f'"VolumeTraded":0,"ErrorID":{error}}}}}'
    )


def ordered(core: Core, client: Client, order: dict[str, Any] = ORDER) -> Asked:
    client.send(order)
    return core.td_worker.take(str(order["MsgType"]))


def test_an_order_with_an_id_is_answered_when_it_was_sent(core: Core) -> None:
    client = core.td_in()
    asked = ordered(core, client, NAMED)
    core.td_worker.tell(asked, sent(outcome(client_order_id="a1")))
    assert client.texts() == [text(number="a1")]


def test_who_asks_for_outcomes_gets_them_for_every_insertion(core: Core) -> None:
    client = core.td_in(OUTCOMES)
    core.td_worker.tell(ordered(core, client), sent(outcome()))
    quote = {"MsgType": "ReqQuoteInsert", "InputQuote": {}, "RequestID": 3}
    core.td_worker.tell(ordered(core, client, quote), sent(outcome(method="ReqQuoteInsert")))
    assert client.texts() == [text(), text()]


def test_a_request_that_has_no_outcome_brings_none(core: Core) -> None:
    client = core.td_in(OUTCOMES)
    cancel = {"MsgType": "ReqOrderAction", "InputOrderAction": {}}
    core.td_worker.tell(ordered(core, client, cancel), sent())
    assert client.texts() == []


def test_clients_of_the_original_see_nothing_but_the_original(core: Core) -> None:
    client = core.td_in()
    refused = row("OnRspOrderInsert", pack("InputOrder"), info(31, "CTP:资金不足"), last=True)
    core.td_worker.tell(ordered(core, client), sent(outcome()), refused)
    core.td_worker.tell(
        ordered(core, client), sent(outcome()), own("Outcome", outcome("ACK")), refused
    )
    assert [heard["MsgType"] for heard in client.heard()] == ["RspOrderInsert"] * 2


def test_an_order_of_unknown_fate_is_an_error_for_clients_of_the_original(core: Core) -> None:
    client = core.td_in()
    asked = ordered(core, client)
    core.td_worker.tell(asked, sent(outcome()), own("Outcome", outcome("UNKNOWN")))
    assert client.texts() == [
        '{"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        '"RequestID":3,"Detail":"no answer from the counter in time; whether it has the order is'
        ' not known: do not send it again, query the orders"}'
    ]
    core.td_worker.tell(asked, own("Outcome", outcome("ACK")))
    assert client.texts() == []


def test_an_unknown_fate_and_its_resolution_hours_later(core: Core) -> None:
    client = core.td_in(OUTCOMES)
    asked = ordered(core, client)
    core.td_worker.tell(asked, sent(outcome()), own("Outcome", outcome("UNKNOWN")))
    core.clock.advance(20_000)
    core.td_worker.tell(asked, own("Outcome", outcome("FILLED", order_status="0")))
    assert [heard["OrderOutcome"]["State"] for heard in client.heard()] == [
        "SENT",
        "UNKNOWN",
        "FILLED",
    ]


def test_a_duplicate_is_called_one(core: Core) -> None:
    client = core.td_in()
    first = outcome("ACK", client_order_id="a1", duplicate=True)
    core.td_worker.tell(ordered(core, client, NAMED), own("Outcome", first, last=True))
    assert client.texts() == [text(number="a1", state="ACK", duplicate="true", last=True)]


def test_a_refused_order_shows_its_error_twice(core: Core) -> None:
    client = core.td_in()
    first = outcome("REJECTED", client_order_id="a1", error_id=31, error_msg="x", duplicate=True)
    core.td_worker.tell(ordered(core, client, NAMED), own("Outcome", first, last=True))
    (heard,) = client.heard()
    assert heard["RspInfo"] == {"ErrorID": 31, "ErrorMsg": "x"}
    assert (heard["OrderOutcome"]["ErrorID"], heard["OrderOutcome"]["ErrorMsg"]) == (31, "x")


def test_what_was_refused_before_it_was_recorded_is_answered_as_ever(core: Core) -> None:
    client = core.td_in(OUTCOMES)
    core.td_worker.tell(ordered(core, client, NAMED), error(-403, "超过限制", "10 orders/s"))
    core.td_worker.tell(ordered(core, client, NAMED), error(-1, "CTP:请求失败", "recovering"))
    assert client.texts() == [
        '{"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-403,"ErrorMsg":"超过限制"},'
        '"RequestID":3,"Detail":"10 orders/s"}',
        '{"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        '"RequestID":3,"Detail":"recovering"}',
    ]


def test_an_outcome_waits_for_the_returns_before_it(core: Core) -> None:
    client = core.td_in()
    line = sent(outcome())._replace(after_seq=2)
    core.td_worker.tell(ordered(core, client, NAMED), line)
    assert client.texts() == []
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert [heard["MsgType"] for heard in client.heard()] == ["RtnOrder", "OrderOutcome"]


@pytest.mark.parametrize("style", [{"full": True}, {"on": True}])
def test_outcomes_in_the_other_styles(core: Core, style: dict[str, bool]) -> None:
    options = Options(style=core.td().session.style._replace(**style), outcomes=True)
    client = core.td_in(options)
    core.td_worker.tell(ordered(core, client, {**ORDER, "RequestID": 0}), sent(outcome()))
    (heard,) = client.heard()
    full = ["RequestID", "IsLast"] if "full" in style else []
    assert list(heard) == ["MsgType", "RspInfo", *full, "OrderOutcome"]
    assert heard["MsgType"] == ("OnOrderOutcome" if "on" in style else "OrderOutcome")


def ask(**payload: Any) -> dict[str, Any]:
    return {"MsgType": "QryOrderOutcome", "QryOrderOutcome": payload, "RequestID": 3}


def void(**payload: Any) -> dict[str, Any]:
    return {"MsgType": "VoidClientOrderID", "VoidClientOrderID": payload, "RequestID": 3}


@pytest.mark.parametrize(
    ("payload", "query"),
    [
        ({"ClientOrderID": "a1"}, OutcomeQuery(client_order_id="a1")),
        ({"OrderID": "20261122-1", "OrderRef": None}, OutcomeQuery(order_id="20261122-1")),
        (
            {"SessionID": -7, "OrderRef": "  1", "FrontID": 1},
            OutcomeQuery(session_id=-7, order_ref="  1"),
        ),
    ],
)
def test_asking_for_an_outcome(core: Core, payload: dict[str, Any], query: OutcomeQuery) -> None:
    client = core.td_in()
    asked = ordered(core, client, ask(**payload))
    assert msgspec.msgpack.decode(asked.body, type=OutcomeQuery) == query
    assert asked.session == HANDLE
    core.td_worker.tell(asked, own("Outcome", outcome("FILLED"), last=True))
    shown = text(state="FILLED", last=True, info=NO_ERROR)
    assert client.texts() == [shown.replace('"OrderOutcome","Rsp', '"RspQryOrderOutcome","Rsp')]


def test_making_an_id_void_tells_what_its_order_is_from_now_on(core: Core) -> None:
    client = core.td_in()
    asked = ordered(core, client, void(ClientOrderID="a1"))
    assert msgspec.msgpack.decode(asked.body, type=VoidId) == VoidId("a1")
    assert asked.session == HANDLE
    core.td_worker.tell(asked, own("Outcome", outcome("NOT_SENT"), last=True))
    shown = text(state="NOT_SENT", last=True, info=NO_ERROR)
    assert client.texts() == [shown.replace('"OrderOutcome","Rsp', '"RspVoidClientOrderID","Rsp')]


def test_an_order_that_is_not_on_record_is_null(core: Core) -> None:
    client = core.td_in()
    asked = ordered(core, client, ask(ClientOrderID="a1"))
    core.td_worker.tell(asked, error(-1, "CTP:请求失败", NOT_ON_RECORD))
    assert client.texts() == [
        f'{{"MsgType":"RspQryOrderOutcome","RspInfo":{NO_ERROR},"RequestID":3,"IsLast":true,'
        '"OrderOutcome":null}'
    ]


def test_what_cannot_be_said_now_is_no_null(core: Core) -> None:
    client = core.td_in()
    asked = ordered(core, client, ask(ClientOrderID="a1"))
    core.td_worker.tell(asked, error(-1, "CTP:请求失败", "the orders cannot be read"))
    (heard,) = client.heard()
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspQryOrderOutcome", -1)
    assert "OrderOutcome" not in heard


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (ask(), "QryOrderOutcome: needs ClientOrderID, or OrderID, or SessionID and OrderRef"),
        (ask(ClientOrderID="a", OrderID="b"), "QryOrderOutcome: needs"),
        (ask(SessionID=1), "QryOrderOutcome: needs"),
        (ask(ClientOrderID=5), "QryOrderOutcome.ClientOrderID: expected `str`, got `int`"),
        (ask(ClientOrderID="x" * 65), "QryOrderOutcome.ClientOrderID: expected `str` of length"),
        (ask(SessionID=2**31, OrderRef="1"), "QryOrderOutcome.SessionID: expected `int` <="),
        (ask(SessionID=True, OrderRef="1"), "QryOrderOutcome.SessionID: expected `int`, got"),
        ({"MsgType": "QryOrderOutcome"}, "QryOrderOutcome: required"),
        (void(), "VoidClientOrderID.ClientOrderID: required"),
        (void(ClientOrderID=""), "VoidClientOrderID.ClientOrderID: expected `str` of length >= 1"),
        (void(ClientOrderID="x" * 65), "VoidClientOrderID.ClientOrderID: expected `str` of length"),
        ({"MsgType": "SetKillSwitch", "SetKillSwitch": {}}, "SetKillSwitch.On: required"),
        ({"MsgType": "SetKillSwitch", "SetKillSwitch": []}, "SetKillSwitch: expected object"),
        (
            {"MsgType": "SetCancelOnDisconnect", "SetCancelOnDisconnect": {"On": 1}},
            "SetCancelOnDisconnect.On: expected `bool`, got `int`",
        ),
    ],
)
def test_verbs_that_are_not_in_order(core: Core, message: dict[str, Any], detail: str) -> None:
    heard = json.loads(core.td_in().ask(message))
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == (message["MsgType"], -400)
    assert heard["Detail"].startswith(detail)
    assert core.td_worker.calls == []


@pytest.mark.parametrize(
    ("name", "payload", "body"),
    [
        ("SetCancelOnDisconnect", {"On": True}, CancelOnDisconnect(True)),
        ("SetKillSwitch", {"On": True}, KillSwitch(on=True)),
        ("SetKillSwitch", {"On": False, "CancelAll": True}, KillSwitch(on=False, cancel_all=True)),
    ],
)
def test_switches(core: Core, name: str, payload: dict[str, Any], body: msgspec.Struct) -> None:
    client = core.td_in()
    asked = ordered(core, client, {"MsgType": name, name: payload, "RequestID": 3})
    assert msgspec.msgpack.decode(asked.body, type=type(body)) == body
    core.td_worker.tell(asked, own(name, body, last=True))
    shown = {"CancelAll": False, **payload} if name == "SetKillSwitch" else payload
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == 0
    assert heard["IsLast"] is True
    assert (heard["MsgType"], heard[name]) == ("Rsp" + name, shown)


def test_verbs_need_a_login_and_their_rights(core: Core) -> None:
    names = ("QryOrderOutcome", "SetCancelOnDisconnect", "SetKillSwitch", "VoidClientOrderID")
    payloads = {"QryOrderOutcome": {"OrderID": "x"}, "VoidClientOrderID": {"ClientOrderID": "x"}}
    messages = [{"MsgType": name, name: payloads.get(name, {"On": True})} for name in names]
    for message in messages:
        assert '"ErrorID":-401' in core.td().ask(message)
    reader = core.td_in(access=Access((Grant(rights=frozenset({"query"})),)))
    for message in messages[1:]:
        assert '"ErrorID":-403' in reader.ask(message)
    reader.send(messages[0])
    assert core.td_worker.methods() == ["QryOrderOutcome"]
    trader = core.td_in(access=Access((Grant(rights=frozenset({"trade"})),)))
    assert '"ErrorID":-403' in trader.ask(messages[0])
    assert '"ErrorID":-404' in core.md_in().ask(messages[0])


def test_verbs_are_none_of_the_counters_requests() -> None:
    assert not CATALOGUE.td.requests.keys() & {"QryOrderOutcome", "SetKillSwitch"}
