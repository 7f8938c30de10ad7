"""An account that the worker logs in by itself, and those who come to it without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.errors import Refused
from bus.rpc import Call
from bus.secrets import Secret
from td_worker.login.attempts import Attempt
from td_worker.login.guard import Guard
from td_worker.login.states import State
from tests.unit.td_worker.fakes import Desk

STEPS = ["ReqAuthenticate", "ReqUserLogin", "ReqSettlementInfoConfirm"]
NOT_READY, WRONG = 7, 3


def kept(**options: object) -> Desk:
    desk = Desk(**options)  # type: ignore[arg-type]
    desk.gate.keep(Secret("own"), desk.now)
    return desk


def guest(desk: Desk, peer: bytes, patience_s: float = 8.0, early: bool = False) -> None:
    call = Call(1, "Attach", 0)
    attempt = Attempt(peer, call, Secret(""), desk.now + patience_s, "", "name", early)
    desk.gate.attach_trusted(attempt, desk.now)


def test_it_is_logged_in_without_anybody_and_again_after_a_loss() -> None:
    desk = kept()
    desk.connect()
    desk.log_in()
    assert desk.gate.state is State.READY
    desk.disconnect()
    desk.connect()
    desk.log_in()
    assert desk.counter.names == STEPS * 2
    assert desk.counter.passwords() == ["own", "own"]
    assert desk.admitted == []


def test_it_is_never_given_up_for_want_of_clients() -> None:
    desk = kept()
    assert desk.gate.wanted
    assert not desk.gate.unused


def test_who_only_cancels_gets_in_as_soon_as_the_orders_are_looked_for() -> None:
    desk = kept(recovers=False)
    guest(desk, b"orders")
    guest(desk, b"before", early=True)
    desk.connect()
    assert desk.admitted == []
    desk.log_in()
    assert desk.gate.state is State.RECOVERING
    guest(desk, b"during", early=True)
    assert desk.admitted == [b"before", b"during"]
    desk.gate.recovered(desk.now)
    assert desk.admitted == [b"before", b"during", b"orders"]


def test_who_comes_early_waits_for_the_session_and_who_comes_late_does_not() -> None:
    desk = kept()
    guest(desk, b"early")
    desk.connect()
    assert desk.admitted == []
    desk.log_in()
    guest(desk, b"late")
    assert desk.admitted == [b"early", b"late"]


def test_who_has_waited_for_too_long_is_told_so() -> None:
    desk = kept()
    guest(desk, b"a", patience_s=3)
    desk.later(4)
    assert desk.replies.heard == [(b"a", "Error", -1)]
    desk.connect()
    desk.log_in()
    assert desk.admitted == []


def test_a_refusal_for_now_is_followed_by_another_login() -> None:
    desk = kept()
    guest(desk, b"a", patience_s=60)
    desk.connect()
    desk.answer()
    desk.answer(NOT_READY)
    assert (desk.gate.state, desk.replies.heard) == (State.REFUSED, [])
    desk.later(11)
    desk.log_in()
    assert desk.admitted == [b"a"]


def test_a_refusal_for_good_is_told_and_never_followed_by_another_login() -> None:
    desk = kept()
    guest(desk, b"a")
    desk.connect()
    desk.answer()
    desk.answer(WRONG)
    assert desk.replies.heard == [(b"a", "OnRspUserLogin", WRONG)]
    asked = len(desk.counter.asked)
    desk.later(1000)
    desk.disconnect()
    desk.connect()
    desk.later(1000)
    assert len(desk.counter.asked) == asked
    assert not desk.gate.unused, "the state must go on telling of it"
    with pytest.raises(Refused, match="is not repeated"):
        guest(desk, b"b")


def test_a_client_with_the_right_password_still_gets_in_and_opens_it_for_all() -> None:
    desk = kept()
    desk.connect()
    desk.answer()
    desk.answer(WRONG)
    desk.client(b"c", "changed")
    desk.log_in()
    guest(desk, b"g")
    assert desk.admitted == [b"c", b"g"]


def test_clients_log_in_with_the_password_as_ever() -> None:
    desk = kept()
    desk.connect()
    desk.client(b"wrong", "no")
    desk.client(b"right", "own")
    desk.log_in()
    assert desk.counter.passwords() == ["own"]
    assert desk.admitted == [b"right"]
    assert desk.replies.heard == [(b"wrong", "OnRspUserLogin", WRONG)]


def test_a_password_that_the_front_has_refused_before_is_not_sent_to_it(tmp_path: Path) -> None:
    guard = Guard(tmp_path / "guard.json", "x", 100, None)
    guard.refused(Secret("own"), WRONG, 0)
    desk = kept(guard=guard)
    desk.connect()
    desk.later(100)
    assert desk.counter.asked == []
    with pytest.raises(Refused):
        guest(desk, b"a")


def test_a_password_that_was_changed_here_is_the_one_that_counts() -> None:
    desk = kept()
    desk.connect()
    desk.log_in()
    desk.gate.new_password(Secret("new"))
    desk.disconnect()
    desk.connect()
    desk.log_in()
    assert desk.counter.passwords() == ["own", "new"]
