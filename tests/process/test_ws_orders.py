"""Orders of several WebSocket clients on one account, through a group on the embedded exchange."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.another_edge import another_edge
from tests.support.group import Group
from tests.support.ws_client import ONE_LOT, WsClient, ws

CANCELLED, TRADED = "5", "0"


class Identity(NamedTuple):
    """As CTP's clients know an order."""

    front: int
    session: int
    ref: str

    @classmethod
    def of(cls, order: dict[str, Any]) -> Identity:
        return cls(order["FrontID"], order["SessionID"], order["OrderRef"].strip())


class Desk:
    """A client that is logged in, and everything that was pushed to it."""

    def __init__(self, client: WsClient) -> None:
        self.client = client
        self.pushed: list[dict[str, Any]] = []
        reply = client.log_in()
        assert reply["RspInfo"]["ErrorID"] == 0
        self.front: int = reply["RspUserLogin"]["FrontID"]
        self.session: int = reply["RspUserLogin"]["SessionID"]

    def wait(self, fact: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message so far, or to come, of which ``fact`` holds."""
        for heard in self.pushed:
            if fact(heard):
                return heard
        while not fact(heard := self.client.hear()):
            self.pushed.append(heard)
        self.pushed.append(heard)
        return heard

    def order(self, ref: str, price: float, **keys: Any) -> None:
        order = {
            **ONE_LOT,
            "InstrumentID": Market.instrument,
            "ExchangeID": Market.exchange,
            "LimitPrice": price,
            "OrderRef": ref,
        }
        self.client.send(MsgType="ReqOrderInsert", InputOrder=order, **keys)

    def outcome(self, **name: Any) -> dict[str, Any] | None:
        self.client.send(MsgType="QryOrderOutcome", QryOrderOutcome=name, RequestID=9)
        heard = self.wait_reply("RspQryOrderOutcome")
        found: dict[str, Any] | None = heard["OrderOutcome"]
        return found

    def void(self, name: str) -> dict[str, Any]:
        payload = {"ClientOrderID": name}
        self.client.send(MsgType="VoidClientOrderID", VoidClientOrderID=payload, RequestID=9)
        told: dict[str, Any] = self.wait_reply("RspVoidClientOrderID")["OrderOutcome"]
        return told

    def wait_reply(self, name: str) -> dict[str, Any]:
        """A reply, which comes once; pushes before it are kept."""
        while (heard := self.client.hear())["MsgType"] != name:
            self.pushed.append(heard)
        return heard

    def query(self, name: str, key: str) -> list[dict[str, Any]]:
        self.client.send(MsgType=f"ReqQry{name}", **{f"Qry{name}": {}}, RequestID=8)
        rows = []
        while True:
            heard = self.wait_reply(f"RspQry{name}")
            if heard[key] is not None:
                rows.append(heard[key])
            if heard.get("IsLast"):
                return rows

    def returned(self, identity: Identity, status: str | None = None) -> dict[str, Any]:
        """The return that shows the order with a number of the exchange, and in this status."""

        def fits(heard: dict[str, Any]) -> bool:
            if heard["MsgType"] != "RtnOrder":
                return False
            order = heard["Order"]
            return (
                Identity.of(order) == identity
                and bool(order["OrderSysID"])
                and status in (None, order["OrderStatus"])
            )

        order: dict[str, Any] = self.wait(fits)["Order"]
        return order

    def traded(self, order_sys_id: str) -> dict[str, Any]:
        trade: dict[str, Any] = self.wait(
            lambda heard: (
                heard["MsgType"] == "RtnTrade" and heard["Trade"]["OrderSysID"] == order_sys_id
            )
        )["Trade"]
        return trade


class Market:
    """What is traded, the same in every test: the embedded exchange has one seed."""

    instrument = exchange = ""
    rests = fills = 0.0  # prices of a buy


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with Group(tmp_path_factory.mktemp("orders")) as group:
        group.start_all()
        with ws(group.url("/td/")) as client:
            client.log_in()
            client.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"})
            found = client.hear_of("RspQryInstrument")["Instrument"]
            Market.instrument, Market.exchange = found["InstrumentID"], found["ExchangeID"]
            client.send(
                MsgType="ReqQryDepthMarketData",
                QryDepthMarketData={"InstrumentID": Market.instrument},
            )
            prices = client.hear_of("RspQryDepthMarketData")["DepthMarketData"]
            Market.rests, Market.fills = prices["LowerLimitPrice"], prices["UpperLimitPrice"]
        yield group


@pytest.fixture
def desks(group: Group) -> Iterator[list[Desk]]:
    """Two that trade and one that watches, all on one account."""
    with ExitStack() as stack:
        yield [Desk(stack.enter_context(ws(group.url("/td/")))) for _ in range(3)]


def test_each_client_numbers_its_own_orders_and_all_see_the_same(desks: list[Desk]) -> None:
    identities = [Identity(desk.front, desk.session, "1") for desk in desks[:2]]
    assert len({desk.session for desk in desks}) == 3
    for desk in desks[:2]:
        desk.order("1", Market.fills)
    numbers = [
        desk.returned(one)["OrderSysID"] for one, desk in zip(identities, desks, strict=False)
    ]
    assert numbers[0] != numbers[1]
    for desk in desks:
        for identity, number in zip(identities, numbers, strict=True):
            assert desk.returned(identity, TRADED)["OrderSysID"] == number
            assert desk.traded(number)["OrderRef"].strip() == "1"
        orders = {Identity.of(row): row["OrderSysID"] for row in desk.query("Order", "Order")}
        assert [orders[identity] for identity in identities] == numbers
        trades = {
            row["OrderSysID"]: row["OrderRef"].strip() for row in desk.query("Trade", "Trade")
        }
        assert [trades[number] for number in numbers] == ["1", "1"]
    named = [desks[0].outcome(SessionID=one.session, OrderRef="1") for one in identities]
    assert [found and (found["State"], found["OrderSysID"]) for found in named] == [
        ("FILLED", number) for number in numbers
    ]


@pytest.mark.parametrize("by", ["identity", "number"])
@pytest.mark.parametrize("canceller", [0, 2])
def test_an_order_is_cancelled_by_either_name_and_by_whoever_sees_it(
    desks: list[Desk], by: str, canceller: int
) -> None:
    for desk in desks[:2]:
        desk.order("5", Market.rests)
    identities = [Identity(desk.front, desk.session, "5") for desk in desks[:2]]
    orders = [desks[canceller].returned(identity) for identity in identities]
    name = (
        {key: orders[0][key] for key in ("FrontID", "SessionID", "OrderRef")}
        if by == "identity"
        else {key: orders[0][key] for key in ("ExchangeID", "OrderSysID")}
    )
    cancel = {**name, "InstrumentID": Market.instrument, "ActionFlag": "0"}
    desks[canceller].client.send(MsgType="ReqOrderAction", InputOrderAction=cancel, RequestID=4)
    for desk in desks:
        assert desk.returned(identities[0], CANCELLED)["OrderSysID"] == orders[0]["OrderSysID"]
    rows = {Identity.of(row): row for row in desks[2].query("Order", "Order")}
    assert rows[identities[0]]["OrderStatus"] == CANCELLED
    assert rows[identities[1]]["OrderStatus"] != CANCELLED, "the other one of the same OrderRef"


def test_a_ref_that_does_not_rise_is_refused_as_by_the_counter(desks: list[Desk]) -> None:
    desk = desks[0]
    desk.order("8", Market.rests)
    desk.returned(Identity(desk.front, desk.session, "8"))
    desk.order("8", Market.rests, RequestID=6)
    heard = desk.wait_reply("RspOrderInsert")
    assert (heard["RspInfo"]["ErrorID"], heard["RequestID"]) == (22, 6)
    assert heard["RspInfo"]["ErrorMsg"]


def test_the_same_id_never_makes_two_orders(desks: list[Desk]) -> None:
    first, other = desks[0], desks[1]
    first.order("11", Market.rests, ClientOrderID="desk-1", RequestID=1)
    told = first.wait_reply("OrderOutcome")
    assert (told["OrderOutcome"]["State"], told["OrderOutcome"]["Duplicate"]) == ("SENT", False)
    order = first.returned(Identity(first.front, first.session, "11"))
    other.order("11", Market.rests, ClientOrderID="desk-1", RequestID=2)
    again = other.wait_reply("OrderOutcome")
    assert (again["IsLast"], again["RequestID"]) == (True, 2)
    found = again["OrderOutcome"]
    assert (found["State"], found["Duplicate"]) == ("ACK", True)
    assert found["OrderID"] == told["OrderOutcome"]["OrderID"]
    assert (found["SessionID"], found["OrderSysID"]) == (first.session, order["OrderSysID"])
    other.order("12", Market.fills, ClientOrderID="desk-1", RequestID=3)
    refused = other.wait_reply("ReqOrderInsert")
    assert (refused["RspInfo"]["ErrorID"], refused["RequestID"]) == (-400, 3)
    rows = [Identity.of(row) for row in other.query("Order", "Order")]
    assert [one.session for one in rows].count(first.session) == 1
    assert [one.session for one in rows].count(other.session) == 0


def test_an_order_that_nobody_knows_is_null(desks: list[Desk]) -> None:
    assert desks[0].outcome(ClientOrderID="never sent") is None


@pytest.mark.parametrize("void", [True, False])
def test_an_order_that_a_frozen_edge_hands_over_late_is_not_sent_when_its_id_is_void(
    group: Group, void: bool
) -> None:
    name = f"frozen {void}"
    with (
        another_edge(group) as url,
        ws(group.url("/td/")) as client,
        ws(f"{url}/td/") as other,
    ):
        desk, asking = Desk(client), Desk(other)
        group.freeze("ws_edge")
        try:
            desk.order("1", Market.fills, ClientOrderID=name, DeadlineMs=600_000, RequestID=1)
            assert asking.outcome(ClientOrderID=name) is None
            if void:
                for _ in range(2):
                    told = asking.void(name)
                    assert (told["State"], told["ErrorID"]) == ("NOT_SENT", -410)
                assert asking.outcome(ClientOrderID=name) == told
        finally:
            group.thaw("ws_edge")
        if void:
            heard = desk.wait_reply("RspOrderInsert")
            assert (heard["RspInfo"]["ErrorID"], heard["RequestID"]) == (-410, 1)
        else:  # it was not too late: asking alone promises nothing
            assert asking.returned(Identity(desk.front, desk.session, "1"), TRADED)
            assert asking.void(name)["State"] == "FILLED"
        there = [Identity.of(row) for row in asking.query("Order", "Order")]
        assert [one.session for one in there].count(desk.session) == (not void)


def test_an_order_that_waits_in_a_frozen_edge_beyond_its_deadline_is_not_sent(group: Group) -> None:
    with ws(group.url("/td/")) as client:
        desk = Desk(client)
        desk.order("1", Market.rests, RequestID=1)
        order = desk.returned(Identity(desk.front, desk.session, "1"))
        group.freeze("ws_edge")
        frozen = time.monotonic()
        try:
            desk.order("2", Market.fills, DeadlineMs=1000, RequestID=2)
            cancel = {key: order[key] for key in ("FrontID", "SessionID", "OrderRef")}
            cancel |= {"InstrumentID": Market.instrument, "ActionFlag": "0"}
            desk.client.send(MsgType="ReqOrderAction", InputOrderAction=cancel, RequestID=3)
            time.sleep(max(0.0, frozen + 1.2 - time.monotonic()))
        finally:
            group.thaw("ws_edge")
        heard = desk.wait_reply("RspOrderInsert")
        assert (heard["RspInfo"]["ErrorID"], heard["RequestID"]) == (-1, 2)
        assert "nothing was sent" in heard["Detail"]
        desk.returned(Identity.of(order), CANCELLED)
        there = [Identity.of(row) for row in desk.query("Order", "Order")]
        assert [one.session for one in there].count(desk.session) == 1
        desk.order("3", Market.fills, RequestID=4)
        desk.returned(Identity(desk.front, desk.session, "3"), TRADED)


def test_a_void_id_outlives_td_worker(group: Group) -> None:
    with ws(group.url("/td/")) as client:
        assert Desk(client).void("void before")["State"] == "NOT_SENT"
    group.restart("td_worker")
    with ws(group.url("/td/")) as client:
        desk = Desk(client)
        desk.order("1", Market.fills, ClientOrderID="void before", RequestID=1)
        assert desk.wait_reply("RspOrderInsert")["RspInfo"]["ErrorID"] == -410


def test_an_order_outlives_the_edge(group: Group) -> None:
    with ws(group.url("/td/")) as client:
        desk = Desk(client)
        desk.order("1", Market.rests, ClientOrderID="before the end", RequestID=1)
        order = desk.returned(Identity(desk.front, desk.session, "1"))
        group.kill("ws_edge")
        with pytest.raises(ConnectionClosed):
            while True:
                client.hear()
    group.start("ws_edge")
    with ws(group.url("/td/")) as client:
        later = Desk(client)
        assert later.session != desk.session
        found = later.outcome(ClientOrderID="before the end")
        assert found is not None
        assert (found["State"], found["OrderSysID"]) == ("ACK", order["OrderSysID"])
        rows = {row["OrderSysID"]: Identity.of(row) for row in later.query("Order", "Order")}
        assert rows[order["OrderSysID"]] == Identity.of(order)
        later.order("1", Market.rests, ClientOrderID="before the end", RequestID=2)
        assert later.wait_reply("OrderOutcome")["OrderOutcome"]["Duplicate"] is True
        cancel = {key: order[key] for key in ("FrontID", "SessionID", "OrderRef")}
        cancel |= {"InstrumentID": Market.instrument, "ActionFlag": "0"}
        client.send(MsgType="ReqOrderAction", InputOrderAction=cancel)
        later.returned(Identity.of(order), CANCELLED)


def switch(desk: Desk) -> None:
    desk.client.send(MsgType="SetCancelOnDisconnect", SetCancelOnDisconnect={"On": True})
    assert desk.wait_reply("RspSetCancelOnDisconnect")["SetCancelOnDisconnect"] == {"On": True}


@pytest.mark.parametrize("end", ["closed", "lost", "logged out"])
def test_orders_end_with_a_client_that_wants_it_and_did_not_log_out(
    group: Group, desks: list[Desk], end: str
) -> None:
    watcher = desks[2]
    with ws(group.url("/td/")) as client:
        desk = Desk(client)
        switch(desk)
        identity = Identity(desk.front, desk.session, "1")
        desk.order("1", Market.rests)
        watcher.returned(identity)
        if end == "logged out":
            client.send(MsgType="ReqUserLogout", UserLogout={})
            desk.wait_reply("RspUserLogout")
        elif end == "lost":
            client.connection.socket.shutdown(2)
    if end == "logged out":
        rows = {Identity.of(row): row for row in watcher.query("Order", "Order")}
        assert rows[identity]["OrderStatus"] != CANCELLED
    else:
        watcher.returned(identity, CANCELLED)


def test_the_kill_switch_keeps_new_orders_back_and_ends_those_that_live(desks: list[Desk]) -> None:
    desk, other, watcher = desks
    identity = Identity(desk.front, desk.session, "1")
    desk.order("1", Market.rests)
    order = watcher.returned(identity)
    set_kill_switch(other, On=True, CancelAll=False)
    desk.order("2", Market.rests, RequestID=2)
    heard = desk.wait_reply("RspOrderInsert")
    assert (heard["RspInfo"]["ErrorID"], heard["RequestID"]) == (-403, 2)
    assert heard["RspInfo"]["ErrorMsg"]
    assert heard["Detail"]
    rows = {row["OrderSysID"]: row for row in desk.query("Order", "Order")}
    assert rows[order["OrderSysID"]]["OrderStatus"] != CANCELLED
    set_kill_switch(other, On=True, CancelAll=True)
    watcher.returned(identity, CANCELLED)
    set_kill_switch(other, On=False, CancelAll=False)
    desk.order("3", Market.rests)
    watcher.returned(Identity(desk.front, desk.session, "3"))


def set_kill_switch(desk: Desk, **switch: bool) -> None:
    desk.client.send(MsgType="SetKillSwitch", SetKillSwitch=switch, RequestID=7)
    heard = desk.wait_reply("RspSetKillSwitch")
    assert (heard["RspInfo"]["ErrorID"], heard["RequestID"]) == (0, 7)
    assert heard["SetKillSwitch"] == switch


def test_an_order_in_the_worker_that_was_killed_is_found_again(group: Group) -> None:
    with ws(group.url("/td/?outcomes=on")) as client:
        desk = Desk(client)
        desk.order("1", Market.rests, ClientOrderID="killed", RequestID=1)
        order_id = desk.wait_reply("OrderOutcome")["OrderOutcome"]["OrderID"]
        group.kill("td_worker")
        group.start("td_worker")
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                client.hear()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
    with ws(group.url("/td/")) as client:
        later = Desk(client)
        found = later.outcome(OrderID=order_id)
        assert found is not None
        assert (found["State"], found["ClientOrderID"]) == ("ACK", "killed")
        identity = Identity(desk.front, desk.session, "1")
        assert [Identity.of(row) for row in later.query("Order", "Order")].count(identity) == 1
