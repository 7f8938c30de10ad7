"""The change of a password that the front demands before it lets anybody in."""

from __future__ import annotations

import pytest

from bus.errors import Refused
from td_worker.login.states import State
from tests.unit.td_worker.fakes import CATALOGUE, Desk

STRANGER = (b"b", "Error", -401)


def refused(error: int = 141) -> Desk:
    desk = Desk()
    desk.client(b"a", "old")
    desk.connect()
    desk.answer()
    desk.answer(error=error)
    desk.replies.heard.clear()
    return desk


@pytest.mark.parametrize("error", [131, 140, 141])
def test_it_goes_over_the_same_connection_and_the_next_login_has_the_new_one(error: int) -> None:
    desk = refused(error)
    assert not desk.gate.unused, "the connection is needed"
    desk.change(b"b", "old", "new")
    name, raw, _ = desk.counter.asked[-1]
    assert name == "ReqUserPasswordUpdate"
    codec = CATALOGUE.codec("UserPasswordUpdate")
    assert codec.unpack(raw) == {
        "BrokerID": "9999", "UserID": "u1", "OldPassword": "old", "NewPassword": "new",
    }  # fmt: skip
    desk.answer()
    assert desk.replies.heard == [(b"b", "Sent", 0), (b"b", "OnRspUserPasswordUpdate", 0)]
    assert desk.gate.unused
    desk.client(b"a", "new")
    desk.log_in()
    assert desk.admitted == [b"a"]
    assert desk.counter.passwords() == ["old", "new"]


@pytest.mark.parametrize("error", [3, 4, 60, 75])
def test_after_other_refusals_it_is_not_possible(error: int) -> None:
    desk = refused(error)
    desk.change(b"b", "old", "new")
    assert desk.replies.heard == [STRANGER]
    assert desk.counter.names[-1] == "ReqUserLogin"


def test_who_does_not_know_the_old_one_changes_nothing_and_is_counted() -> None:
    desk = refused()
    desk.change(b"b", "wrong", "new")
    assert desk.replies.heard == [STRANGER]
    assert desk.wrongs.total == 1
    assert desk.counter.names[-1] == "ReqUserLogin"


def test_when_the_counter_refuses_the_new_one_another_may_be_tried() -> None:
    desk = refused()
    desk.change(b"b", "old", "old")
    desk.answer(error=142)
    desk.change(b"b", "old", "new")
    desk.answer()
    heard = [(name, error) for _, name, error in desk.replies.heard]
    assert heard == [
        ("Sent", 0), ("OnRspUserPasswordUpdate", 142), ("Sent", 0), ("OnRspUserPasswordUpdate", 0),
    ]  # fmt: skip


def test_it_ends_with_the_connection_and_what_became_of_it_is_not_known() -> None:
    desk = refused()
    desk.change(b"b", "old", "new")
    desk.disconnect()
    assert desk.replies.heard == [(b"b", "Sent", 0), (b"b", "Error", -1)]
    desk.connect()
    desk.change(b"b", "old", "new")
    assert desk.replies.heard[-1] == STRANGER


def test_another_login_ends_it() -> None:
    desk = refused()
    desk.client(b"c", "other")
    desk.answer()
    desk.change(b"b", "old", "new")
    assert desk.replies.heard == [STRANGER]


def test_a_change_without_an_answer_ends_at_its_deadline() -> None:
    desk = refused()
    desk.change(b"b", "old", "new", patience_s=5)
    with pytest.raises(Refused, match="under way"):
        desk.change(b"c", "old", "new")
    desk.later(6)
    assert desk.replies.heard[-1] == (b"b", "Error", -1)
    desk.later(300)
    assert desk.gate.unused
    assert desk.gate.state is State.REFUSED


def test_logins_of_others_wait_until_a_change_is_answered() -> None:
    """The next one would take away what it depends on: the session of the refused login."""
    desk = refused()
    desk.change(b"a", "old", "new")
    changed = len(desk.counter.asked) - 1
    desk.client(b"b", "guess")
    desk.later(0.2)
    assert desk.counter.names[-1] == "ReqUserPasswordUpdate"
    desk.answer(index=changed)
    assert desk.replies.heard[-1] == (b"a", "OnRspUserPasswordUpdate", 0)
    desk.later(0.2)
    assert desk.counter.names[-1] == "ReqAuthenticate", "now it is b's turn"
