"""Keys of our own beside the payload, and what becomes of them in the call."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.edge_core import CATALOGUE, ORIGIN, Client, Core
from ws_edge.names import methods

ORDER: dict[str, Any] = {"MsgType": "ReqOrderInsert", "InputOrder": {}}
CANCEL: dict[str, Any] = {"MsgType": "ReqOrderAction", "InputOrderAction": {}}
QUERY: dict[str, Any] = {"MsgType": "ReqQryOrder", "QryOrder": {}}


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def client(core: Core) -> Client:
    return core.td_in()


def seconds_left(core: Core, method: str) -> float:
    return (core.td_worker.take(method).deadline_ns - time.time_ns()) / 1e9


@pytest.mark.parametrize("number", ["a", "~" * 64, "desk 7/00001"])
def test_the_id_of_a_new_order_goes_on_to_the_worker(
    core: Core, client: Client, number: str
) -> None:
    client.send({**ORDER, "ClientOrderID": number})
    assert core.td_worker.take("ReqOrderInsert").client_order_id == number


def test_every_insertion_may_have_an_id(core: Core, client: Client) -> None:
    names = [one.name for one in methods(CATALOGUE, "td").values() if one.insertion]
    assert {"ReqOrderInsert", "ReqQuoteInsert", "ReqExecOrderInsert"} < set(names)
    for name in names:
        client.send({"MsgType": name, CATALOGUE.td.requests[name].struct: {}, "ClientOrderID": "a"})
        assert core.td_worker.take(name).client_order_id == "a"


def test_null_counts_as_absent_and_nothing_is_sent_on_unasked(core: Core, client: Client) -> None:
    client.send({**ORDER, "ClientOrderID": None, "DeadlineMs": None, "Fresh": 5})
    client.send({**QUERY, "Fresh": None, "ClientOrderID": 7, "DeadlineMs": "x"})
    for method, seconds in (("ReqOrderInsert", 5), ("ReqQryOrder", 60)):
        asked = core.td_worker.take(method)
        assert (asked.client_order_id, asked.fresh) == ("", False)
        assert (asked.deadline_ns - time.time_ns()) / 1e9 == pytest.approx(seconds, abs=0.5)


def test_a_fresh_query(core: Core, client: Client) -> None:
    client.send({**QUERY, "Fresh": True})
    assert core.td_worker.take("ReqQryOrder").fresh is True


def test_an_order_has_the_time_that_its_client_gives_it(core: Core, client: Client) -> None:
    client.send({**ORDER, "DeadlineMs": 20_000})
    assert seconds_left(core, "ReqOrderInsert") == pytest.approx(20, abs=0.5)
    core.clock.advance(20.9)
    assert client.texts() == []
    core.clock.advance(0.2)
    (text,) = client.texts()
    assert "no answer from td_worker within 20 s; whether it was sent is not known" in text


def test_an_order_that_waited_for_this_process_has_that_much_less(
    core: Core, client: Client
) -> None:
    core.waited_s = 7.0
    for message, seconds in ((ORDER, -2), ({**ORDER, "DeadlineMs": 20_000}, 13), (CANCEL, 600)):
        client.send(message)
        assert seconds_left(core, message["MsgType"]) == pytest.approx(seconds, abs=0.5)
    client.send(QUERY)
    assert seconds_left(core, "ReqQryOrder") == pytest.approx(60, abs=0.5)


def test_a_cancel_is_never_too_late_but_its_client_is_answered_in_time(
    core: Core, client: Client
) -> None:
    client.send(CANCEL)
    assert seconds_left(core, "ReqOrderAction") == pytest.approx(600, abs=0.5)
    core.clock.advance(6.1)
    (text,) = client.texts()
    assert "whether it was sent is not known" in text


def test_the_worker_hears_who_asks(core: Core, client: Client) -> None:
    stranger = core.td()
    stranger.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "a", "Password": "b"}})
    client.send(QUERY)
    for method in ("ReqUserLogin", "ReqQryOrder"):
        assert core.td_worker.take(method).origin == ORIGIN
