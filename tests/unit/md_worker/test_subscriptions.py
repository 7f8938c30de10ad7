"""What the front must send, decided without a front."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from md_worker.subscriptions import Answer, Subscriptions, Ticket

HOLD_S = 5.0
YES = Answer(b"field", b"info")
NO = Answer(b"field", b"error")


def ticket(names: list[str], deadline: float = 10, into: list[object] | None = None) -> Ticket:
    reply: Callable[[list[Answer]], None] = (into if into is not None else []).append
    return Ticket(reply, names, deadline)


def confirm(subs: Subscriptions, *names: str) -> None:
    for name in names:
        subs.answered(name, YES, accepted=True)


def test_the_first_interest_subscribes_and_the_last_one_leaving_unsubscribes() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("rb2610")
    assert subs.batch(100, 0) == ["rb2610"]
    assert subs.batch(100, 0) == []
    confirm(subs, "rb2610")
    assert list(subs.drops(99)) == []
    subs.leave("rb2610")
    assert list(subs.drops(99)) == ["rb2610"]
    assert not subs.confirmed


def test_interest_that_ends_before_the_answer_is_dropped_after_it() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    subs.batch(1, 0)
    subs.leave("a")
    assert list(subs.drops(99)) == []
    confirm(subs, "a")
    assert list(subs.drops(99)) == ["a"]


def test_interest_that_comes_back_before_the_drop_keeps_the_subscription() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    subs.batch(1, 0)
    confirm(subs, "a")
    subs.leave("a")
    subs.want("a")
    assert not subs.drops(99)
    assert subs.batch(9, 0) == []
    assert list(subs.confirmed) == ["a"]
    subs.leave("a")
    assert list(subs.drops(99)) == ["a"]


def test_a_call_waits_for_the_front_and_later_calls_do_not() -> None:
    subs = Subscriptions(HOLD_S)
    first = ticket(["b", "a", "b"])
    subs.ask(first, now=0)
    assert subs.batch(9, 0) == ["b", "a"]
    assert subs.finished(1) == []
    confirm(subs, "a", "b")
    assert subs.finished(1) == [first]
    second = ticket(["a"])
    subs.ask(second, now=1)
    assert subs.batch(9, 0) == []
    assert subs.finished(1) == [second]


def test_an_instrument_that_only_calls_wanted_is_given_up() -> None:
    subs = Subscriptions(HOLD_S)
    subs.ask(ticket(["a", "b"]), now=0)
    subs.batch(9, 0)
    confirm(subs, "a", "b")
    subs.want("b")
    subs.finished(HOLD_S + 1)
    assert list(subs.drops(99)) == ["a"]
    assert list(subs.confirmed) == ["b"]


def test_a_lost_answer_ends_its_call_at_the_deadline() -> None:
    subs = Subscriptions(HOLD_S)
    lost = ticket(["a"], deadline=3)
    subs.ask(lost, now=0)
    subs.batch(9, 0)
    assert subs.finished(2.9) == []
    assert subs.finished(3) == [lost]
    assert not lost.answers


def test_a_refused_instrument_is_asked_again_by_the_next_call_and_after_the_next_login() -> None:
    subs = Subscriptions(HOLD_S)
    refused = ticket(["bad"])
    subs.ask(refused, now=0)
    subs.batch(9, 0)
    subs.answered("bad", NO, accepted=False)
    assert subs.finished(0) == [refused]
    assert refused.answers["bad"] is NO
    assert not subs.wants("bad")
    subs.front_lost()
    assert subs.batch(9, 0) == []
    subs.want("bad")
    subs.batch(9, 0)
    subs.answered("bad", NO, accepted=False)
    assert subs.batch(9, 0) == [], "not in a loop"
    subs.ask(ticket(["bad"]), now=0)
    assert subs.batch(9, 0) == ["bad"]
    subs.answered("bad", NO, accepted=False)
    subs.front_lost()
    assert subs.batch(9, 0) == ["bad"], "its topic still has a subscriber"


def test_a_subscriber_who_leaves_does_not_take_the_answer_from_a_caller() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    subs.ask(ticket(["a"]), now=0)
    subs.leave("a")
    assert subs.batch(9, 0) == ["a"]
    confirm(subs, "a")
    assert list(subs.drops(99)) == []
    subs.finished(HOLD_S)
    assert list(subs.drops(99)) == ["a"]


def test_after_a_lost_answer_the_next_call_asks_the_front_again() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    subs.ask(ticket(["a"], deadline=3), now=0)
    assert subs.batch(9, 0) == ["a"]
    subs.finished(3)
    subs.ask(ticket(["a"], deadline=6), now=3)
    assert subs.batch(9, 0) == ["a"]


def test_what_the_api_did_not_unsubscribe_is_unsubscribed_later() -> None:
    subs = Subscriptions(HOLD_S)
    for name in "ab":
        subs.want(name)
    subs.batch(9, 0)
    confirm(subs, "a", "b")
    subs.leave("a")
    subs.leave("b")
    drops = subs.drops(1)
    assert list(drops) == ["a"]
    subs.not_dropped(drops)
    assert sorted(subs.drops(9)) == ["a", "b"]


def test_after_a_reconnect_everything_wanted_is_asked_again_in_batches() -> None:
    subs = Subscriptions(HOLD_S)
    names = [f"i{n}" for n in range(25)]
    for name in names:
        subs.want(name)
    subs.batch(100, 0)
    confirm(subs, *names)
    subs.leave("i3")
    subs.front_lost()
    assert list(subs.drops(99)) == []
    assert not subs.confirmed
    batches = [subs.batch(10, 0) for _ in range(4)]
    assert [len(batch) for batch in batches] == [10, 10, 4, 0]
    assert {name for batch in batches for name in batch} == set(names) - {"i3"}


def test_a_batch_that_the_api_refused_comes_again() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    subs.not_sent(subs.batch(9, 0))
    assert subs.batch(9, 0) == ["a"]


ACTION = st.tuples(
    st.sampled_from(["want", "leave", "ask", "flush", "answer", "lost", "later"]),
    st.sampled_from("abc"),
)


@given(st.lists(ACTION, max_size=60))
@example([("ask", "a"), ("flush", "a"), ("answer", "a"), ("later", "a"), ("ask", "a")])
def test_front_and_bus_agree_in_the_end(actions: list[tuple[str, str]]) -> None:
    """Whatever happens: when all is answered and flushed, the front has what the bus wants."""
    subs, front, unanswered, wanted = Subscriptions(HOLD_S), set[str](), list[str](), set[str]()
    now = 0.0

    def flush() -> None:
        front.difference_update(subs.drops(99))
        unanswered.extend(subs.batch(2, 0))

    def answer() -> None:
        name = unanswered.pop(0)
        front.add(name)
        confirm(subs, name)

    for action, name in actions:
        if action == "want":
            subs.want(name)
            wanted.add(name)
        elif action == "leave" and name in wanted:
            subs.leave(name)
            wanted.discard(name)
        elif action == "ask":
            subs.ask(ticket([name]), now)
        elif action == "flush":
            flush()
        elif action == "answer" and unanswered:
            answer()
        elif action == "lost":
            front.clear()
            unanswered.clear()
            subs.front_lost()
        elif action == "later":
            now += HOLD_S
            subs.finished(now)
    subs.finished(now + 2 * HOLD_S)
    for _ in range(10):
        flush()
        while unanswered:
            answer()
    assert front == wanted == set(subs.confirmed)


def test_who_asks_for_a_few_does_not_wait_behind_thousands() -> None:
    subs = Subscriptions(HOLD_S)
    subs.ask(ticket([f"i{n}" for n in range(1000)]), now=0)
    subs.ask(ticket(["rb2610"]), now=0)
    assert subs.queued == 1001
    assert subs.batch(10, 0)[0] == "rb2610"


def test_what_a_subscriber_wants_is_asked_again_when_the_answer_gets_lost() -> None:
    subs = Subscriptions(HOLD_S)
    subs.want("a")
    assert subs.batch(9, 0) == ["a"]
    subs.finished(HOLD_S - 0.1)
    assert subs.batch(9, 0) == []
    subs.finished(HOLD_S)
    assert subs.batch(9, HOLD_S) == ["a"]
