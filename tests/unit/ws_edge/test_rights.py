"""What a token or a user may do: account x request x instrument, each with a refusal and a pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.patterns import Pattern
from tests.support.edge_core import CATALOGUE, USER, Core, login, pack, row
from ws_edge.names import Kind, methods
from ws_edge.rights import Access, Grant, requests_of

REBAR = Grant(instruments=(Pattern("rb"), Pattern("SHFE/hc*")))
ORDER = {"MsgType": "ReqOrderInsert", "InputOrder": {}}
VOID: dict[str, Any] = {
    "MsgType": "VoidClientOrderID",
    "VoidClientOrderID": {"ClientOrderID": "a"},
}


def limited(*grants: Grant) -> Access:
    return Access(grants, "alice")


@pytest.fixture
def core() -> Core:
    return Core()


def refused(text: str) -> str:
    """Why, in the form of webctp."""
    heard = json.loads(text)
    assert heard["RspInfo"] == {"ErrorID": -403, "ErrorMsg": "网关未授权"}, heard
    return str(heard["Detail"])


def order(**values: Any) -> dict[str, Any]:
    return {"MsgType": "ReqOrderInsert", "InputOrder": values, "RequestID": 3}


def cancel(**values: Any) -> dict[str, Any]:
    return {"MsgType": "ReqOrderAction", "InputOrderAction": values, "RequestID": 3}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (order(InstrumentID="au2612", ExchangeID="SHFE"), "this instrument"),
        (order(InstrumentID="hc2610"), "this instrument"),
        (order(InstrumentID="hc2610", ExchangeID="DCE"), "this instrument"),
        (order(InstrumentID="RB2610"), "this instrument"),
        (order(ExchangeID="SHFE"), "requests without an instrument"),
        (cancel(InstrumentID="au2612", OrderRef="1"), "this instrument"),
        (cancel(OrderRef="1"), "requests without an instrument"),
        ({"MsgType": "ReqQryOrder", "QryOrder": {}}, "requests without an instrument"),
        ({"MsgType": "ReqQryOrder", "QryOrder": {"InstrumentID": "au2612"}}, "this instrument"),
        ({"MsgType": "ReqQryTrade", "QryTrade": {"InstrumentID": "au2612"}}, "this instrument"),
        ({"MsgType": "SetKillSwitch", "SetKillSwitch": {"On": True}}, "act on no instrument"),
        ({"MsgType": "ReqFromBankToFutureByFuture", "ReqTransfer": {}}, "act on no instrument"),
    ],
)
def test_instruments_of_another_product_are_refused(
    core: Core, message: dict[str, Any], why: str
) -> None:
    client = core.td_in(access=limited(REBAR))
    assert why in refused(client.ask(message))
    assert core.td_worker.calls == []
    assert core.counters.forbidden == 1


@pytest.mark.parametrize(
    "message",
    [
        order(InstrumentID="rb2610"),
        order(InstrumentID="hc2610", ExchangeID="SHFE"),
        cancel(InstrumentID="rb2610", OrderRef="1"),
        {"MsgType": "ReqQryOrder", "QryOrder": {"InstrumentID": "rb2610"}},
        {"MsgType": "ReqQryTradingAccount", "QryTradingAccount": {}},
        {"MsgType": "QryOrderOutcome", "QryOrderOutcome": {"OrderID": "20261123-1"}},
        VOID,
    ],
)
def test_its_own_instruments_pass(core: Core, message: dict[str, Any]) -> None:
    core.td_in(access=limited(REBAR)).send(message)
    assert core.td_worker.methods() == [message["MsgType"]]


def test_a_second_grant_opens_what_the_first_does_not(core: Core) -> None:
    confirm = Grant(requests=requests_of(["ReqSettlementInfoConfirm", "Set*"]))
    client = core.td_in(access=limited(REBAR, confirm))
    client.send({"MsgType": "ReqSettlementInfoConfirm", "SettlementInfoConfirm": {}})
    client.send({"MsgType": "SetKillSwitch", "SetKillSwitch": {"On": True}})
    assert core.td_worker.methods() == ["ReqSettlementInfoConfirm", "SetKillSwitch"]
    assert "this instrument" in refused(client.ask(order(InstrumentID="au2612")))


def test_grants_do_not_add_up(core: Core) -> None:
    """The account of one and the instruments of another open nothing together."""
    own = Grant(accounts=frozenset({USER}), instruments=(Pattern("rb"),))
    other = Grant(accounts=frozenset({"100001"}), rights=frozenset({"query"}))
    client = core.td_in(access=limited(own, other))
    assert "this instrument" in refused(client.ask(order(InstrumentID="au2612")))
    client.send(order(InstrumentID="rb2610"))
    assert core.td_worker.methods() == ["ReqOrderInsert"]


def test_patterns_of_requests(core: Core) -> None:
    access = limited(Grant(requests=requests_of(["ReqQry*", "ReqOrderAction"])))
    client = core.td_in(access=access)
    for message in (
        ORDER,
        {"MsgType": "ReqQueryBankAccountMoneyByFuture", "ReqQueryAccount": {}},
        {"MsgType": "SetKillSwitch", "SetKillSwitch": {"On": True}},
        {"MsgType": "QryOrderOutcome", "QryOrderOutcome": {"OrderID": "x"}},
        VOID,
    ):
        assert "this request" in refused(client.ask(message))
    client.send({"MsgType": "ReqQryOrder", "QryOrder": {}})
    client.send(cancel(OrderRef="1"))
    assert core.td_worker.methods() == ["ReqQryOrder", "ReqOrderAction"]
    assert '"ErrorID":0' in client.ask({"MsgType": "ReqUserLogout", "UserLogout": {}})


def test_an_account_that_a_request_names_is_looked_at_too(core: Core) -> None:
    client = core.td_in(access=limited(Grant(accounts=frozenset({USER}))))
    for values in ({"InvestorID": "100001"}, {"UserID": "100001"}):
        assert "this account" in refused(client.ask(order(**values)))
    assert "this account" in refused(client.ask(login("")))
    client.send(order(InvestorID=USER))
    assert core.td_worker.methods() == ["ReqOrderInsert"]


def test_what_was_missed_is_asked_for_as_in_a_query(core: Core) -> None:
    client = core.td(access=limited(Grant(rights=frozenset({"trade"}))))
    assert "this request" in refused(client.ask(login() | {"Resume": "0-0"}))
    client.send(login())
    assert core.td_worker.methods() == ["ReqUserLogin"]


def test_the_order_of_the_checks_is_the_protocols(core: Core) -> None:
    client = core.td(access=limited(Grant(rights=frozenset({"query"}), requests=requests_of("x"))))
    assert '"ErrorID":-400' in client.ask({"MsgType": "ReqOrderInsert", "InputOrder": []})
    assert '"ErrorID":-401' in client.ask(ORDER)


@pytest.mark.parametrize(
    "message",
    [
        {"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610", "au2612"]},
        {"MsgType": "SubscribeForQuoteRsp", "InstrumentID": ["au2612"]},
        {"MsgType": "QueryMarketSnapshot", "InstrumentID": ["rb2610", "au2612"]},
        # The path knows of no exchanges.
        {"MsgType": "SubscribeMarketData", "InstrumentID": ["hc2610"]},
    ],
)
def test_market_data_of_other_instruments(core: Core, message: dict[str, Any]) -> None:
    client = core.md_in(access=limited(REBAR))
    assert "this instrument" in refused(client.ask(message))
    assert core.md_worker.calls == []
    assert core.subscribed == []


def test_market_data_of_its_own_instruments(core: Core) -> None:
    client = core.md_in(access=limited(REBAR))
    names = ["rb2610", "rb2701"]
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": names})
    client.send({"MsgType": "QueryMarketSnapshot", "InstrumentID": names})
    assert core.md_worker.methods() == ["SubscribeMarketData", "Snapshot"]
    text = client.ask({"MsgType": "UnSubscribeMarketData", "InstrumentID": ["au2612"]})
    assert '"ErrorID":0' in text


def test_requests_on_md(core: Core) -> None:
    access = limited(Grant(requests=requests_of(["SubscribeMarketData", "Un*"])))
    client = core.md_in(access=access)
    assert "this request" in refused(
        client.ask({"MsgType": "QueryMarketSnapshot", "InstrumentID": ["rb2610"]})
    )
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610"]})
    assert core.md_worker.methods() == ["SubscribeMarketData"]


def test_returns_of_other_instruments_are_not_shown(core: Core) -> None:
    limits, other = core.td_in(access=limited(REBAR)), core.td_in()
    core.publish("OnRtnOrder", 2, pack("Order", InstrumentID="au2612", ExchangeID="SHFE"))
    core.publish("OnRtnOrder", 3, pack("Order", InstrumentID="hc2610", ExchangeID="SHFE"))
    core.publish("OnRtnTrade", 4, pack("Trade", InstrumentID="rb2610", ExchangeID="SHFE"))

    def shown(client: Any) -> list[str]:
        payloads = [heard.get("Order") or heard["Trade"] for heard in client.heard()]
        return [payload["InstrumentID"] for payload in payloads]

    assert shown(limits) == ["hc2610", "rb2610"]
    assert shown(other) == ["au2612", "hc2610", "rb2610"]


def test_every_request_that_names_an_instrument_is_refused_for_another() -> None:
    """Whatever the catalogue has, with the check switched off as the control."""
    core = Core()
    client, free = core.td_in(access=limited(REBAR)), core.td_in()
    passed, count = [], 0
    for method in methods(CATALOGUE, "td").values():
        if method.kind not in (Kind.QUERY, Kind.ACTION):
            continue
        names = {field.name for field in CATALOGUE.codec(method.struct).layout.fields}
        found = [name for name in names if name.endswith("InstrumentID")]
        if not found:
            continue
        message = {"MsgType": method.name, method.keys[0]: {found[0]: "au2612"}}
        count += 1
        assert "this instrument" in refused(client.ask(message))
        free.send(message)
        passed.append(method.name)
    assert core.td_worker.methods() == passed
    assert count > 40


def test_whoever_is_limited_reaches_nothing_that_no_grant_names() -> None:
    """Every request of both paths, without a right: none reaches a worker."""
    core = Core()
    nothing = limited(Grant(requests=requests_of(["none of them"])))
    for side, client in (("td", core.td_in(access=nothing)), ("md", core.md_in(access=nothing))):
        for method in methods(CATALOGUE, "td" if side == "td" else "md").values():
            if method.kind in (Kind.PING, Kind.PONG, Kind.GATEWAY, Kind.LOGIN, Kind.LOGOUT):
                continue
            payload: Any = {"On": True, "OrderID": "x"}
            if method.name == VOID["MsgType"]:
                payload = VOID[method.name]
            if method.struct:
                payload = {}
            if method.keys == ("InstrumentID",):
                payload = ["rb2610"]
            text = client.ask({"MsgType": method.name, method.keys[0]: payload})
            assert "this request" in refused(text), method.name
    assert core.td_worker.calls == core.md_worker.calls == []


@given(st.lists(st.text("rb*?[]!-2", max_size=6), max_size=3), st.text("rb2", max_size=4))
def test_no_pattern_makes_it_fall(patterns: list[str], name: str) -> None:
    Grant(instruments=tuple(map(Pattern, patterns))).covers(name, "")
    requests_of(patterns)


def test_a_row_of_a_query_is_the_counters_business(core: Core) -> None:
    client = core.td_in(access=limited(REBAR))
    client.send({"MsgType": "ReqQryOrder", "QryOrder": {"InstrumentID": "rb2610"}})
    core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", pack("Order"), last=True))
    assert client.heard()[0]["MsgType"] == "RspQryOrder"
