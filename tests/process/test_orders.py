"""The way of an order through td_worker as a process, on the embedded exchange.

Each defence has a control: the same with the defence switched off by a patch of the worker, which
must then fail in the way that the defence prevents.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.orders import CancelOnDisconnect, Detached
from schemas.errors import BAD_REQUEST, INTERNAL_ERROR, NETWORK_FAILURE
from sim.control import SimControl
from tests.support.buslink import Published, Reply, TdLink
from tests.support.group import CHECKOUT, Group

PASSWORD = "td-geheim-7319"
USERS = [f"3{number:05}" for number in range(60)]
SETTINGS: dict[str, Any] = {
    "sim": {
        "queries_per_second": 0,
        "users": [{"user_id": user, "password": PASSWORD} for user in USERS],
    },
    "td_worker": {
        "app_id": "",
        "step_s": 0.5,
        "retry_s": 0.2,
        "query_s": 3.0,
        "queries_per_s": 1000,
        "gone_s": 0.5,
        "answer_s": 0.4,
        "unsent_s": 1.5,
    },
}
RESTING = "3"
NO_LIST = """import td_worker.recovery as r
r.Recovery._ask_all = lambda self, now: self._end()
"""
GIVE_UP_S = 30.0
_users = iter(USERS)
_ids = itertools.count(1)


@dataclass
class Place:
    """A running group and what tests of it need. ``links`` closes the clients."""

    group: Group
    sim: SimControl
    user: str
    links: ExitStack
    instrument: str = ""
    high: float = 0.0
    low: float = 0.0

    def client(self) -> TdLink:
        """One more client that is logged in and hears its returns."""
        client = self.stranger()
        client.login(self.user, PASSWORD)
        client.follow(self.user)
        client.taken()
        return client

    def stranger(self) -> TdLink:
        return self.links.enter_context(TdLink(self.group))

    def cut(self, client: TdLink, wait: bool = True) -> None:
        """The front hangs up; wait until the account is logged in again."""
        self.sim.disconnect(side="td", user=self.user)
        client.next("OnFrontDisconnected")
        if wait:
            client.next("OnFrontConnected")
            self.ready(client)

    def ready(self, client: TdLink) -> None:
        client.wait_for(lambda: self.state(client) == "ready", "session")

    def state(self, client: TdLink) -> str:
        accounts = client.state_now()["accounts"]
        return next(str(each["state"]) for each in accounts if each["user"] == self.user)

    def rests(self, client: TdLink, **options: Any) -> Published:
        """An order that waits in the market: its return."""
        (sent,) = client.rows(client.order(self.instrument, self.low, **options), 1)
        own = sent.own["session_id"], sent.own["order_ref"]
        return client.next(
            "OnRtnOrder",
            lambda order: (
                (order["SessionID"], order["OrderRef"]) == own and order["OrderStatus"] == RESTING
            ),
        )

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """What the exchange has on record of this user."""
        ledger = self.sim.ledger()
        return [entry for entry in ledger if (entry["kind"], entry["user"]) == (kind, self.user)]

    def accepted(self) -> int:
        return len(self.entries("AcceptedOrder"))

    def ended(self) -> int:
        return len(self.entries("EndedOrder"))


@contextmanager
def running(path: Path, patch: str = "", user: str = "", **worker: Any) -> Iterator[Place]:
    """A group of its own, its td_worker changed by ``patch``."""
    (path / "sitecustomize.py").write_text(patch)
    environment = {"PYTHONPATH": f"{path}:{CHECKOUT}"}
    settings = {**SETTINGS, "td_worker": {**SETTINGS["td_worker"], **worker}}
    with Group(path, overrides=settings, front_env=environment) as group, ExitStack() as links:
        group.start("sim", "td_worker")
        sim = links.enter_context(SimControl(group.config["sim"]["listen"]))
        yield known(Place(group, sim, user or next(_users), links))


def known(place: Place) -> Place:
    """With an instrument and prices at which orders are filled or rest."""
    client = place.stranger()
    client.login(place.user, PASSWORD)
    row = client.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")[0]
    place.instrument = str(row["InstrumentID"])
    (quote,) = client.request("ReqQryDepthMarketData", InstrumentID=place.instrument)
    high, low = quote["UpperLimitPrice"], quote["LowerLimitPrice"]
    assert isinstance(high, float)
    assert isinstance(low, float)
    place.high, place.low = high, low
    client.call("Detach", session=client.handle)
    return place


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running(tmp_path_factory.mktemp("orders")) as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """The shared group with an account that no other test has used."""
    with ExitStack() as links:
        yield Place(
            shared.group,
            shared.sim,
            next(_users),
            links,
            shared.instrument,
            shared.high,
            shared.low,
        )
        shared.sim.clear()


def new_id() -> str:
    return f"id-{next(_ids)}"


def identity(content: Published | Reply) -> tuple[Any, Any, str]:
    return content["FrontID"], content["SessionID"], str(content["OrderRef"])


def cancel(client: TdLink, order: Published) -> int:
    """By the exchange's number."""
    names = ("BrokerID", "InvestorID", "ExchangeID", "OrderSysID", "InstrumentID")
    values: dict[str, Any] = {name: order[name] for name in names}
    return client.ask("ReqOrderAction", ActionFlag="0", **values)


# -- who is shown what -----------------------------------------------------------------------


def test_each_login_is_a_session_that_counts_its_own_orders(place: Place) -> None:
    one, other = place.stranger(), place.stranger()
    logins = [client.login(place.user, PASSWORD) for client in (one, other)]
    assert [str(login["MaxOrderRef"]) for login in logins] == ["0", "0"]
    assert logins[0]["SessionID"] != logins[1]["SessionID"]
    one.follow(place.user)
    for client, login in ((one, logins[0]), (other, logins[1])):
        client.rows(client.order(place.instrument, place.low, OrderRef="1"), 1)
        order = one.next("OnRtnOrder", lambda order: order["OrderStatus"] == RESTING)
        assert identity(order) == (login["FrontID"], login["SessionID"], "1")
    rows = other.request("ReqQryOrder")
    assert {identity(row)[1:] for row in rows} == {(login["SessionID"], "1") for login in logins}


def test_a_reference_that_does_not_rise_is_refused_as_the_counter_would(place: Place) -> None:
    client = place.client()
    client.rows(client.order(place.instrument, place.low, OrderRef="10"), 1)
    for reference in ("10", "9", "x"):
        (row,) = client.rows(client.order(place.instrument, place.low, OrderRef=reference))
        assert (row.name, row.error_id) == ("Error", 22)
    assert place.accepted() == 1


def test_any_client_can_cancel_by_the_identity_that_it_is_shown(place: Place) -> None:
    client, other = place.client(), place.client()
    order = place.rests(client)
    names = ("BrokerID", "InvestorID", "ExchangeID", "FrontID", "SessionID", "OrderRef")
    values: dict[str, Any] = {name: order[name] for name in (*names, "InstrumentID")}
    other.rows(other.ask("ReqOrderAction", ActionFlag="0", **values), 1)
    ended = client.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
    assert identity(ended) == identity(order)


@pytest.mark.parametrize("end", ["kill", "flow_reset", "cut"])
def test_identities_and_outcomes_outlive(tmp_path: Path, end: str) -> None:
    with running(tmp_path) as place:
        client = place.client()
        order = place.rests(client, client_order_id="resting")
        filled = client.order(place.instrument, place.high, client_order_id="filled")
        client.rows(filled, 1)
        trade = client.next("OnRtnTrade")
        client.wait_outcome("FILLED", client_order_id="filled")
        if end == "kill":
            place.group.restart("td_worker")
            client = place.client()
        elif end == "flow_reset":
            place.sim.flow_reset()
            client.next("OnFrontConnected")
            place.ready(client)
        else:
            place.cut(client)
        for name, state in (("resting", "ACK"), ("filled", "FILLED")):
            told = client.outcome(client_order_id=name).own
            assert told["state"] == state
            assert told["session_id"] == order["SessionID"]
        rows = {identity(row)[1:] for row in client.request("ReqQryOrder")}
        assert identity(order)[1:] in rows
        assert len(rows) == 2
        assert {row["OrderRef"] for row in client.request("ReqQryTrade")} == {trade["OrderRef"]}
        again = [m for m in client.taken() if m.name == "OnRtnTrade"]
        assert again == [], "the replay brings nothing new"
        names = ("BrokerID", "InvestorID", "ExchangeID", "InstrumentID")
        virtual = {"SessionID": order["SessionID"], "OrderRef": order["OrderRef"]}
        values: dict[str, Any] = {name: order[name] for name in names} | virtual
        told = client.outcome(client_order_id="resting").own
        values |= {"FrontID": told["front_id"], "ActionFlag": "0"}
        client.rows(client.ask("ReqOrderAction", **values), 1)
        client.wait_outcome("CANCELLED", client_order_id="resting")


NO_DISK = """import td_worker.day as d
store = d.Store
d.Store = lambda path: store(None)
"""


def test_without_the_records_a_restart_shows_the_counters_identities(tmp_path: Path) -> None:
    with running(tmp_path, NO_DISK) as place:
        client = place.client()
        order = place.rests(client, client_order_id="resting")
        place.group.restart("td_worker")
        client = place.client()
        assert client.outcome(client_order_id="resting").name == "Error"
        (row,) = client.request("ReqQryOrder")
        assert row["OrderSysID"] == order["OrderSysID"]
        assert row["SessionID"] != order["SessionID"]


# -- outcomes --------------------------------------------------------------------------------


def test_an_outcome_can_be_asked_for_by_every_name_and_by_every_client(place: Place) -> None:
    client, name = place.client(), new_id()
    sent = client.rows(client.order(place.instrument, place.low, client_order_id=name), 1)[0]
    assert (sent.name, sent.own["state"]) == ("Sent", "SENT")
    other = place.client()
    told = other.wait_outcome("ACK", client_order_id=name).own
    assert told["order_id"] == sent.own["order_id"]
    for query in (
        {"order_id": told["order_id"]},
        {"session_id": told["session_id"], "order_ref": told["order_ref"]},
    ):
        assert other.outcome(**query).own == told
    stranger = Place(place.group, place.sim, next(_users), place.links).client()
    for row in (stranger.outcome(client_order_id=name), other.outcome(client_order_id="nobody's")):
        assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
        assert row.detail == "no such order on record"


def test_a_refusal_of_the_counter_is_the_outcome(place: Place) -> None:
    client, name = place.client(), new_id()
    rows = client.rows(client.order("nosuch99", 1.0, client_order_id=name))
    assert [row.name for row in rows] == ["Sent", "OnRspOrderInsert"]
    told = client.outcome(client_order_id=name).own
    assert (told["state"], told["error_id"]) == ("REJECTED", 16)


def test_the_same_id_never_makes_two_orders(place: Place) -> None:
    client, name = place.client(), new_id()
    options: Any = {"client_order_id": name, "OrderRef": "5"}
    sent = client.rows(client.order(place.instrument, place.low, **options), 1)[0]
    client.wait_outcome("ACK", client_order_id=name)
    for who in (client, place.client()):
        (row,) = who.rows(who.order(place.instrument, place.low, **options))
        assert (row.name, row.own["duplicate"], row.last) == ("Outcome", True, True)
        assert (row.own["order_id"], row.own["state"]) == (sent.own["order_id"], "ACK")
        (row,) = who.rows(who.order(place.instrument, place.high, **options))
        assert (row.name, row.error_id) == ("Error", BAD_REQUEST)
    assert place.accepted() == 1


def twice(place: Place) -> int:
    """The same order with the same id from two clients; how many the exchange has then."""
    for client in (place.client(), place.client()):
        number = client.order(place.instrument, place.low, client_order_id="same", OrderRef="5")
        client.rows(number, 1)
    client.wait_outcome("ACK", client_order_id="same")
    return place.accepted()


FORGETFUL = """import td_worker.orders.book as b
b.Book._check_client_id = lambda self, call: None
"""


@pytest.mark.parametrize(("patch", "orders"), [("", 1), (FORGETFUL, 2)])
def test_without_the_check_of_ids_there_are_two_orders(
    tmp_path: Path, patch: str, orders: int
) -> None:
    with running(tmp_path, patch) as place:
        assert twice(place) == orders


def test_a_repetition_is_told_what_became_of_the_order_also_while_the_front_is_away(
    place: Place,
) -> None:
    client, name = place.client(), new_id()
    options: Any = {"client_order_id": name, "OrderRef": "5"}
    client.rows(client.order(place.instrument, place.low, **options), 1)
    client.wait_outcome("ACK", client_order_id=name)
    place.sim.refuse(1.0)
    place.cut(client, wait=False)
    (row,) = client.rows(client.order(place.instrument, place.low, **options))
    assert (row.name, row.own["state"]) == ("Outcome", "ACK")
    (row,) = client.rows(client.order(place.instrument, place.low, client_order_id=new_id()))
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    place.ready(client)
    assert place.accepted() == 1


def test_a_repetition_that_comes_too_late_is_not_told_that_nothing_was_sent(place: Place) -> None:
    client, name = place.client(), new_id()
    options: Any = {"client_order_id": name, "OrderRef": "5"}
    client.rows(client.order(place.instrument, place.low, **options), 1)
    client.wait_outcome("ACK", client_order_id=name)
    (row,) = client.rows(client.order(place.instrument, place.low, timeout_s=-1, **options))
    assert (row.name, row.own["state"], row.own["duplicate"]) == ("Outcome", "ACK", True)
    assert place.accepted() == 1


def test_a_query_that_names_no_order_is_not_told_that_it_was_never_sent(place: Place) -> None:
    client = place.client()
    queries: list[dict[str, Any]] = [
        {},
        {"client_order_id": ""},
        {"session_id": 7, "order_ref": ""},
    ]
    for query in queries:
        row = client.outcome(**query)
        assert (row.name, row.error_id) == ("Error", BAD_REQUEST)


def test_what_the_api_did_not_take_is_not_sent(place: Place) -> None:
    client, name = place.client(), new_id()
    place.sim.returns("ReqOrderInsert", -3)
    (row,) = client.rows(client.order(place.instrument, place.low, client_order_id=name))
    assert (row.name, row.error_id) == ("Error", -3)
    assert client.outcome(client_order_id=name).own["state"] == "NOT_SENT"
    assert place.accepted() == 0


def test_an_id_whose_order_expired_before_its_record_may_be_used_again(place: Place) -> None:
    client, name = place.client(), new_id()
    place.group.freeze("td_worker")
    old = client.order(place.instrument, place.low, timeout_s=0.05, client_order_id=name)
    time.sleep(0.1)
    place.group.thaw("td_worker")
    (row,) = client.rows(old)
    assert "expired" in row.detail
    client.rows(client.order(place.instrument, place.low, client_order_id=name), 1)
    client.wait_outcome("ACK", client_order_id=name)
    assert place.accepted() == 1


NO_CLOCK = """import bus.rpc
bus.rpc.Call.seconds_left = property(lambda self: 1.0)
"""
SLOW_DISK = """import time
import td_worker.orders.store as s
insert = s.Store.insert
s.Store.insert = lambda self, records: (insert(self, records), time.sleep(0.8))
"""


def test_without_a_deadline_an_order_that_waited_for_the_disk_is_sent(tmp_path: Path) -> None:
    with running(tmp_path, SLOW_DISK + NO_CLOCK) as place:
        client = place.client()
        client.rows(client.order(place.instrument, place.low, timeout_s=0.5), 1)
        client.wait_for(lambda: place.accepted() == 1, "the order at the exchange")


def test_an_order_that_expires_while_it_is_recorded_is_not_sent(tmp_path: Path) -> None:
    with running(tmp_path, SLOW_DISK) as place:
        client = place.client()
        late = client.order(place.instrument, place.low, timeout_s=0.5, client_order_id="late")
        (row,) = client.rows(late)
        assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
        assert "expired" in row.detail
        assert client.outcome(client_order_id="late").own["state"] == "NOT_SENT"
        assert place.accepted() == 0


# -- unknown ---------------------------------------------------------------------------------


def states(client: TdLink, number: int, count: int) -> list[str]:
    return [row.own["state"] for row in client.rows(number, count)]


def test_an_order_without_an_answer_is_unknown_until_a_lost_connection_tells(place: Place) -> None:
    client, name = place.client(), new_id()
    place.sim.lose("ReqOrderInsert", user=place.user)
    number = client.order(place.instrument, place.low, client_order_id=name)
    assert states(client, number, 2) == ["SENT", "UNKNOWN"]
    time.sleep(2.5)  # more than unsent_s: but on this connection it might still wait somewhere
    assert client.outcome(client_order_id=name).own["state"] == "UNKNOWN"
    place.cut(client)
    assert client.outcome(client_order_id=name).own["state"] == "UNKNOWN"
    assert states(client, number, 1) == ["NOT_SENT"]
    assert place.accepted() == 0


def test_an_order_whose_returns_are_lost_is_found_in_the_counters_list(place: Place) -> None:
    client, name = place.client(), new_id()
    for callback in ("OnRtnOrder", "OnRtnTrade"):
        place.sim.lose(callback, user=place.user, times=0)
    number = client.order(place.instrument, place.low, client_order_id=name)
    assert states(client, number, 3) == ["SENT", "UNKNOWN", "ACK"]
    order = client.next("OnRtnOrder")
    assert order["OrderStatus"] == RESTING
    told = client.outcome(client_order_id=name).own
    assert (order["SessionID"], order["OrderRef"]) == (told["session_id"], told["order_ref"])


def test_without_the_list_what_a_reconnect_does_not_bring_is_not_told(tmp_path: Path) -> None:
    with running(tmp_path, NO_LIST) as place:
        client = place.client()
        for callback in ("OnRtnOrder", "OnRtnTrade"):
            place.sim.lose(callback, user=place.user, times=0)
        client.rows(client.order(place.instrument, place.high), 1)
        place.cut(client)
        client.call("Mark", session=client.handle)
        client.next("Mark")
        assert [m.name for m in client.taken() if m.name == "OnRtnTrade"] == []


def test_what_a_reconnect_does_not_bring_is_taken_from_the_list(place: Place) -> None:
    client = place.client()
    for callback in ("OnRtnOrder", "OnRtnTrade"):
        place.sim.lose(callback, user=place.user, times=0)
    client.rows(client.order(place.instrument, place.high), 1)
    place.cut(client)
    assert client.next("OnRtnOrder")["OrderStatus"] == "0"
    assert client.next("OnRtnTrade")
    place.sim.clear()
    place.cut(client)
    client.call("Mark", session=client.handle)
    client.next("Mark")
    assert [m.name for m in client.taken() if m.name == "OnRtnTrade"] == [], "it is a repeat now"


@pytest.mark.parametrize(("unsent_s", "ends"), [(2.5, ["ACK"]), (0.0, ["NOT_SENT"])])
def test_bytes_that_are_under_way_when_the_connection_dies_are_waited_for(
    tmp_path: Path, unsent_s: float, ends: list[str]
) -> None:
    """Without the wait the order is taken for never sent, and lives: the second line shows it."""
    with running(tmp_path, unsent_s=unsent_s) as place:
        client = place.client()
        place.sim.late("ReqOrderInsert", 2.0)
        number = client.order(place.instrument, place.low, client_order_id="late")
        client.rows(number, 1)
        place.cut(client)
        assert states(client, number, 2) == ["UNKNOWN", *ends]
        client.wait_for(lambda: place.accepted() == 1, "the order at the exchange")


CRASH = """import os
import td_worker.actions as a
send = a.Actions._send
def crash(self, pending, body):
    if pending.call.method != "ReqOrderInsert":
        return send(self, pending, body)
    if {after}:
        send(self, pending, body)
        import time
        time.sleep(0.2)
    os._exit(9)
a.Actions._send = crash
"""


@pytest.mark.parametrize(("after", "state"), [(False, "NOT_SENT"), (True, "ACK")])
def test_a_crash_around_the_call_of_the_api_is_cleared_up(
    tmp_path: Path, after: bool, state: str
) -> None:
    with running(tmp_path, CRASH.format(after=after)) as place:
        client = place.client()
        client.order(place.instrument, place.low, client_order_id="crash")
        assert place.group.wait("td_worker") == 9
        (tmp_path / "sitecustomize.py").write_text("")
        place.group.start("td_worker")
        client = place.client()
        client.wait_outcome(state, client_order_id="crash")
        assert place.accepted() == int(after)
        (row,) = client.rows(
            client.order(place.instrument, place.low, client_order_id="crash", OrderRef="9")
        )
        assert row.error_id == BAD_REQUEST, "the id is used, and the gateway sends nothing twice"


# -- the barrier -----------------------------------------------------------------------------

NO_BARRIER = """import td_worker.recovery as r
r.Recovery.start = lambda self, now: self._end()
"""


def replay(place: Place, orders: int) -> tuple[int, int]:
    """Another program places and cancels orders while td_worker is away; its replay is late, and a
    client sends orders all the time. How many returns were published after the first order was
    taken, and how many twice."""
    client = place.client()
    ours = client.login(place.user, PASSWORD)["SessionID"]
    place.group.freeze("td_worker")
    place.sim.lose("OnRtnOrder", times=0, user=place.user)
    place.sim.outside_orders(place.user, place.instrument, orders)
    place.sim.clear()
    place.sim.delay("OnRtnOrder", 0.8, times=0, user=place.user)
    place.sim.disconnect(side="td", user=place.user)
    place.group.thaw("td_worker")
    client.next("OnFrontDisconnected")
    taken, refused = None, set()
    deadline = time.monotonic() + GIVE_UP_S
    while taken is None and time.monotonic() < deadline:
        row = client.rows(client.order(place.instrument, place.low), 1)[0]
        if row.name == "Sent":
            taken = row
        else:
            refused.add(row.detail.split(":")[0])
    assert taken is not None
    assert taken.own["session_id"] == ours
    place.sim.clear()
    client.next("OnRtnOrder", lambda order: order["SessionID"] == ours)
    outside = [m for m in client.taken() if m.name == "OnRtnOrder" and m["SessionID"] != ours]
    assert len({(m["OrderSysID"], m["OrderStatus"]) for m in outside if m["OrderSysID"]}) > 0
    early = sum(message.seq > taken.after_seq for message in outside)
    bodies = [message.field for message in outside]
    assert len(set(bodies)) >= orders
    return early, len(bodies) - len(set(bodies))


def test_no_order_is_taken_before_the_replay_is_over_and_nothing_is_told_twice(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as place:
        assert replay(place, 100) == (0, 0)


@pytest.mark.slow
def test_the_same_with_a_replay_of_five_thousand_returns(tmp_path: Path) -> None:
    with running(tmp_path) as place:
        assert replay(place, 1667) == (0, 0)


@pytest.mark.parametrize("patch", [NO_BARRIER, NO_LIST])
def test_without_the_barrier_or_its_list_orders_are_taken_too_early(
    tmp_path: Path, patch: str
) -> None:
    """A stream that is quiet may be one that is slow."""
    with running(tmp_path, patch) as place:
        early, _ = replay(place, 100)
        assert early > 0


def test_while_recovering_orders_are_refused_and_queries_and_cancels_pass(place: Place) -> None:
    client = place.client()
    order = place.rests(client)
    place.sim.lose("ReqQryTrade", times=1, user=place.user)  # recovering until it is asked again
    place.cut(client, wait=False)
    client.wait_for(lambda: place.state(client) == "recovering", "recovering")
    (row,) = client.rows(client.order(place.instrument, place.low))
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    assert row.detail.startswith("recovering")
    sent = client.rows(cancel(client, order), 1)[0]
    assert sent.name == "Sent"
    client.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
    assert place.state(client) == "recovering"
    place.ready(client)


def test_a_newcomer_waits_less_than_a_second(place: Place) -> None:
    client = place.stranger()
    began = time.monotonic()
    client.login(place.user, PASSWORD)
    rows = client.rows(client.order(place.instrument, place.low), 1)
    assert rows[0].name == "Sent"
    assert time.monotonic() - began < 3


# -- cancel on disconnect --------------------------------------------------------------------


def opt_in(client: TdLink, on: bool = True) -> None:
    body = msgspec.msgpack.encode(CancelOnDisconnect(on))
    (row,) = client.call("SetCancelOnDisconnect", body, session=client.handle)
    assert (row.name, row.own) == ("SetCancelOnDisconnect", {"on": on})


def leave(client: TdLink, clean: bool) -> None:
    body = msgspec.msgpack.encode(Detached(clean))
    assert client.call("Detach", body, session=client.handle)[0].own is True


@pytest.mark.parametrize(
    ("way", "wanted", "cancelled"),
    [
        ("unclean", True, True),
        ("died", True, True),
        ("clean", True, False),
        ("logout", True, False),
        ("unclean", False, False),
        ("withdrawn", True, False),
    ],
)
def test_the_orders_of_a_login_that_is_lost_are_cancelled_if_it_wants_so(
    place: Place, way: str, wanted: bool, cancelled: bool
) -> None:
    watcher, client = place.client(), place.client()
    theirs = place.rests(watcher)
    order = place.rests(client)
    if wanted:
        opt_in(client)
    if way == "died":
        client.close()
    elif way == "logout":
        client.request("ReqUserLogout", BrokerID="9999", UserID=place.user)
    elif way == "withdrawn":
        opt_in(client, on=False)
        leave(client, clean=False)
    else:
        leave(client, clean=way == "clean")
    if cancelled:
        ended = watcher.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
        assert identity(ended) == identity(order)
    else:
        time.sleep(0.5)
    assert place.ended() == int(cancelled)
    row = watcher.outcome(session_id=theirs["SessionID"], order_ref=str(theirs["OrderRef"]))
    assert row.own["state"] == "ACK"


def test_orders_are_also_cancelled_when_the_front_was_away(place: Place) -> None:
    watcher, client = place.client(), place.client()
    order = place.rests(client)
    opt_in(client)
    place.sim.refuse(1.0)
    place.sim.disconnect(side="td", user=place.user)
    watcher.next("OnFrontDisconnected")
    leave(client, clean=False)
    ended = watcher.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
    assert identity(ended) == identity(order)


ONCE = """import td_worker.disconnect as d
d._AGAIN_S = (1000.0, 1000.0)
"""


@pytest.mark.parametrize(("patch", "ended"), [("", 1), (ONCE, 0)])
def test_a_cancel_that_is_lost_is_repeated(tmp_path: Path, patch: str, ended: int) -> None:
    with running(tmp_path, patch) as place:
        client = place.client()
        place.rests(client)
        opt_in(client)
        place.sim.lose("ReqOrderAction", user=place.user)
        leave(client, clean=False)
        if ended:
            client.wait_for(lambda: place.ended() == ended, "cancel")
        else:
            time.sleep(3.0)
            assert place.ended() == 0


NOT_KEPT = """import td_worker.disconnect as d
d.Disconnects._save = lambda self: True
"""


@pytest.mark.parametrize(("patch", "ended"), [("", 1), (NOT_KEPT, 0)])
def test_the_wish_outlives_td_worker(tmp_path: Path, patch: str, ended: int) -> None:
    with running(tmp_path, patch) as place:
        client = place.client()
        order = place.rests(client)
        opt_in(client)
        place.group.restart("td_worker")
        watcher = place.client()
        state = "CANCELLED" if ended else "ACK"
        own: Any = {"session_id": order["SessionID"], "order_ref": str(order["OrderRef"])}
        time.sleep(0.5)
        watcher.wait_outcome(state, **own)
        assert place.ended() == ended


# -- the disk --------------------------------------------------------------------------------

SMALL_DISK = """import td_worker.orders.store as s
connect = s._connect
def small(path):
    db = connect(path)
    db.execute("PRAGMA max_page_count=12")
    return db
s._connect = small
"""


def test_on_a_full_disk_orders_are_refused_and_cancels_go_on(tmp_path: Path) -> None:
    with running(tmp_path, SMALL_DISK) as place:
        client = place.client()
        order = place.rests(client)
        for _ in range(200):
            row = client.rows(client.order(place.instrument, place.low), 1)[0]
            if row.name != "Sent":
                break
        assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
        assert "cannot be recorded" in row.detail
        assert "nothing was sent" in row.detail
        sent = len(client.request("ReqQryOrder"))
        assert place.accepted() == sent
        client.rows(cancel(client, order), 1)
        client.next("OnRtnOrder", lambda order: order["OrderStatus"] == "5")
        assert place.group.running("td_worker")


def test_while_the_records_cannot_be_read_no_order_is_told_to_be_unknown(tmp_path: Path) -> None:
    """That would mean that it was never sent. The next login looks at the file again."""
    with running(tmp_path) as place:
        client, own = place.client(), new_id()
        order = client.order(place.instrument, place.low, client_order_id=own)
        assert client.rows(order, 1)[0].name == "Sent"
        client.wait_outcome("ACK", client_order_id=own)
        place.group.kill("td_worker")
        (file,) = place.group.data.glob("td_worker/accounts/*/orders/*.db")
        for path in file.parent.iterdir():
            path.rename(path.with_name(f"away-{path.name}"))
        file.write_bytes(b"no database" * 1000)
        place.group.start("td_worker")
        client = place.client()
        row = client.outcome(client_order_id=own)
        assert (row.name, row.error_id) == ("Error", INTERNAL_ERROR)
        assert client.rows(client.order(place.instrument, place.low), 1)[0].name == "Error"
        for path in file.parent.glob("away-*"):
            path.rename(path.with_name(path.name.removeprefix("away-")))
        place.cut(client)
        assert client.outcome(client_order_id=own).own["state"] == "ACK"
        assert client.rows(client.order(place.instrument, place.low), 1)[0].name == "Sent"
        assert place.accepted() == 2


def test_what_is_kept_of_orders_is_closed_to_others(place: Place) -> None:
    client = place.client()
    place.rests(client)
    opt_in(client)
    folder = next(place.group.data.glob("td_worker/accounts/*/disconnect.json")).parent
    kept = [folder, folder / "disconnect.json", *folder.glob("orders/*"), *folder.glob("returns/*")]
    assert any(path.suffix == ".db" for path in kept)
    for path in kept:
        assert path.stat().st_mode & 0o077 == 0, path
