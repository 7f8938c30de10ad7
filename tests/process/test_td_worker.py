"""td_worker as a process, on the embedded exchange."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bus.frames import Flag, account_topic
from schemas.errors import (
    BAD_REQUEST,
    NETWORK_FAILURE,
    NOT_IMPLEMENTED,
    NOT_LOGGED_IN,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_PER_SECOND,
)
from sim.control import SimControl
from tests.support.buslink import Published, Reply, TdLink
from tests.support.front import Front
from tests.support.group import CHECKOUT, Group

PASSWORD = "td-geheim-7319"
AUTH_CODE = "code-4711-geheim"
USERS = [f"2{number:05}" for number in range(120)]
FAST: dict[str, Any] = {
    "log_level": "DEBUG",
    "sim": {
        "queries_per_second": 0,
        "users": [{"user_id": user, "password": PASSWORD} for user in USERS],
        "auth_codes": {"ctpbus_test": AUTH_CODE},
    },
    "td_worker": {
        "app_id": "ctpbus_test",
        "auth_code": AUTH_CODE,
        "login_s": 6.0,
        "step_s": 0.5,
        "retry_s": 0.2,
        "wrong_s": 0.01,
        "query_s": 1.5,
        "queries_per_s": 1000,
        "gone_s": 0.5,
        "max_unproven": 10,
    },
}
RETURNS = ("OnRtnOrder", "OnRtnTrade")
_users = iter(USERS)


@dataclass(frozen=True)
class Market:
    """An instrument and the prices between which an order for it must lie."""

    instrument: str
    high: float
    low: float


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """A group for tests that keep to an account of their own."""
    with Group(tmp_path_factory.mktemp("td"), overrides=FAST) as group:
        group.start("sim", "td_worker")
        yield group


@pytest.fixture(scope="module")
def market(group: Group) -> Market:
    return market_of(group, next(_users))


@pytest.fixture
def sim(group: Group) -> Iterator[SimControl]:
    with SimControl(group.config["sim"]["listen"]) as control:
        yield control
        control.clear()


@pytest.fixture
def user() -> str:
    """An account that no other test has used."""
    return next(_users)


Open = Callable[[], TdLink]


@pytest.fixture
def link(group: Group) -> Iterator[Open]:
    """link() is one more client."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(TdLink(group))


@pytest.fixture
def td(link: Open, user: str) -> TdLink:
    """A client that is logged in and hears its returns."""
    client = link()
    client.login(user, PASSWORD)
    client.follow(user)
    return client


def test_each_second_an_account_hears_how_far_its_returns_have_come(td: TdLink) -> None:
    marks = td.next("Mark")
    td.wait_for(lambda: len(td.beats) >= 3)
    last = td.beats[-1]
    assert (last.topic, last.epoch) == (marks.topic, marks.epoch)
    reached = td.returns()[1]
    assert (last.epoch, last.seq) == reached
    assert all(row.name != "Beat" for row in td.returns()[0])


def market_of(group: Group, user: str) -> Market:
    with TdLink(group) as client:
        client.login(user, PASSWORD)
        rows = client.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        name = str(rows[0]["InstrumentID"])
        (quote,) = client.request("ReqQryDepthMarketData", InstrumentID=name)
        high, low = quote["UpperLimitPrice"], quote["LowerLimitPrice"]
        assert isinstance(high, float)
        assert isinstance(low, float)
        return Market(name, high, low)


def account(client: TdLink, user: str) -> dict[str, Any]:
    accounts: list[dict[str, Any]] = client.state_now()["accounts"]
    return next(account for account in accounts if account["user"] == user)


def ready(client: TdLink, user: str) -> None:
    client.wait_for(lambda: account(client, user)["state"] == "ready", "session")


def cut(client: TdLink, sim: SimControl, user: str) -> None:
    """The front hangs up on one account; wait until it is logged in again."""
    client.follow(user)
    client.taken()
    sim.disconnect(side="td", user=user)
    client.next("OnFrontDisconnected")
    client.next("OnFrontConnected")
    ready(client, user)


def filled(client: TdLink, number: int) -> list[Published]:
    """The returns of an order up to its trade."""
    (sent,) = client.rows(number, 1)
    assert sent.flags & Flag.SENT, sent
    trade = client.next("OnRtnTrade")
    return [*(m for m in client.taken() if m.name in RETURNS), trade]


def logins(sim: SimControl) -> int:
    return sim.tally().get("ReqUserLogin", 0)


def refusals(group: Group, user: str) -> int:
    """How often the front has refused this account."""
    lines = [json.loads(line) for line in group.log("td_worker").splitlines()]
    return sum(line["event"] == "login refused" and line["user"] == user for line in lines)


# -- logins ----------------------------------------------------------------------------------


def test_a_login_gives_the_counters_own_answer_and_a_handle(link: Open, user: str) -> None:
    client = link()
    rows = client.try_login(user, PASSWORD, request_id=5)
    assert [row.name for row in rows] == ["Session", "OnRspUserLogin"]
    assert rows[0].own["handle"] == client.handle
    assert len(client.handle) == 16
    assert (rows[0].own["broker"], rows[0].own["user"]) == ("9999", user)
    assert rows[0].own["epoch"] == client.state_now()["epoch"]
    assert (rows[1]["UserID"], rows[1].error_id, rows[1].request_id) == (user, 0, 5)
    assert rows[1].last
    assert rows[1].after_seq > 0


def test_further_logins_never_reach_the_front_whatever_their_password(
    link: Open, sim: SimControl, user: str
) -> None:
    client = link()
    first = client.login(user, PASSWORD)
    at_front = logins(sim)
    again = link()
    second = again.login(user, PASSWORD)
    assert second["SessionID"] != first["SessionID"], "each login is a session of its own"
    own = {"SessionID": 0}
    assert second.values | own == first.values | own
    assert again.handle != client.handle
    for wrong in ("", "wrong", PASSWORD + "x", PASSWORD[:-1], "密码"):
        (row,) = link().try_login(user, wrong)
        assert (row.name, row.error_id, row.field) == ("OnRspUserLogin", 3, None)
        assert row.error_text == "CTP:不合法的登录"
    assert logins(sim) == at_front
    assert client.request("ReqQryTradingAccount")[-1].error_id == 0


def test_a_refusal_of_the_front_comes_through_and_is_not_repeated(
    group: Group, link: Open, sim: SimControl, user: str
) -> None:
    client = link()
    (row,) = client.try_login(user, "wrong")
    assert (row.name, row.error_id) == ("OnRspUserLogin", 3)
    client.login(user, PASSWORD)
    assert refusals(group, user) == 1


@pytest.mark.parametrize("first", ["right", "wrong"])
def test_of_two_clients_at_once_only_the_one_with_the_password_gets_in(
    link: Open, sim: SimControl, user: str, first: str
) -> None:
    sim.delay("ReqUserLogin", 0.2)
    clients = {"right": link(), "wrong": link()}
    passwords = {"right": PASSWORD, "wrong": "wrong"}
    numbers = {}
    for name in (first, *(clients.keys() - {first})):
        client = clients[name]
        body = client.body("ReqUserLogin", UserID=user, Password=passwords[name])
        numbers[name] = client.send("ReqUserLogin", body)
        client.state_now()  # it has arrived
    right = clients["right"].rows(numbers["right"])
    wrong = clients["wrong"].rows(numbers["wrong"])
    assert [row.name for row in right] == ["Session", "OnRspUserLogin"]
    assert [(row.name, row.error_id) for row in wrong] == [("OnRspUserLogin", 3)]


def test_made_up_users_leave_no_sessions_and_keep_nobody_out(link: Open, user: str) -> None:
    client = link()
    before = len(client.state_now()["accounts"])
    bodies = [client.body("ReqUserLogin", UserID=f"x{n}", Password="y") for n in range(200)]
    numbers = [client.send("ReqUserLogin", body) for body in bodies]
    errors = {client.rows(number)[-1].error_id for number in numbers}
    assert errors <= {3, NETWORK_FAILURE}
    link().login(user, PASSWORD)
    client.wait_for(lambda: len(client.state_now()["accounts"]) == before + 1, "release")


def test_accounts_whose_first_login_gets_no_answer_are_few_and_released_soon(
    link: Open, sim: SimControl, user: str
) -> None:
    client = link()
    client.login(user, PASSWORD)
    before = len(client.state_now()["accounts"])
    sim.lose("ReqUserLogin", times=0)
    bodies = [client.body("ReqUserLogin", UserID=f"z{n}", Password="y") for n in range(12)]
    numbers = [client.send("ReqUserLogin", body, timeout_s=1) for body in bodies]
    details = [client.rows(number)[-1].detail for number in numbers]
    assert ["no login in time" in detail for detail in details] == [True] * 10 + [False] * 2
    assert details[-1] == "10 accounts already wait for their first login"
    assert len(client.state_now()["accounts"]) == before + 10
    client.wait_for(lambda: len(client.state_now()["accounts"]) == before, "release")


def test_an_authentication_that_is_refused_comes_through(
    link: Open, sim: SimControl, user: str
) -> None:
    sim.error("ReqAuthenticate", 63)
    (row,) = link().try_login(user, PASSWORD)
    assert (row.name, row.error_id) == ("OnRspAuthenticate", 63)
    link().login(user, PASSWORD)


def test_a_refusal_by_on_rsp_error_ends_the_login(link: Open, sim: SimControl, user: str) -> None:
    sim.error("ReqUserLogin", 7, via="OnRspError")
    (row,) = link().try_login(user, PASSWORD)
    assert (row.name, row.error_id) == ("OnRspError", 7)
    link().login(user, PASSWORD)


def test_a_confirmation_that_is_not_possible_yet_is_repeated(
    link: Open, sim: SimControl, user: str
) -> None:
    sim.error("ReqSettlementInfoConfirm", 90, times=2)
    link().login(user, PASSWORD)


def test_a_confirmation_that_fails_is_the_answer_and_the_next_login_is_a_new_one(
    link: Open, sim: SimControl, user: str
) -> None:
    sim.error("ReqSettlementInfoConfirm", 9)
    (row,) = link().try_login(user, PASSWORD)
    assert (row.name, row.error_id) == ("OnRspSettlementInfoConfirm", 9)
    link().login(user, PASSWORD)


def test_a_login_whose_answer_is_lost_is_repeated_after_a_logout(
    link: Open, sim: SimControl, user: str
) -> None:
    """The front takes the session for logged in and would not answer a second login."""
    logouts = sim.tally().get("ReqUserLogout", 0)
    sim.lose("OnRspUserLogin")
    link().login(user, PASSWORD)
    assert sim.tally()["ReqUserLogout"] == logouts + 1


def test_a_slow_front_is_waited_for(link: Open, sim: SimControl, user: str) -> None:
    sim.delay("OnRspUserLogin", 0.7, times=0)  # longer than the first patience of 0.5 s
    link().login(user, PASSWORD)


def test_a_login_without_an_answer_ends_at_the_callers_deadline(
    link: Open, sim: SimControl, user: str
) -> None:
    sim.lose("ReqUserLogin", times=0)
    (row,) = link().try_login(user, PASSWORD, timeout_s=0.3)
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    assert "no login in time" in row.detail
    sim.clear()
    link().login(user, PASSWORD)


def test_a_client_with_a_wrong_password_does_no_harm_while_the_front_is_away(
    td: TdLink, link: Open, sim: SimControl, user: str
) -> None:
    sim.error("ReqUserLogin", 7, user="", times=2)
    before = logins(sim)
    sim.disconnect(side="td", user=user)
    td.next("OnFrontDisconnected")
    (row,) = link().try_login(user, "wrong")
    assert (row.name, row.error_id) == ("OnRspUserLogin", 3)
    ready(td, user)
    assert logins(sim) - before == 3, "two were refused for now and repeated"
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0


def test_a_password_that_the_counter_no_longer_takes_is_forgotten(
    group: Group, td: TdLink, link: Open, sim: SimControl, user: str
) -> None:
    sim.error("ReqUserLogin", 3)
    sim.disconnect(side="td", user=user)
    lost = td.next("SessionLost")
    assert (lost.own, lost.topic) == (3, account_topic("9999", user))
    assert td.request("ReqQryTradingAccount")[-1].error_id == NOT_LOGGED_IN
    assert (account(td, user)["state"], account(td, user)["clients"]) == ("refused", 0)
    sim.disconnect(side="td", user="")
    td.wait_for(lambda: account(td, user)["state"] == "authenticating", "reconnect")
    again = link()
    again.login(user, PASSWORD)
    assert again.request("ReqQryTradingAccount")[-1].error_id == 0
    assert td.request("ReqQryTradingAccount")[-1].error_id == NOT_LOGGED_IN
    assert refusals(group, user) == 1


def test_after_a_change_of_the_password_the_next_login_uses_the_new_one(
    td: TdLink, link: Open, sim: SimControl, user: str
) -> None:
    change = {"BrokerID": "9999", "UserID": user, "OldPassword": PASSWORD}
    rows = td.request("ReqUserPasswordUpdate", **change, NewPassword="neu-" + PASSWORD)
    assert [row.name for row in rows] == ["Sent", "OnRspUserPasswordUpdate"]
    assert rows[-1].error_id == 0
    cut(td, sim, user)
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0
    link().login(user, "neu-" + PASSWORD)
    assert link().try_login(user, PASSWORD)[0].error_id == 3


def test_a_change_of_the_password_that_fails_changes_nothing(
    td: TdLink, link: Open, user: str
) -> None:
    change = {"BrokerID": "9999", "UserID": user, "OldPassword": "wrong"}
    rows = td.request("ReqUserPasswordUpdate", **change, NewPassword="neu")
    assert rows[-1].error_id == 14
    link().login(user, PASSWORD)


def test_a_logout_ends_one_handle_and_not_the_session(
    td: TdLink, link: Open, sim: SimControl, user: str
) -> None:
    other = link()
    other.login(user, PASSWORD)
    logouts = sim.tally().get("ReqUserLogout", 0)
    (row,) = td.request("ReqUserLogout", BrokerID="9999", UserID=user)
    assert (row.name, row.error_id, row["UserID"]) == ("OnRspUserLogout", 0, user)
    assert td.request("ReqQryTradingAccount")[0].error_id == NOT_LOGGED_IN
    assert other.request("ReqQryTradingAccount")[-1].error_id == 0
    assert sim.tally().get("ReqUserLogout", 0) == logouts
    assert account(other, user)["clients"] == 1


def test_authentication_is_answered_from_that_of_the_session(
    td: TdLink, sim: SimControl, user: str
) -> None:
    before = sim.tally()["ReqAuthenticate"]
    (row,) = td.request("ReqAuthenticate", BrokerID="9999", UserID=user, AuthCode="anything")
    assert (row.name, row.error_id, row["UserID"]) == ("OnRspAuthenticate", 0, user)
    assert sim.tally()["ReqAuthenticate"] == before


def test_the_handles_of_a_client_that_died_are_given_up(
    td: TdLink, group: Group, user: str
) -> None:
    with TdLink(group) as dies:
        dies.login(user, PASSWORD)
        dies.login(user, PASSWORD)
        handle = dies.handle
        assert account(td, user)["clients"] == 3
    td.wait_for(lambda: account(td, user)["clients"] == 1, "end of the handles")
    body = td.body("ReqQryTradingAccount")
    assert td.call("ReqQryTradingAccount", body, session=handle)[0].error_id == NOT_LOGGED_IN
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0


# -- who sees what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["ReqQryOrder", "ReqOrderInsert", "ReqOrderAction", "ReqUserLogout", "Mark", "NoSuch"]
)
def test_a_handle_that_is_none_gets_401(td: TdLink, method: str) -> None:
    request = td.catalogue.td.requests.get(method)
    body = bytes(td.catalogue.layouts[request.struct].size) if request else b""
    strangers = (b"", bytes(16), td.handle[:-1], td.handle[:-1] + bytes([td.handle[-1] ^ 1]))
    for handle in strangers:
        (row,) = td.call(method, body, session=handle)
        assert (row.name, row.error_id) == ("Error", NOT_LOGGED_IN)
    assert td.call("Detach", session=bytes(16))[0].own is False


def test_two_accounts_never_see_each_others_rows_or_returns(
    td: TdLink, link: Open, market: Market, user: str
) -> None:
    other_user = next(_users)
    other = link()
    other.login(other_user, PASSWORD)
    other.follow(other_user)
    other.taken()
    filled(td, td.order(market.instrument, market.high))
    assert {row["UserID"] for row in td.request("ReqQryOrder")} == {user}
    for method in ("ReqQryOrder", "ReqQryTrade"):
        (row,) = other.request(method)
        assert row.field is None
        (row,) = other.request(method, BrokerID="9999", InvestorID=user)
        assert row.error_id == 9
    assert [m.name for m in other.taken() if m.name != "Mark"] == []


def test_a_user_whose_name_begins_like_another_one_has_topics_of_his_own(link: Open) -> None:
    assert not account_topic("9999", "a/b").startswith(account_topic("9999", "a"))
    assert not account_topic("9999", "1000011").startswith(account_topic("9999", "100001"))
    (row,) = link().try_login("../../x", "wrong")
    assert row.error_id == 3


# -- orders ----------------------------------------------------------------------------------


def test_an_order_is_sent_and_its_returns_are_published_once(
    td: TdLink, link: Open, sim: SimControl, market: Market, user: str
) -> None:
    follower = link()
    follower.login(user, PASSWORD)
    follower.follow(user)
    before = len(sim.ledger())
    td.taken()
    returns = filled(td, td.order(market.instrument, market.high, OrderRef="7001"))
    trades = [message for message in returns if message.name == "OnRtnTrade"]
    assert len(trades) == 1
    assert {str(message["OrderRef"]).strip() for message in returns} == {"7001"}
    seqs = sorted(message.seq for message in returns)
    assert len(set(seqs)) == len(seqs)
    same = follower.next("OnRtnTrade")
    assert (same.seq, same.values) == (trades[0].seq, trades[0].values)
    kinds = [entry["kind"] for entry in sim.ledger(before) if entry["user"] == user]
    assert kinds.count("AcceptedOrder") == 1
    assert kinds.count("ExecutedTrade") == 1
    rows = td.request("ReqQryOrder")
    assert rows[-1].after_seq >= max(seqs), "whoever handles so much first, has the order in order"


def test_an_order_that_the_counter_refuses_is_told_and_published(td: TdLink) -> None:
    rows = td.rows(td.order("nosuch99", 1.0, OrderRef="8001"))
    assert [row.name for row in rows] == ["Sent", "OnRspOrderInsert"]
    assert rows[1].error_id == 16
    published = td.next("OnErrRtnOrderInsert")
    assert published.error_id == 16
    assert published["OrderRef"] == rows[1]["OrderRef"]


def test_an_order_can_be_cancelled_by_any_client_of_the_account(
    td: TdLink, link: Open, market: Market, user: str
) -> None:
    td.rows(td.order(market.instrument, market.low), 1)
    order = td.next("OnRtnOrder", lambda m: m["OrderStatus"] == "3")
    other = link()
    other.login(user, PASSWORD)
    cancel = other.ask("ReqOrderAction", **action(order))
    assert other.rows(cancel, 1)[0].flags & Flag.SENT
    cancelled = td.next("OnRtnOrder", lambda m: m["OrderStatus"] == "5")
    assert cancelled["OrderSysID"] == order["OrderSysID"]


def action(order: Published | Reply) -> dict[str, Any]:
    names = ("BrokerID", "InvestorID", "ExchangeID", "OrderSysID", "InstrumentID")
    return {**{name: order[name] for name in names}, "ActionFlag": "0"}


def test_orders_and_cancels_that_waited_for_a_frozen_worker_too_long_are_not_sent(
    td: TdLink, group: Group, sim: SimControl, market: Market, user: str
) -> None:
    td.rows(td.order(market.instrument, market.low), 1)
    order = td.next("OnRtnOrder", lambda m: m["OrderStatus"] == "3")
    before = len(sim.ledger())
    asked = {name: sim.tally().get(name, 0) for name in ("ReqOrderInsert", "ReqOrderAction")}
    group.freeze("td_worker")
    old = [td.order(market.instrument, market.high, timeout_s=0.05) for _ in range(20)]
    old.append(td.ask("ReqOrderAction", timeout_s=0.05, **action(order)))
    expired = time.monotonic() + 0.1
    fresh = td.order(market.instrument, market.high)
    td.wait_for(lambda: time.monotonic() > expired)
    group.thaw("td_worker")
    for number in old:
        (row,) = td.rows(number)
        assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
        assert "expired" in row.detail
    filled(td, fresh)
    mine = [entry for entry in sim.ledger(before) if entry["user"] == user]
    assert [entry["kind"] for entry in mine] == ["AcceptedOrder", "ExecutedTrade"]
    assert sim.tally().get("ReqOrderInsert", 0) == asked["ReqOrderInsert"] + 1
    assert sim.tally().get("ReqOrderAction", 0) == asked["ReqOrderAction"]


@pytest.mark.parametrize("code", [NETWORK_FAILURE, TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND, -9])
def test_an_order_that_the_api_does_not_take_is_answered_with_its_code(
    td: TdLink, sim: SimControl, market: Market, code: int
) -> None:
    sim.returns("ReqOrderInsert", code)
    (row,) = td.rows(td.order(market.instrument, market.high))
    assert (row.name, row.error_id) == ("Error", code)
    assert "nothing was sent" in row.detail


def test_what_the_counter_repeats_after_a_reconnect_is_not_published_again(
    td: TdLink, sim: SimControl, market: Market, user: str
) -> None:
    returns = filled(td, td.order(market.instrument, market.high))
    td.rows(td.order("nosuch99", 1.0))
    assert account(td, user)["repeated"] == 0
    cut(td, sim, user)
    td.wait_for(lambda: account(td, user)["repeated"] >= len(returns), "replay")
    assert [m.name for m in td.taken() if m.name.startswith(("OnRtn", "OnErrRtn"))] == []
    fresh = filled(td, td.order(market.instrument, market.high))
    assert fresh[0].seq > returns[-1].seq


def test_without_the_check_the_replay_would_be_published_again(
    tmp_path: Path, market: Market
) -> None:
    """Shows that the test above could fail."""
    patch = "import td_worker.returns.stream as r\nr.Returns._is_repeated = lambda *_: False\n"
    (tmp_path / "sitecustomize.py").write_text(patch)
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    with Group(tmp_path, overrides=FAST, front_env=environment) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as td, SimControl(group.config["sim"]["listen"]) as sim:
            user = USERS[0]
            td.login(user, PASSWORD)
            td.follow(user)
            filled(td, td.order(market.instrument, market.high))
            cut(td, sim, user)
            td.next("OnRtnTrade")


# The day is looked at only when the settlement is confirmed, after the replay has begun.
LATE_DAY = """import td_worker.returns.stream as r
import td_worker.session as s
new_day, recovering = r.Returns.new_day, s.Session._on_recovering
kept = []
r.Returns.new_day = lambda self, day: kept.append(day)
s.Session._on_recovering = lambda self: (new_day(self.returns, kept[-1]), recovering(self))
"""


@pytest.mark.parametrize(("patch", "trades"), [("", 1), (LATE_DAY, 2)])
def test_a_replay_before_the_confirmation_counts_for_the_reconnects_after_it(
    tmp_path: Path, market: Market, patch: str, trades: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(patch)
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    user = USERS[0]
    with Group(tmp_path, overrides=FAST, front_env=environment) as group:
        group.start("sim", "td_worker")
        sim = SimControl(group.config["sim"]["listen"])
        with TdLink(group) as td:
            td.login(user, PASSWORD)
            td.follow(user)
            filled(td, td.order(market.instrument, market.high))
        group.restart("td_worker")
        sim.delay("OnRspSettlementInfoConfirm", 0.3, times=0)
        with sim, TdLink(group) as td:
            td.login(user, PASSWORD)
            for _ in range(2):
                cut(td, sim, user)
            published, _ = td.returns()
            assert sum(m.name == "OnRtnTrade" for m in published) == trades


def test_two_refusals_for_the_same_reason_are_two(td: TdLink) -> None:
    for reference in ("9001", "9002"):
        td.rows(td.order("nosuch99", 1.0, OrderRef=reference))
        assert td.next("OnErrRtnOrderInsert")["OrderRef"] == reference


# -- queries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND])
def test_a_query_that_the_api_does_not_take_is_asked_again(
    td: TdLink, sim: SimControl, code: int
) -> None:
    sim.returns("ReqQryTradingAccount", code, times=3)
    (row,) = td.request("ReqQryTradingAccount")
    assert (row.name, row.error_id) == ("OnRspQryTradingAccount", 0)
    assert sim.faults()["hits"]["return"] >= 3


@pytest.mark.parametrize("via", ["reply", "OnRspError"])
def test_a_query_that_is_not_ready_is_asked_again(td: TdLink, sim: SimControl, via: str) -> None:
    sim.error("ReqQryTradingAccount", 90, via=via)
    (row,) = td.request("ReqQryTradingAccount")
    assert (row.name, row.error_id) == ("OnRspQryTradingAccount", 0)
    assert not sim.faults()["waiting"]


@pytest.mark.parametrize("via", ["reply", "OnRspError"])
def test_another_error_ends_a_query_and_frees_its_place(
    td: TdLink, sim: SimControl, via: str
) -> None:
    sim.error("ReqQryTradingAccount", 9, via=via)
    (row,) = td.request("ReqQryTradingAccount")
    assert (row.error_id, row.last) == (9, True)
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0


def test_a_query_without_an_answer_ends_at_its_limit_and_frees_its_place(
    td: TdLink, sim: SimControl
) -> None:
    sim.lose("ReqQryTradingAccount")
    lost = td.ask("ReqQryTradingAccount")
    waiting = td.ask("ReqQryOrder", timeout_s=5)
    (row,) = td.rows(lost)
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    assert td.rows(waiting)[-1].last
    assert td.request("ReqQryTradingAccount")[-1].name == "OnRspQryTradingAccount"


def test_an_api_that_waits_for_a_lost_answer_is_freed_by_a_new_connection(
    td: TdLink, sim: SimControl, user: str
) -> None:
    """The API takes one query at a time, and it does not know that we gave this one up."""
    sim.lose("ReqQryTradingAccount", hold=True)
    assert td.request("ReqQryTradingAccount")[-1].error_id == NETWORK_FAILURE
    waiting = td.request("ReqQryOrder")
    assert waiting[-1].error_id == NETWORK_FAILURE, "the API returns -2 all the time"
    td.wait_for(lambda: td.request("ReqQryOrder")[-1].error_id == 0, "end of it")
    ready(td, user)


def test_a_new_connection_without_a_disconnect_is_a_disconnect(
    td: TdLink, sim: SimControl, user: str
) -> None:
    before = logins(sim)
    sim.raise_callback("OnFrontConnected", user=user)
    td.next("OnFrontDisconnected")
    td.wait_for(lambda: logins(sim) > before)
    ready(td, user)
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0


def test_a_disconnect_in_the_middle_of_a_query_ends_it_and_the_handle_stays_good(
    td: TdLink, sim: SimControl, user: str
) -> None:
    sim.delay("ReqQryTradingAccount", 5)
    numbers = [td.ask("ReqQryTradingAccount") for _ in range(3)]
    td.wait_for(lambda: not sim.faults()["waiting"])
    sim.disconnect(side="td", user=user)
    for number in numbers:
        (row,) = td.rows(number)
        assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
        assert "disconnected" in row.detail
    ready(td, user)
    assert td.request("ReqQryTradingAccount")[-1].error_id == 0


def test_at_one_query_a_second_nobody_sees_minus_three_and_orders_do_not_wait(
    tmp_path: Path, market: Market
) -> None:
    settings = {**FAST["sim"], "queries_per_second": 1}
    worker = {**FAST["td_worker"], "query_s": 20, "queries_per_s": 0}  # 0: as the front says
    overrides = {**FAST, "sim": settings, "td_worker": worker}
    with Group(tmp_path, overrides=overrides) as group, ExitStack() as stack:
        group.start("sim", "td_worker")
        clients = [stack.enter_context(TdLink(group)) for _ in range(3)]
        sim = stack.enter_context(SimControl(group.config["sim"]["listen"]))
        user = USERS[0]
        for client in clients:
            client.login(user, PASSWORD)
        clients[0].follow(user)
        began = time.monotonic()
        questions = iter(range(6))  # all different: equal ones would be asked once
        numbers = [
            (client, client.ask("ReqQryOrder", InstrumentID=f"rb260{next(questions)}"))
            for client in clients
            for _ in range(2)
        ]
        filled(clients[0], clients[0].order(market.instrument, market.high))
        assert account(clients[0], user)["queries_waiting"] >= 3
        for client, number in numbers:
            rows = client.rows(number)
            assert {row.error_id for row in rows} == {0}
        assert time.monotonic() - began > 4.0, "the front's pace"
        assert "return" not in sim.faults()["hits"]
        assert '"returned -' not in group.log("td_worker")


# -- bad input -------------------------------------------------------------------------------


def test_every_request_with_a_body_of_a_wrong_size_is_refused(td: TdLink) -> None:
    for method, request in td.catalogue.td.requests.items():
        if method in ("ReqAuthenticate", "ReqUserLogout"):
            continue  # answered here, from what the session knows
        size = td.catalogue.layouts[request.struct].size
        for body in (b"", bytes(size - 1), bytes(size + 1)):
            (row,) = td.call(method, body, session=td.handle)
            assert (row.name, row.error_id) == ("Error", BAD_REQUEST), method


def test_a_text_without_an_end_is_refused(td: TdLink) -> None:
    for method in ("ReqOrderInsert", "ReqQryOrder", "ReqUserLogin"):
        size = td.catalogue.layouts[td.catalogue.td.requests[method].struct].size
        (row,) = td.call(method, b"9" * size, session=td.handle)
        assert (row.name, row.error_id) == ("Error", BAD_REQUEST), method


def test_unknown_methods_are_refused(td: TdLink) -> None:
    for method in ("ReqNoSuch", "", "OnRtnOrder", "SubscribeMarketData", "ReqUserLoginWithout"):
        assert td.call(method, session=td.handle)[0].error_id == NOT_IMPLEMENTED, method


@pytest.mark.parametrize("name", ["", " 028742", "028742 "])
def test_a_login_without_a_clear_user_is_refused(td: TdLink, name: str) -> None:
    (row,) = td.try_login(name, PASSWORD)
    assert (row.name, row.error_id) == ("Error", BAD_REQUEST)


def test_a_flood_of_one_client_does_not_keep_another_one_waiting(
    group: Group, td: TdLink, link: Open
) -> None:
    flood = link()
    group.freeze("td_worker")
    try:
        numbers = [flood.send("NoSuch") for _ in range(20_000)]
        asked = td.send("State")
    finally:
        group.thaw("td_worker")
    began = time.monotonic()
    td.rows(asked)
    took = time.monotonic() - began
    flood.rows(numbers[-1])
    assert took < (time.monotonic() - began) / 2


# -- the worker itself -----------------------------------------------------------------------


def test_no_secret_is_written_anywhere(group: Group, td: TdLink) -> None:
    """Last of those on this group, so its log has seen refusals, faults and bad input."""
    places = {
        "log": group.log("td_worker"),
        "state": str(td.state_now()),
        "arguments": Path(f"/proc/{group.pid('td_worker')}/cmdline").read_text(),
    }
    for name, text in places.items():
        assert PASSWORD not in text, name
        assert AUTH_CODE not in text, name
    assert "Traceback" not in places["log"]


def test_a_front_that_comes_late_is_used_when_it_comes(tmp_path: Path) -> None:
    settings = {**FAST["td_worker"], "login_s": 1.0}
    with Group(tmp_path, overrides={**FAST, "td_worker": settings}) as group:
        group.start("td_worker")
        with TdLink(group) as td:
            asked = time.monotonic()
            (row,) = td.try_login(USERS[0], PASSWORD)
            assert 0.9 < time.monotonic() - asked < 8  # login_s, not the deadline of the call
            assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
            assert "disconnected" in row.detail
            td.state(front="disconnected", logged_in=False)
            td.state(front="unknown", accounts=[])
            group.start("sim")
            td.login(USERS[0], PASSWORD)
            td.state(front="connected", logged_in=True)


def test_a_killed_worker_comes_back_without_the_old_handles_and_with_the_orders(
    tmp_path: Path, market: Market
) -> None:
    user = USERS[0]
    with Group(tmp_path, overrides=FAST) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as td:
            td.login(user, PASSWORD)
            td.follow(user)
            trade = filled(td, td.order(market.instrument, market.high))[-1]
            handle, epoch = td.handle, td.state_now()["epoch"]
        group.restart("td_worker")
        with TdLink(group) as td:
            body = td.body("ReqQryOrder")
            assert td.call("ReqQryOrder", body, session=handle)[0].error_id == NOT_LOGGED_IN
            td.login(user, PASSWORD)
            assert td.state_now()["epoch"] == epoch + 1
            orders = td.request("ReqQryOrder")
            assert [row["OrderSysID"] for row in orders] == [trade["OrderSysID"]]
            assert [row["TradeID"] for row in td.request("ReqQryTrade")] == [trade["TradeID"]]
        assert group.stop("td_worker") == 0


def test_sigterm_ends_the_worker_also_with_a_frozen_front(tmp_path: Path) -> None:
    with Group(tmp_path, overrides=FAST) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as td:
            for user in USERS[:3]:
                td.login(user, PASSWORD)
        group.freeze("sim")
        assert group.stop("td_worker") == 0


# -- on the real binding ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Front:
    """One query at a time and five a second, as the API and its fronts have it."""
    return Front(tmp_path_factory.mktemp("front"), FLOW=1, QRY_FREQ=5, QRY_DELAY_MS=20)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, front: Front) -> Iterator[Group]:
    path = tmp_path_factory.mktemp("real")
    worker = {**FAST["td_worker"], "queries_per_s": 0}
    overrides = {"log_level": "DEBUG", "td_worker": worker}
    with Group(path, sim=False, front_env=front.env, overrides=overrides) as group:
        group.start("td_worker")
        yield group


@pytest.fixture
def real_td(real: Group, user: str) -> Iterator[TdLink]:
    with TdLink(real) as client:
        client.login(user, "good")
        client.follow(user)
        yield client


def arm(front: Front, *fault: Any, **named: Any) -> None:
    """Give a fault and wait until the front has it; it hits whoever asks next."""
    front.fault(*fault, **named)
    front.report("tdfront")


REAL = "rb2605"
RESTS = 1.0  # at this limit an order of that front is not filled


@pytest.mark.front
def test_the_whole_way_of_an_order_on_the_real_binding(real_td: TdLink, user: str) -> None:
    real_td.taken()
    returns = filled(real_td, real_td.order(REAL, 3000.0))
    assert [message.name for message in returns] == ["OnRtnOrder", "OnRtnOrder", "OnRtnTrade"]
    real_td.rows(real_td.order(REAL, RESTS), 1)
    order = real_td.next("OnRtnOrder", lambda m: m["OrderStatus"] == "3")
    real_td.ask("ReqOrderAction", **action(order))
    assert real_td.next("OnRtnOrder", lambda m: m["OrderStatus"] == "5")
    rows = real_td.request("ReqQryOrder")
    assert {row["UserID"] for row in rows} == {user}
    assert len(rows) == 2


@pytest.mark.front
def test_a_refusal_in_chinese_comes_through_the_real_binding(real_td: TdLink, front: Front) -> None:
    arm(front, "ReqOrderInsert", "error", number=31, text="CTP:资金不足")
    rows = real_td.rows(real_td.order(REAL, 3000.0))
    assert (rows[-1].error_id, rows[-1].error_text) == (31, "CTP:资金不足")
    assert real_td.next("OnErrRtnOrderInsert").error_text == "CTP:资金不足"


@pytest.mark.front
def test_nobody_sees_the_limits_of_the_real_binding_and_orders_do_not_wait(
    real: Group, real_td: TdLink, front: Front, user: str
) -> None:
    for number in (TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND):
        arm(front, "ReqQryTradingAccount", "return", number=number)
    for kind in ("error", "rsperror"):
        arm(front, "ReqQryTradingAccount", kind, number=90)
    worker_s = FAST["td_worker"]["query_s"]
    with TdLink(real) as other:
        other.login(user, "good")
        for number in [other.ask("ReqQryTrade") for _ in range(3)]:
            assert {row.error_id for row in other.rows(number)} == {0}
        first = real_td.ask("ReqQryTradingAccount", timeout_s=worker_s)
        filled(real_td, real_td.order(REAL, 3000.0))
        assert not real_td.answered(first)
        row = real_td.rows(first)[-1]
        # Four faults cost two seconds; the query's limit of 1.5 s is what may end it, nothing else.
        assert row.error_id in (0, NETWORK_FAILURE)
        assert "put off" in row.detail or not row.error_id
        # What is left of the faults must not meet the next test.
        real_td.wait_for(
            lambda: real_td.request("ReqQryTradingAccount")[-1].error_id == 0, "queries again"
        )


@pytest.mark.front
def test_a_lost_answer_blocks_the_real_binding_until_it_reconnects(
    real_td: TdLink, front: Front, user: str
) -> None:
    arm(front, "ReqQryTradingAccount", "lose")
    assert real_td.request("ReqQryTradingAccount")[-1].error_id == NETWORK_FAILURE
    real_td.wait_for(lambda: real_td.request("ReqQryOrder")[-1].error_id == 0, "queries")
    ready(real_td, user)


@pytest.mark.front
def test_the_replay_of_the_real_binding_is_not_published_again(
    real_td: TdLink, front: Front, user: str
) -> None:
    returns = filled(real_td, real_td.order(REAL, 3000.0))
    real_td.taken()
    front.disconnect(0.1)
    real_td.next("OnFrontDisconnected")
    ready(real_td, user)
    real_td.wait_for(lambda: account(real_td, user)["repeated"] >= len(returns), "replay")
    assert [m.name for m in real_td.taken() if m.name in RETURNS] == []
    assert real_td.request("ReqQryTradingAccount")[-1].error_id == 0


@pytest.mark.front
@pytest.mark.parametrize("kind", ["lose", "error", "rsperror", "return"])
def test_logins_that_fail_for_now_on_the_real_binding_are_repeated(
    real_td: TdLink, front: Front, kind: str
) -> None:
    accounts = len(real_td.state_now()["accounts"])
    before = asked_to_log_in(front)
    arm(front, "ReqUserLogin", kind, accounts, -1 if kind == "return" else 7)
    front.disconnect(0.01)
    real_td.wait_for(lambda: asked_to_log_in(front) - before >= 2 * accounts, "logins")
    real_td.state(logged_in=True)
    assert real_td.request("ReqQryTradingAccount")[-1].error_id == 0


def asked_to_log_in(front: Front) -> int:
    return sum(name == "ReqUserLogin" for name, _, _ in front.requests())


@pytest.mark.front
def test_what_a_bad_password_or_auth_code_brings_on_the_real_binding(
    real: Group, tmp_path: Path
) -> None:
    with TdLink(real) as client:
        for password, error in (("bad", 3), ("weak", 131), ("first", 140), ("expired", 141)):
            (row,) = client.try_login(next(_users), password)
            assert (row.name, row.error_id) == ("OnRspUserLogin", error)
    front = Front(tmp_path)
    overrides = {"td_worker": {**FAST["td_worker"], "auth_code": "bad"}}
    with Group(tmp_path, sim=False, front_env=front.env, overrides=overrides) as group:
        group.start("td_worker")
        with TdLink(group) as client:
            (row,) = client.try_login("u1", "good")
            assert (row.name, row.error_id) == ("OnRspAuthenticate", 63)
            assert row.error_text == "CTP:客户端认证失败"
        assert group.stop("td_worker") == 0


@pytest.mark.front
def test_returns_are_published_as_they_came_also_when_they_are_no_text(
    real_td: TdLink, front: Front
) -> None:
    size = real_td.catalogue.layouts["Order"].size
    raw = bytes(range(256)) * (size // 256) + bytes(size % 256)
    front.raise_callback("OnRtnOrder", raw)
    assert real_td.next("OnRtnOrder").field == raw
    front.raise_callback("OnRtnOrder", None)
    assert real_td.next("OnRtnOrder").field is None


@pytest.mark.front
def test_sigterm_on_the_real_binding(real: Group) -> None:
    """Last of those on this front."""
    assert "Traceback" not in real.log("td_worker")
    assert real.stop("td_worker") == 0
