"""The pace of queries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from td_worker.queries.pace import SLACK_S, Pace


def pace(per_s: float) -> Pace:
    made = Pace()
    made.set(per_s)
    return made


def test_one_a_second() -> None:
    made = pace(1)
    assert made.due() <= 100
    made.sent(100)
    assert made.due() == 101 + SLACK_S


def test_several_a_second_go_one_after_the_other_without_a_pause() -> None:
    made = pace(3)
    for _ in range(3):
        assert made.due() <= 100
        made.sent(100)
    assert made.due() == 101 + SLACK_S


def test_less_than_one_a_second() -> None:
    made = pace(0.5)
    made.sent(0)
    assert made.due() == 2 + SLACK_S


def test_what_was_not_sent_costs_nothing() -> None:
    made = pace(1)
    made.sent(100)
    made.not_sent()
    assert made.due() <= 100


def test_what_was_sent_outlives_a_new_pace() -> None:
    made = pace(1)
    made.sent(100)
    made.set(1)
    assert made.due() == 101 + SLACK_S


def test_a_pause_holds_until_it_is_over_or_called_off() -> None:
    made = pace(1000)
    made.pause(105)
    assert made.due() == 105
    made.resume()
    assert made.due() <= 100


@given(st.integers(1, 5), st.lists(st.floats(0, 0.7), max_size=40))
def test_never_more_than_so_many_in_any_second(per_s: int, steps: list[float]) -> None:
    made = pace(per_s)
    now, sent = 1000.0, list[float]()
    for step in steps:
        now += step
        while made.due() <= now:
            made.sent(now)
            sent.append(now)
    for moment in sent:
        assert sum(moment <= other < moment + 1 for other in sent) <= per_s
