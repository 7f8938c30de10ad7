"""The login of an account, step by step, with a counter that does what it must not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import Refused
from td_worker.login.states import State
from tests.unit.td_worker.fakes import CONFIG, Desk

STEPS = ["ReqAuthenticate", "ReqUserLogin", "ReqSettlementInfoConfirm"]


def ready(*clients: bytes) -> Desk:
    desk = Desk()
    for client in clients or (b"a",):
        desk.client(client)
    desk.connect()
    desk.log_in()
    return desk


def test_the_steps_in_their_order() -> None:
    desk = ready()
    assert desk.counter.names == STEPS
    assert desk.admitted == [b"a"]
    assert desk.gate.state is State.READY


def test_the_session_hears_of_the_login_before_anything_that_follows_it() -> None:
    """The replay does not wait for the confirmation."""
    desk = Desk()
    desk.client(b"a")
    desk.connect()
    desk.answer()
    assert desk.notes == []
    desk.answer()
    assert desk.notes == ["login"]
    desk.answer()
    assert desk.notes == ["login", "ready"]


def test_nothing_is_asked_until_somebody_wants_to_log_in() -> None:
    desk = Desk()
    desk.connect()
    desk.later(100)
    assert desk.counter.asked == []
    desk.client(b"a")
    assert desk.counter.names == ["ReqAuthenticate"]


def test_without_an_app_id_there_is_no_authentication() -> None:
    desk = Desk(config=type(CONFIG)(front="tcp://x", broker_id="9999"))
    desk.client(b"a")
    desk.connect()
    assert desk.counter.names == ["ReqUserLogin"]


def test_after_a_reconnect_the_accepted_password_is_used_and_nobody_is_answered_twice() -> None:
    desk = ready()
    desk.disconnect()
    desk.connect()
    desk.log_in()
    assert desk.gate.state is State.READY
    assert desk.counter.names == STEPS * 2
    assert desk.admitted == [b"a"]


@pytest.mark.parametrize("event", ["connected", "asked", "later"])
def test_a_wrong_password_never_reaches_the_front_once_one_was_accepted(event: str) -> None:
    desk = ready()
    desk.disconnect()
    if event != "later":
        desk.client(b"wrong", "wrong")
    desk.connect()
    if event == "asked":
        desk.client(b"wrong", "wrong")
    desk.log_in()
    desk.client(b"wrong", "wrong")
    assert set(desk.counter.passwords()) == {"right"}
    assert (b"wrong", "OnRspUserLogin", 3) in desk.replies.heard
    assert desk.gate.state is State.READY


def test_a_slow_answer_counts_although_the_step_was_repeated() -> None:
    desk = Desk()
    desk.client(b"a", patience_s=100)
    desk.connect()
    desk.later(6)
    assert desk.counter.names == ["ReqAuthenticate", "ReqAuthenticate"]
    assert desk.answer(index=0)
    assert desk.gate.state is State.AUTHENTICATED


def test_a_login_without_an_answer_is_followed_by_a_logout_and_a_new_login() -> None:
    desk = Desk()
    desk.client(b"a", patience_s=100)
    desk.connect()
    desk.answer()
    desk.later(6)
    assert desk.counter.names[-1] == "ReqUserLogout"
    desk.answer()
    assert desk.counter.names[-1] == "ReqAuthenticate", "that front did not hang up"
    desk.log_in()
    assert desk.admitted == [b"a"]


def test_a_session_that_is_renewed_takes_nothing_until_it_is_ready_again() -> None:
    desk = ready()
    desk.gate.renew(desk.now)
    assert (desk.counter.names[-1], desk.gate.state) == ("ReqUserLogout", State.LEAVING)
    desk.client(b"b")
    assert desk.admitted == [b"a"]
    desk.later(6)
    assert desk.counter.names[-2:] == ["ReqUserLogout"] * 2, "the first one got no answer"
    desk.answer()
    assert desk.counter.names[-1] == "ReqAuthenticate", "that front did not hang up"
    desk.log_in()
    assert desk.notes == ["login", "ready", "logout", "login", "ready"]
    assert desk.admitted == [b"a", b"b"]


def recovering() -> Desk:
    desk = Desk(recovers=False)
    desk.client(b"a")
    desk.connect()
    desk.log_in()
    assert (desk.gate.state, desk.notes) == (State.RECOVERING, ["login", "recovering"])
    return desk


def test_clients_are_let_in_when_it_is_known_what_became_of_the_orders() -> None:
    desk = recovering()
    desk.client(b"b")
    desk.client(b"wrong", "wrong")
    assert desk.replies.heard == [(b"wrong", "OnRspUserLogin", 3)]
    assert desk.admitted == []
    desk.gate.recovered(desk.now)
    assert (desk.gate.state, desk.admitted) == (State.READY, [b"a", b"b"])
    desk.gate.recovered(desk.now)
    assert desk.notes == ["login", "recovering", "ready"]
    assert desk.counter.names == STEPS


def test_a_client_hears_in_time_that_the_orders_are_not_known_yet() -> None:
    desk = recovering()
    desk.later(9)
    assert desk.replies.heard == [(b"a", "Error", -1)]
    assert desk.counter.names == STEPS


@pytest.mark.parametrize("end", ["disconnect", "renew"])
def test_a_recovery_that_the_front_interrupts_begins_anew(end: str) -> None:
    desk = recovering()
    if end == "disconnect":
        desk.disconnect()
        desk.gate.recovered(desk.now)
        assert desk.gate.state.value == "disconnected"
        desk.connect()
    else:
        desk.gate.renew(desk.now)
        desk.gate.recovered(desk.now)
        assert desk.gate.state.value == "logging out"
        desk.answer()
    desk.log_in()
    assert desk.gate.state is State.RECOVERING
    desk.gate.recovered(desk.now)
    assert desk.admitted == [b"a"]


def test_the_patience_grows_while_the_front_does_not_answer() -> None:
    desk = Desk()
    desk.client(b"a", patience_s=1000)
    desk.connect()
    counts = []
    for _ in range(200):
        desk.later(1)
        counts.append(len(desk.counter.asked))
    assert counts[-1] <= 8
    assert counts[5] == 2


def test_error_5_means_that_the_first_login_is_still_under_way() -> None:
    desk = Desk()
    desk.client(b"a")
    desk.connect()
    desk.answer()
    assert desk.answer(error=5)
    assert desk.gate.state is State.AUTHENTICATED
    assert desk.replies.heard == []
    desk.answer()
    desk.answer()
    assert desk.admitted == [b"a"]


def test_an_answer_counts_for_the_password_that_was_sent() -> None:
    """The first client has given up; the second one's password is another and was never tried."""
    desk = Desk()
    desk.client(b"first", "right", patience_s=1)
    desk.connect()
    desk.answer()
    desk.client(b"second", "wrong", patience_s=100)
    desk.later(2)
    assert desk.replies.heard == [(b"first", "Error", -1)]
    desk.answer()
    desk.answer()
    assert desk.gate.state is State.READY
    assert desk.admitted == []
    assert desk.replies.heard[-1] == (b"second", "OnRspUserLogin", 3)
    desk.client(b"third", "right")
    assert desk.admitted == [b"third"]


def test_who_gave_up_is_not_tried_for_ever() -> None:
    desk = Desk()
    desk.client(b"a", patience_s=1)
    desk.connect()
    for _ in range(100):
        desk.later(10)
    assert desk.counter.names == ["ReqAuthenticate"]


@pytest.mark.parametrize("error", [3, 63, 75, 143, 144, 9999])
def test_after_a_refusal_for_good_nothing_is_repeated_by_itself(error: int) -> None:
    desk = ready()
    desk.disconnect()
    desk.connect()
    desk.answer()
    desk.answer(error=error)
    assert desk.notes == ["login", "ready", f"lost {error}"]
    asked = len(desk.counter.asked)
    desk.later(1000)
    desk.disconnect()
    desk.connect()
    desk.later(1000)
    assert len(desk.counter.asked) == asked
    desk.client(b"b", "new")
    desk.log_in()
    assert desk.admitted == [b"a", b"b"]


@pytest.mark.parametrize("error", [7, 8, 90])
def test_a_refusal_for_now_is_repeated_with_growing_pauses(error: int) -> None:
    desk = ready()
    desk.disconnect()
    desk.connect()
    pauses = []
    for _ in range(5):
        desk.answer()
        desk.answer(error=error)
        began, asked = desk.now, len(desk.counter.asked)
        while len(desk.counter.asked) == asked:
            desk.later(1)
        pauses.append(desk.now - began)
    assert pauses == [10, 20, 40, 60, 60]
    assert desk.notes == ["login", "ready"]
    desk.log_in()
    assert desk.gate.state is State.READY


def test_a_first_login_hears_a_refusal_for_now_and_is_not_repeated() -> None:
    desk = Desk()
    desk.client(b"a")
    desk.connect()
    desk.answer()
    desk.answer(error=7)
    assert desk.replies.heard == [(b"a", "OnRspUserLogin", 7)]
    desk.later(1000)
    assert desk.counter.passwords() == ["right"]


def test_clients_with_different_passwords_are_tried_one_after_the_other() -> None:
    desk = Desk()
    for client, password in ((b"a", "w1"), (b"b", "w1"), (b"c", "w2"), (b"d", "right")):
        desk.client(client, password)
    desk.connect()
    for _ in range(2):
        desk.answer()
        desk.answer(error=3)
    desk.log_in()
    assert desk.counter.passwords() == ["w1", "w2", "right"]
    assert [(peer, error) for peer, _, error in desk.replies.heard] == [
        (b"a", 3), (b"b", 3), (b"c", 3),
    ]  # fmt: skip
    assert desk.admitted == [b"d"]


def test_a_front_that_hangs_up_when_asked_for_the_login_is_not_asked_in_a_loop() -> None:
    """A wrong password may show up as a disconnect; asking again and again locks the account."""
    desk = Desk()
    desk.client(b"a", patience_s=1000)
    for _ in range(2):
        desk.connect()
        desk.answer()
        desk.disconnect()
    assert desk.replies.heard == [(b"a", "Error", -1)]
    for _ in range(10):
        desk.connect()
        desk.later(30)
        desk.disconnect()
    assert desk.counter.passwords() == ["right", "right"]


def test_a_front_that_hangs_up_at_our_own_login_is_asked_ever_more_rarely() -> None:
    desk = ready()
    for _ in range(300):  # five minutes of a connection each second
        desk.disconnect()
        desk.connect()
        if desk.gate.state is State.CONNECTED and desk.counter.names[-1] == "ReqAuthenticate":
            desk.answer()
        desk.later(1)
    assert len(desk.counter.passwords()) <= 4


def test_a_confirmation_that_is_refused_for_good_is_told_and_the_session_logged_out() -> None:
    desk = Desk()
    desk.client(b"a")
    desk.connect()
    desk.answer()
    desk.answer()
    desk.answer(error=9)
    assert desk.replies.heard == [(b"a", "OnRspSettlementInfoConfirm", 9)]
    assert desk.counter.names[-1] == "ReqUserLogout"
    desk.client(b"b")
    assert desk.counter.names[-1] == "ReqUserLogout", "that login would get no answer"
    desk.answer()
    desk.log_in()
    assert desk.admitted == [b"b"]


def test_callbacks_of_others_are_not_taken() -> None:
    desk = Desk()
    desk.client(b"a")
    desk.connect()
    desk.counter.asked.append(("ReqUserLogin", b"", 99))
    assert not desk.answer(error=3)
    desk.counter.asked[-1] = ("ReqUserLogin", b"", 0)
    assert not desk.answer(error=3, name="OnRspError")
    assert desk.gate.state is State.CONNECTED


def test_too_many_waiting_clients_are_refused() -> None:
    desk = Desk()
    for _ in range(1000):
        desk.client(b"a")
    with pytest.raises(Refused, match="too many logins"):
        desk.client(b"b")
    desk.later(9)
    assert len(desk.replies.heard) == 1000
    desk.client(b"c")


ACTION = st.one_of(
    st.tuples(st.just("client"), st.sampled_from(["right", "wrong"])),
    st.tuples(st.just("answer"), st.sampled_from([0, 0, 0, 3, 5, 7, 63, 90])),
    st.tuples(st.just("later"), st.sampled_from([0.5, 6, 70])),
    st.tuples(st.sampled_from(["connect", "disconnect"]), st.none()),
)


@settings(max_examples=300)
@given(st.lists(ACTION, max_size=40))
def test_whatever_happens_each_client_is_answered_once_and_only_by_his_password(
    actions: list[tuple[str, object]],
) -> None:
    desk = Desk()
    clients: dict[bytes, str] = {}
    connected = False
    for what, value in actions:
        if what == "client":
            peer = str(len(clients)).encode()
            clients[peer] = str(value)
            desk.client(peer, str(value))
        elif what == "answer" and desk.counter.asked and connected:
            name, raw, _ = desk.counter.asked[-1]
            wrong = name == "ReqUserLogin" and b"wrong" in raw
            desk.answer(error=3 if wrong and value == 0 else int(str(value)))
        elif what == "later":
            desk.later(float(str(value)))
        elif what == "connect" and not connected:
            connected = True
            desk.connect()
        elif what == "disconnect" and connected:
            connected = False
            desk.disconnect()
    desk.later(100)
    answered = [peer for peer, _, _ in desk.replies.heard] + desk.admitted
    assert sorted(answered) == sorted(clients)
    assert {clients[peer] for peer in desk.admitted} <= {"right"}


def test_a_login_of_another_trading_day_waits_for_the_next_api_object() -> None:
    desk = Desk()
    desk.fits = False
    desk.client(b"a")
    desk.connect()
    desk.answer()
    desk.answer()
    assert (desk.gate.state, desk.notes) == (State.DOWN, [])
    desk.fits = True
    desk.connect()
    desk.log_in()
    assert desk.admitted == [b"a"]


def test_why_there_is_no_api_object_is_told_to_all_who_wait() -> None:
    desk = Desk()
    desk.client(b"a")
    desk.client(b"b", "other")
    desk.gate.not_started("the flow folder cannot be written")
    assert desk.replies.heard == [(b"a", "Error", -1), (b"b", "Error", -1)]
    assert desk.gate.unused


def test_a_session_that_nobody_needs_is_left_and_begun_again_by_who_comes() -> None:
    desk = ready()
    desk.gate.quit(desk.now)
    assert (desk.counter.names[-1], desk.gate.unused) == ("ReqUserLogout", True)
    desk.client(b"b", "new")
    desk.answer()
    desk.log_in()
    assert desk.admitted == [b"a", b"b"]
    assert desk.counter.passwords() == ["right", "new"], "the old one is forgotten"


def test_a_session_that_nobody_needs_is_not_logged_in_again_by_itself() -> None:
    desk = ready()
    desk.disconnect()
    desk.gate.quit(desk.now)
    desk.connect()
    desk.later(100)
    assert desk.counter.names == STEPS
    assert desk.gate.unused
