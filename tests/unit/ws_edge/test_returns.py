"""Replies and returns come in the counter's order."""

from __future__ import annotations

import pytest

from bus.frames import unpack_message
from tests.support.edge_core import Client, Core, info, login, pack, published, row, sent
from ws_edge.config import WsConfig


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def client(core: Core) -> Client:
    return core.td_in()


def names(client: Client) -> list[str]:
    return [heard["MsgType"] for heard in client.heard()]


def order(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}})
    line = row("OnRspOrderInsert", pack("InputOrder"), info(15, "x"), last=True, after_seq=3)
    core.td_worker.answer("ReqOrderInsert", sent(), line)


def test_a_reply_waits_for_the_returns_that_precede_it(core: Core, client: Client) -> None:
    order(core, client)
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert names(client) == ["RtnOrder"]
    core.publish("OnRtnTrade", 3, pack("Trade"))
    core.publish("OnRtnOrder", 4, pack("Order"))
    assert names(client) == ["RtnTrade", "RspOrderInsert", "RtnOrder"]
    assert core.counters.held_too_long == 0


def test_replies_keep_their_own_order(core: Core, client: Client) -> None:
    order(core, client)
    client.send({"MsgType": "ReqQryOrder", "QryOrder": {}})
    core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", last=True, after_seq=1))
    assert names(client) == []
    core.publish("OnRtnOrder", 2, pack("Order"))
    core.publish("OnRtnOrder", 3, pack("Order"))
    assert names(client) == ["RtnOrder", "RtnOrder", "RspOrderInsert", "RspQryOrder"]


def test_a_reply_waits_for_a_lost_return_as_long_as_it_may_be_had(
    core: Core, client: Client
) -> None:
    order(core, client)
    core.clock.advance(0.19)
    assert core.td_worker.methods() == []
    core.clock.advance(0.02)
    assert core.td_worker.methods() == ["Returns"]
    core.clock.advance(1.9)
    assert names(client) == []
    core.clock.advance(0.2)
    assert names(client) == ["RspOrderInsert"]
    assert (core.counters.held_too_long, core.counters.returns_lost) == (1, 0)


def test_a_reply_of_an_epoch_that_has_not_begun_here_waits_in_vain(core: Core) -> None:
    returns, delivered = core.returns(), []
    returns.in_order((2, 1), lambda: delivered.append(1))
    returns.in_order((1, 0), lambda: delivered.append(2))
    core.clock.advance(0.19)
    assert delivered == []
    core.clock.advance(0.02)
    assert delivered == [1, 2]
    assert core.counters.held_too_long == 2


def test_a_repeated_message_is_left_out(core: Core, client: Client) -> None:
    core.publish("OnRtnOrder", 2, pack("Order"))
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert names(client) == ["RtnOrder"]


def test_a_new_epoch_starts_from_one(core: Core, client: Client) -> None:
    core.publish("OnRtnOrder", 2, pack("Order"))
    core.publish("OnRtnOrder", 1, pack("Order"), epoch=2)
    assert names(client) == ["RtnOrder", "RtnOrder"]


def test_an_order_that_is_never_refused_is_forgotten_in_silence(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}})
    core.td_worker.answer("ReqOrderInsert", sent())
    core.clock.advance(200)
    assert names(client) == []
    assert len(core.td_worker.forgotten) >= 1


def test_a_late_refusal_still_finds_its_socket(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 5})
    asked = core.td_worker.take("ReqOrderInsert")
    core.td_worker.tell(asked, sent())
    core.clock.advance(50)
    core.td_worker.tell(asked, row("OnRspOrderInsert", None, info(15, "x"), last=True))
    assert [heard["RequestID"] for heard in client.heard()] == [5]


def test_only_the_latest_sent_requests_are_remembered() -> None:
    core = Core(WsConfig(max_pending=2))
    client = core.td_in()
    for number in (1, 2, 3):
        client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": number})
        asked = core.td_worker.take("ReqOrderInsert")
        core.td_worker.tell(asked, sent())
        if number == 1:
            first = asked
    assert first.number in core.td_worker.forgotten


def test_an_order_nobody_confirms_is_an_error(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}})
    core.clock.advance(7)
    (text,) = client.texts()
    assert '"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-1,' in text
    assert "whether it was sent is not known" in text


def test_a_query_lives_as_long_as_rows_come(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqQryInstrument", "QryInstrument": {}})
    asked = core.td_worker.take("ReqQryInstrument")
    for _ in range(4):
        core.clock.advance(50)
        core.td_worker.tell(asked, row("OnRspQryInstrument", pack("Instrument")))
    assert set(names(client)) == {"RspQryInstrument"}
    core.clock.advance(130)
    (text,) = client.texts()
    assert '"ErrorID":-1' in text
    assert "no answer from td_worker within 60 s" in text


def test_what_is_in_the_air_ends_with_its_worker(core: Core, client: Client) -> None:
    for number, message in enumerate(
        (
            {"MsgType": "ReqQryOrder", "QryOrder": {}},
            {"MsgType": "ReqOrderInsert", "InputOrder": {}},
            {"MsgType": "ReqOrderInsert", "InputOrder": {}},
        )
    ):
        client.send({**message, "RequestID": number})
    query, sent_one = core.td_worker.calls[0], core.td_worker.calls[1]
    core.td_worker.tell(query, row("OnRspQryOrder", pack("Order")))
    core.td_worker.tell(sent_one, sent())
    client.texts()
    core.td_worker.die()
    answers = {heard.get("RequestID", 0): heard for heard in client.heard()}
    assert answers.keys() == {0, 2}, "what was sent lives on at the counter"
    assert {heard["RspInfo"]["ErrorID"] for heard in answers.values()} == {-1}
    lost = "td_worker was lost before it answered"
    assert answers[0]["Detail"] == lost
    assert answers[2]["Detail"] == f"{lost}; whether it was sent is not known"
    core.clock.advance(100)
    assert client.texts() == []


def test_a_login_in_the_air_ends_with_its_worker(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.td_worker.die()
    (heard,) = client.heard()
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspUserLogin", -1)


def test_a_subscription_in_the_air_ends_with_its_worker(core: Core) -> None:
    client = core.md_in()
    client.send({"MsgType": "SubscribeMarketData", "InstrumentID": ["rb2610"]})
    core.md_worker.die()
    (heard,) = client.heard()
    assert heard["Detail"] == "md_worker was lost before it answered"


@pytest.mark.parametrize("name", ["OnRtnOrder", "OnRtnQuote", "Mark"])
def test_a_return_in_structs_of_another_version_is_a_loss(
    core: Core, client: Client, name: str
) -> None:
    """td_worker was started with another binding, this process not yet."""
    message = unpack_message(published(core.returns().topic, name, 2, b"another struct"))
    core.returns().see(message._replace(layout=message.layout ^ 1))
    core.publish("OnRtnTrade", 3, pack("Trade"))
    if name == "OnRtnOrder":
        assert client.pipe.given_up is not None
        assert client.pipe.given_up[0] == 1012
        assert names(client) == []
    else:
        assert names(client) == ["RtnTrade"], "it would not have got it"
