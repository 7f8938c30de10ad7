"""The table of roles against the API, the verbs there are, and what it is for."""

from __future__ import annotations

import pytest

from bus import history
from bus.roles import ROLES, VERBS, may_call
from schemas import catalogue
from td_worker.verbs import NAMES as TD_VERBS

TD = catalogue.load().td.requests
OF_ACCOUNTS = {"State", "Attach", "Detach", "Returns", *TD_VERBS}
RECORDER = {"State", "Streams", "StartStream", "StopStream", *history.VERBS}
MD = {
    *("Snapshot", "Since", "State", "SubscribeMarketData", "UnSubscribeMarketData"),
    *("SubscribeForQuoteRsp", "UnSubscribeForQuoteRsp"),
}


def allowed(role: str, socket: str, methods: set[str]) -> set[str]:
    return {method for method in methods if may_call(role, socket, method)}


@pytest.mark.parametrize("role", ["edge", "client", "admin"])
def test_who_trades_may_make_every_request_of_the_api(role: str) -> None:
    assert allowed(role, "td_rpc", set(TD)) == set(TD)


def test_who_only_looks_may_make_no_request_that_changes_anything() -> None:
    may = allowed("viewer", "td_rpc", set(TD) | OF_ACCOUNTS)
    asks = {name for name, request in TD.items() if request.only_asks}
    logs_in = {name for name in TD if name.startswith("ReqUserLog")}
    own = {"State", "Detach", "Returns", "Mark", "QryOrderOutcome"}
    assert may == asks | logs_in | own


def test_without_a_password_only_edges_and_administration_enter() -> None:
    assert {role for role in ROLES if may_call(role, "td_rpc", "Attach")} == {"edge", "admin"}


def test_only_administration_starts_and_stops_what_is_recorded() -> None:
    for role in ROLES:
        switches = allowed(role, "rec_rpc", {"StartStream", "StopStream"})
        assert bool(switches) == (role == "admin"), role


@pytest.mark.parametrize("role", ["service", "md_worker", "td_worker", "login"])
def test_a_role_for_market_data_may_call_nothing_of_accounts_or_history(role: str) -> None:
    assert allowed(role, "td_rpc", set(TD) | OF_ACCOUNTS) == set()
    assert allowed(role, "rec_rpc", RECORDER) == set()


def test_the_recorder_only_heals() -> None:
    assert allowed("recorder", "td_rpc", set(TD) | OF_ACCOUNTS) == {"State", "Returns"}
    assert allowed("recorder", "md_rpc", MD) == {"Snapshot", "Since", "State"}


def test_every_verb_of_the_table_is_one_of_its_socket() -> None:
    known = {"md_rpc": MD | {"ReqUserLogin"}, "td_rpc": OF_ACCOUNTS | set(TD), "rec_rpc": RECORDER}
    for sockets in VERBS.values():
        for socket, verbs in sockets.items():
            assert {verb for verb in verbs if not verb.endswith("*")} <= known[socket]


def test_an_unknown_role_may_nothing_and_this_user_everything() -> None:
    assert not may_call("nobody", "td_rpc", "State")
    assert not may_call("edge", "login_pub", "State")
    assert may_call("", "td_rpc", "ReqOrderInsert")


def test_a_star_stands_for_the_end_of_a_name_only() -> None:
    assert may_call("viewer", "td_rpc", "ReqQryOrder")
    assert not may_call("viewer", "td_rpc", "ReqQr")
    assert not may_call("viewer", "td_rpc", "xReqQryOrder")
    assert not may_call("viewer", "td_rpc", "StateX")
