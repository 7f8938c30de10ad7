"""The login side of td_worker as a process, on the embedded exchange: whose account it is, what
keeps it from being locked, when a session begins and ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from bus.frames import account_topic
from bus.orders import KillSwitch
from schemas.errors import NETWORK_FAILURE, NOT_LOGGED_IN
from sim.control import SimControl
from tests.chaos.races import races
from tests.support.buslink import Reply, TdLink
from tests.support.group import CHECKOUT, Group

PASSWORD = "td-geheim-4711"
USERS = [f"3{number:05}" for number in range(40)]
FAST: dict[str, Any] = {
    "sim": {
        "queries_per_second": 0,
        "lock_after_failures": 6,
        "lock_s": 3600.0,
        "users": [{"user_id": user, "password": PASSWORD} for user in USERS],
    },
    "td_worker": {
        "login_s": 6.0,
        "step_s": 0.5,
        "retry_s": 0.2,
        "wrong_s": 0.05,
        "queries_per_s": 1000,
        "gone_s": 0.5,
    },
}
_users = iter(USERS)


def with_keys(folder: Path, **keys: Any) -> Group:
    return Group(folder, overrides={**FAST, "td_worker": {**FAST["td_worker"], **keys}})


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with with_keys(tmp_path_factory.mktemp("login")) as group:
        group.start("sim", "td_worker")
        yield group


@pytest.fixture
def sim(group: Group) -> Iterator[SimControl]:
    with control(group) as sim:
        yield sim
        sim.clear()


@pytest.fixture
def user() -> str:
    return next(_users)


def control(group: Group) -> SimControl:
    return SimControl(group.config["sim"]["listen"])


def logins(sim: SimControl) -> int:
    return sim.tally().get("ReqUserLogin", 0)


def accounts(client: TdLink, user: str) -> list[dict[str, Any]]:
    return [account for account in client.state_now()["accounts"] if account["user"] == user]


def at_counter(sim: SimControl, user: str) -> int:
    return sum(session["user"] == user for session in sim.sessions())


# -- wrong passwords -------------------------------------------------------------------------


def test_no_guessing_locks_the_account_and_the_right_password_is_let_in_afterwards(
    group: Group, sim: SimControl, user: str
) -> None:
    """The exchange locks after six in a row."""
    before = logins(sim)
    answers = []
    for number in range(12):
        with TdLink(group) as client:
            (row,) = client.try_login(user, f"wrong-{number % 8}")
            answers.append(row.error_id)
    assert answers[:3] == [3, 3, 3]
    assert set(answers[3:]) == {NETWORK_FAILURE, 3}
    assert logins(sim) - before == 3
    with TdLink(group) as client:
        (row,) = client.try_login(user, PASSWORD)
        assert "too many wrong passwords" in row.detail, "it was never accepted before"
        assert client.state_now()["wrong_passwords"] >= 4


def test_who_was_in_before_is_not_kept_out_by_wrong_passwords_of_others(
    group: Group, sim: SimControl, user: str
) -> None:
    with TdLink(group) as client:
        client.login(user, PASSWORD)
    group.restart("td_worker")
    before = logins(sim)
    for number in range(5):
        with TdLink(group) as client:
            assert client.try_login(user, f"wrong-{number}")[0].error_id in (3, NETWORK_FAILURE)
    assert logins(sim) - before == 3
    with TdLink(group) as client:
        client.login(user, PASSWORD)


def test_a_known_wrong_password_stays_known_over_a_restart(
    group: Group, sim: SimControl, user: str
) -> None:
    for _ in range(2):
        before = logins(sim)
        with TdLink(group) as client:
            assert client.try_login(user, "wrong")[0].error_id == 3
        group.restart("td_worker")
    assert logins(sim) == before


def test_wrong_passwords_slow_their_sender_and_nobody_else(group: Group, user: str) -> None:
    with TdLink(group) as client, TdLink(group) as other:
        client.login(user, PASSWORD)
        pauses = []
        for _ in range(4):
            began = time.monotonic()
            assert client.try_login(user, "wrong")[0].error_id == 3
            pauses.append(time.monotonic() - began)
        assert all(pause >= 0.05 * 2**n for n, pause in enumerate(pauses)), pauses
        body = client.body("ReqUserLogin", UserID=user, Password="wrong")
        slowed = client.send("ReqUserLogin", body)
        (row,) = client.try_login(user, PASSWORD)
        assert "nothing is tried for" in row.detail
        other.login(user, PASSWORD)
        assert not client.answered(slowed)


def test_after_a_lock_nobody_reaches_the_front_not_even_after_a_restart(
    group: Group, sim: SimControl, user: str
) -> None:
    sim.error("ReqUserLogin", 75)
    with TdLink(group) as client:
        assert client.try_login(user, PASSWORD)[0].error_id == 75
    before = logins(sim)
    for _ in range(2):
        with TdLink(group) as client:
            (row,) = client.try_login(user, PASSWORD)
        assert (row.name, row.error_id) == ("Error", 75)
        assert "no login is tried for another" in row.detail
        group.restart("td_worker")
    assert logins(sim) == before


def test_the_returns_of_an_account_never_repeat_a_seq(group: Group, user: str) -> None:
    """Whoever follows it already has heard the front connect for the login that failed."""
    with TdLink(group) as client:
        client.subscribe(account_topic("9999", user))
        client.try_login(user, "wrong")
        client.wait_for(lambda: not accounts(client, user), "end of the session")
        client.login(user, PASSWORD)
        heard: list[int] = []

        def three() -> bool:
            heard.extend(message.seq for message in client.taken())
            return len(heard) >= 3

        client.wait_for(three, "returns")
        client.pump(0.3)
        heard += [message.seq for message in client.taken()]
        assert heard == sorted(set(heard))


# -- a password that must be changed ---------------------------------------------------------


@pytest.mark.parametrize("error", [131, 140, 141])
def test_an_expired_password_is_changed_without_a_handle(
    group: Group, sim: SimControl, user: str, error: int
) -> None:
    sim.expire_password(user=user, error_id=error)
    with TdLink(group) as client, TdLink(group) as stranger:
        assert client.try_login(user, PASSWORD)[0].error_id == error
        change = {"UserID": user, "NewPassword": "neu-" + PASSWORD}
        client.handle = stranger.handle = b""
        for wrong in ("", "wrong"):
            (row,) = stranger.request("ReqUserPasswordUpdate", **change, OldPassword=wrong)
            assert row.error_id == NOT_LOGGED_IN
            time.sleep(0.2)
        rows = client.request("ReqUserPasswordUpdate", **change, OldPassword=PASSWORD)
        assert [(row.name, row.error_id) for row in rows] == [
            ("Sent", 0), ("OnRspUserPasswordUpdate", 0),
        ]  # fmt: skip
        client.login(user, "neu-" + PASSWORD)
        for method in ("ReqTradingAccountPasswordUpdate", "ReqQryOrder"):
            client.handle = b""
            assert client.request(method)[0].error_id == NOT_LOGGED_IN


# -- the settlement --------------------------------------------------------------------------


def test_with_the_policy_ask_orders_wait_until_a_client_confirms(tmp_path: Path) -> None:
    with with_keys(tmp_path, settlement="ask") as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as client, TdLink(group) as other:
            client.login(user, PASSWORD)
            other.login(user, PASSWORD)
            assert "ReqSettlementInfoConfirm" not in sim.tally()
            (refusal,) = client.rows(client.order("rb2610", 3000.0))
            assert (refusal.error_id, refusal.error_text) == (42, "CTP:结算结果未确认")
            assert client.request("ReqQrySettlementInfo")[0]["Content"]
            assert client.request("ReqQrySettlementInfoConfirm")[-1].field is None
            rows = other.request("ReqSettlementInfoConfirm", BrokerID="9999", InvestorID=user)
            assert rows[-1].error_id == 0
            (sent, *_) = client.rows(client.order("rb2610", 3000.0), 1)
            assert sent.name == "Sent"
        group.restart("td_worker")
        with TdLink(group) as client:
            client.login(user, PASSWORD)
            (sent, *_) = client.rows(client.order("rb2610", 3000.0), 1)
            assert sent.name == "Sent", "it was confirmed today"


# -- when a session at the counter begins and ends -------------------------------------------


def test_a_session_without_clients_ends_when_it_should(tmp_path: Path) -> None:
    with with_keys(tmp_path, front_session="linger", linger_s=2.0) as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as watcher:
            with TdLink(group) as client:
                client.login(user, PASSWORD)
                client.request("ReqUserLogout", UserID=user)
                client.login(user, PASSWORD)
                time.sleep(2.2)
                assert sim.tally().get("ReqUserLogout", 0) == 0, "somebody came back in time"
            watcher.wait_for(lambda: not accounts(watcher, user), "end of the session")
            assert sim.tally()["ReqUserLogout"] == 1
            watcher.wait_for(lambda: not at_counter(sim, user), "logout")
            watcher.login(user, PASSWORD)


def test_a_session_stays_while_the_outcome_of_an_order_is_unknown(tmp_path: Path) -> None:
    keys = {"front_session": "with_last_client", "answer_s": 0.3, "unsent_s": 0}
    with with_keys(tmp_path, **keys) as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as client:
            client.login(user, PASSWORD)
            sim.lose("ReqOrderInsert")
            rows = client.rows(client.order("rb2610", 3000.0), 2)
            assert rows[-1].own["state"] == "UNKNOWN"
            client.request("ReqUserLogout", UserID=user)
            time.sleep(1.0)
            assert at_counter(sim, user) == 1
            sim.disconnect(side="td", user=user)  # the order has not survived that, if it was there
            client.wait_for(lambda: not accounts(client, user), "end of the session")
            client.wait_for(lambda: not at_counter(sim, user), "logout")


def test_a_session_stays_until_the_kill_switch_has_cancelled_everything(tmp_path: Path) -> None:
    """It was set while the front was away, by a client that left."""
    with with_keys(tmp_path, front_session="with_last_client") as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as client:
            client.login(user, PASSWORD)
            row = client.request("ReqQryInstrument", ProductID="rb")[0]
            name = str(row["InstrumentID"])
            (quote,) = client.request("ReqQryDepthMarketData", InstrumentID=name)
            low = quote["LowerLimitPrice"]
            assert isinstance(low, float)
            order_id = client.rows(client.order(name, low), 1)[0].own["order_id"]
            client.wait_outcome("ACK", order_id=order_id)
            sim.refuse(1.5)
            sim.disconnect(side="td", user=user)
            client.wait_for(lambda: accounts(client, user)[0]["state"] != "ready", "disconnect")
            switch = msgspec.msgpack.encode(KillSwitch(on=True, cancel_all=True))
            client.call("SetKillSwitch", switch, session=client.handle)
            client.request("ReqUserLogout", UserID=user)
            client.wait_for(lambda: not accounts(client, user), "end of the session")
            assert sim.tally().get("ReqOrderAction", 0) == 1


def test_each_client_may_have_a_session_of_his_own(tmp_path: Path) -> None:
    with with_keys(tmp_path, sessions="exclusive", max_accounts=3) as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as third:
            first, second = TdLink(group), TdLink(group)
            topics = []
            for client in (first, second):
                rows = client.try_login(user, PASSWORD)
                topics.append(rows[0].own["topic"])
            assert topics == [account_topic("9999", user, 1), account_topic("9999", user, 2)]
            assert at_counter(sim, user) == 2
            assert [account["slot"] for account in accounts(third, user)] == [1, 2]
            second.subscribe(topics[1])
            second.wait_for(lambda: _hears(second), "returns")
            number = first.order("rb2610", 3000.0)
            assert first.rows(number, 1)[0].name == "Sent"
            first.close()
            third.wait_for(lambda: at_counter(sim, user) == 1, "end of the first session")
            third.try_login(user, PASSWORD)
            slots = {account["slot"] for account in accounts(third, user)}
            assert slots in ({1, 2}, {2, 3}), "slot 1 may still be on its way out"
            second.close()


def test_an_id_counts_in_every_session_of_an_account(tmp_path: Path) -> None:
    """Who comes back may be given another slot."""
    with with_keys(tmp_path, sessions="exclusive") as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, ExitStack() as links:
            first, second, third = (links.enter_context(TdLink(group)) for _ in range(3))
            for client in (first, second):
                client.try_login(user, PASSWORD)
            body = second.order_body("rb2610", 3000.0)

            def order(client: TdLink) -> Reply:
                number = client.send(
                    "ReqOrderInsert", body, session=client.handle, client_order_id="mine"
                )
                return client.rows(number, 1)[0]

            (sent, again) = order(second).own, order(first).own
            assert (sent["duplicate"], again["duplicate"]) == (False, True)
            assert again["order_id"] == sent["order_id"]
            other = first.rows(first.order("rb2610", 3000.0), 1)[0].own["order_id"]
            assert other != sent["order_id"]
            second.close()
            third.wait_for(lambda: at_counter(sim, user) == 1, "end of the second session")
            assert first.outcome(client_order_id="mine").own["order_id"] == sent["order_id"]
            assert first.outcome(order_id=sent["order_id"]).own["client_order_id"] == "mine"


def test_guesses_at_the_same_time_do_not_lock_the_account(tmp_path: Path) -> None:
    """Each login has a session of its own, and the exchange locks after six in a row."""
    with with_keys(tmp_path, sessions="exclusive") as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim:
            with TdLink(group) as client:
                client.login(user, PASSWORD)
            guessing = [TdLink(group) for _ in range(12)]
            before = logins(sim)
            for number, client in enumerate(guessing):
                body = client.body("ReqUserLogin", UserID=user, Password=f"wrong-{number}")
                client.send("ReqUserLogin", body)
            with TdLink(group) as watcher:
                watcher.wait_for(lambda: logins(sim) - before >= 3, "guesses")
                time.sleep(1.0)
                watcher.wait_for(lambda: not accounts(watcher, user), "end of the guesses")
            assert logins(sim) - before == 3
            for client in guessing:
                client.close()
            with TdLink(group) as client:
                client.login(user, PASSWORD)


@pytest.mark.parametrize("by_client", [True, False])
def test_a_new_password_does_not_make_old_sessions_lock_the_account(
    tmp_path: Path, by_client: bool
) -> None:
    """They all log in again after a reconnect: with the new one, or if it was changed elsewhere
    not more than one of them with the old one."""
    with with_keys(tmp_path, sessions="exclusive") as group:
        group.start("sim", "td_worker")
        user, new = USERS[0], "neu-" + PASSWORD
        with control(group) as sim, TdLink(group) as client:
            clients = [TdLink(group) for _ in range(8)]
            for each in clients:
                each.login(user, PASSWORD)
            if by_client:
                change = {"UserID": user, "OldPassword": PASSWORD, "NewPassword": new}
                assert clients[0].request("ReqUserPasswordUpdate", **change)[-1].error_id == 0
            else:
                sim.error("ReqUserLogin", 3, times=0)
            before = logins(sim)
            sim.disconnect(side="td", user=user)
            wanted = 8 if by_client else 1
            client.wait_for(lambda: logins(sim) - before >= wanted, "logins")
            time.sleep(1.0)
            assert logins(sim) - before == wanted
            for each in clients:
                each.close()


def _hears(client: TdLink) -> bool:
    client.call("Mark", session=client.handle)
    client.pump(0.05)
    return any(message.name == "Mark" for message in client.taken())


# -- fronts and days -------------------------------------------------------------------------


def test_the_second_front_is_used_when_the_first_is_away(tmp_path: Path) -> None:
    with with_keys(tmp_path) as group:
        away = f"sim://{tmp_path}/nobody.sock"
        group.config["td_worker"]["front"] = [away, group.config["td_worker"]["front"]]
        group.config_file.write_text(yaml.safe_dump(group.config), "utf-8")
        group.start("sim", "td_worker")
        with TdLink(group) as client:
            client.login(USERS[0], PASSWORD)


def test_an_api_object_of_the_wrong_day_is_made_anew_once(tmp_path: Path) -> None:
    """The worker expects a day that the counter does not have."""
    (tmp_path / "sitecustomize.py").write_text(
        "import td_worker.connection\n"
        "td_worker.connection.expected_day = lambda unix_s: '20200101'\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    with Group(tmp_path, overrides=FAST, front_env=environment) as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as client:
            answer = client.login(user, PASSWORD)
            assert logins(sim) == 2
            (flow,) = (group.data / "td_worker" / "accounts").glob("*/flow/*")
            assert flow.name == answer["TradingDay"]
            sim.disconnect(side="td", user=user)
            client.wait_for(lambda: logins(sim) == 3, "login")
            time.sleep(0.5)
            assert logins(sim) == 3


NO_PLACE_AT_FIRST = """import td_worker.connection as c
from td_worker.flows import FlowError
c.expected_day = lambda unix_s: "20200101"
prepare, failures = c.Flows.prepare, ["the day has changed and the disk is full"]
def fails(self, day):
    if day != "20200101" and failures:
        raise FlowError(failures.pop())
    return prepare(self, day)
c.Flows.prepare = fails
"""


def test_an_api_object_that_cannot_be_made_for_the_new_day_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_PLACE_AT_FIRST)
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    with Group(tmp_path, overrides=FAST, front_env=environment) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as client:
            (row,) = client.try_login(USERS[0], PASSWORD)
            assert "disk is full" in row.detail
            client.wait_for(lambda: accounts(client, USERS[0])[0]["state"] == "ready", "session")
            client.login(USERS[0], PASSWORD)


def test_the_next_trading_day_is_logged_in_to_without_anybody_asking(tmp_path: Path) -> None:
    """The front is not ready at once (7, 8), as after a break."""
    with with_keys(tmp_path) as group:
        group.start("sim", "td_worker")
        user = USERS[0]
        with control(group) as sim, TdLink(group) as client:
            day = str(client.login(user, PASSWORD)["TradingDay"])
            client.follow(user)
            sim.error("ReqUserLogin", 7, times=2)
            sim.error("ReqUserLogin", 8, times=1)
            sim.end_day()
            client.next("OnFrontDisconnected")
            client.wait_for(lambda: accounts(client, user)[0]["state"] == "ready", "login")
            assert client.request("ReqQryTradingAccount")[-1].error_id == 0
            with TdLink(group) as other:
                assert str(other.login(user, PASSWORD)["TradingDay"]) > day
            (flow,) = (group.data / "td_worker" / "accounts").glob("*/flow/*")
            assert flow.name > day, "the API object is that of the new day"
            sent = client.rows(client.order("rb2610", 3000.0), 1)[0]
            assert sent.name == "Sent"


def test_a_flow_folder_that_cannot_be_is_told_to_the_client(tmp_path: Path) -> None:
    with with_keys(tmp_path, users=[USERS[0]]) as group:
        group.start("sim", "td_worker")
        (folder,) = (group.data / "td_worker" / "accounts").glob("????????????????????????")
        (folder / "flow").write_text("")
        with TdLink(group) as client:
            (row,) = client.try_login(USERS[0], PASSWORD)
            assert "cannot be written" in row.detail
            (folder / "flow").unlink()
            client.wait_for(lambda: not accounts(client, USERS[0]), "end of the session")
            client.login(USERS[0], PASSWORD)
            (row,) = client.try_login(USERS[1], PASSWORD)
            assert row.detail == "this td_worker does not serve the account"


# -- one owner -------------------------------------------------------------------------------


def test_an_account_has_one_worker(tmp_path: Path) -> None:
    """Two workers on one exchange that share the folder of accounts."""
    shared = str(tmp_path / "accounts")
    user = USERS[0]
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    with with_keys(folders[0], accounts_folder=shared) as one:
        one.start("sim", "td_worker")
        front = f"sim://{one.config['sim']['listen']}"
        keys = {"accounts_folder": shared, "front": front}
        with with_keys(folders[1], **keys) as two, TdLink(one) as client, control(one) as sim:
            client.login(user, PASSWORD)
            two.start("td_worker")
            before = logins(sim)
            with TdLink(two) as other:
                (row,) = other.try_login(user, PASSWORD)
                assert row.detail == "another td_worker holds the account"
                other.login(USERS[1], PASSWORD)
            assert logins(sim) == before + 1
            with with_keys(folders[2], **keys, users=[USERS[2], user]) as three:
                with pytest.raises(AssertionError, match="ended with 75"):
                    three.start("td_worker")
                assert "held by another process" in three.log("td_worker")
            one.kill("td_worker")
            with TdLink(two) as other:
                other.login(user, PASSWORD)


def test_of_two_workers_that_start_at_once_one_owns_the_account() -> None:
    """tests/chaos/races.py has no limit."""
    assert races(20) == {1: 20}


def test_without_the_lock_both_would_own_it() -> None:
    assert races(2, without_lock=True) == {2: 2}


def test_made_up_names_leave_no_folders(group: Group) -> None:
    with TdLink(group) as client:
        root = group.data / "td_worker" / "accounts"
        before = set(root.iterdir())
        with control(group) as sim:
            sim.lose("ReqUserLogin", times=0)
            for number in range(5):
                client.try_login(f"made-up-{number}", "x", timeout_s=0.2)
            client.wait_for(lambda: set(root.iterdir()) == before, "end of the folders")
            sim.clear()


def test_no_password_is_in_a_log_or_a_file(group: Group) -> None:
    """Last of those on this group."""
    assert "geheim" not in group.log("td_worker")
    for path in group.data.rglob("*"):
        assert not path.is_file() or b"geheim" not in path.read_bytes(), path
