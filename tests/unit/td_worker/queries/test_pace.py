"""The pace of queries."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from td_worker.queries.pace import QueryQueue


@dataclass(eq=False)
class Query:
    deadline: float = 10**9


def queue(per_s: float, count: int) -> tuple[QueryQueue[Query], list[Query]]:
    made: QueryQueue[Query] = QueryQueue()
    made.pace(per_s)
    queries = [Query() for _ in range(count)]
    for query in queries:
        made.add(query)
    return made, queries


def test_one_is_in_flight_and_the_next_waits_for_its_second() -> None:
    made, (first, second) = queue(1, 2)
    assert made.take(100) is first
    assert made.take(100.5) is None
    made.done(first)
    assert made.take(100.5) is None
    assert made.due() == 101
    assert made.take(101) is second


def test_several_a_second_go_one_after_the_other_without_a_pause() -> None:
    made, queries = queue(3, 5)
    for query in queries[:3]:
        assert made.take(100) is query
        made.done(query)
    assert made.take(100.9) is None
    assert made.take(101) is queries[3]


def test_less_than_one_a_second() -> None:
    made, queries = queue(0.5, 2)
    made.take(0)
    made.done(queries[0])
    assert made.due() == 2


def test_a_query_that_the_api_did_not_take_stays_the_first_and_costs_nothing() -> None:
    made, (first, second) = queue(1, 2)
    assert made.take(100) is first
    made.not_taken(100)
    assert made.take(100.04) is None
    assert made.take(100.05) is first
    made.done(first)
    assert made.take(101) is None
    assert made.take(101.05) is second


def test_a_query_that_the_counter_wants_later_stays_the_first() -> None:
    made, (first, second) = queue(1000, 2)
    assert made.take(100) is first
    made.not_ready(100)
    assert made.take(100.9) is None
    assert made.take(101) is first
    made.done(first)
    assert made.take(101) is second


def test_every_end_frees_the_slot() -> None:
    made, (first, second, third) = queue(1000, 3)
    first.deadline = 5
    made.take(0)
    assert made.expired(6) == [first]
    assert made.take(0) is second
    assert made.clear() == [second, third]
    assert made.in_flight is None
    assert len(made) == 0
    assert made.due() is None


def test_a_late_end_of_an_old_query_does_not_free_the_slot_of_a_new_one() -> None:
    made, (first, second) = queue(1000, 2)
    made.take(0)
    first.deadline = 1
    made.expired(2)
    assert made.take(0) is second
    made.done(first)
    assert made.in_flight is second


def test_an_urgent_one_goes_before_all_that_wait() -> None:
    made, (first, second) = queue(1000, 2)
    assert made.take(0) is first
    urgent = Query()
    made.add_urgent(urgent)
    made.done(first)
    assert made.take(0) is urgent
    made.done(urgent)
    assert made.take(0) is second


def test_what_was_sent_elsewhere_counts_and_outlives_a_new_pace() -> None:
    made, (first, _) = queue(1, 2)
    made.spent(100)
    made.pace(1)
    assert made.take(100.9) is None
    assert made.take(101) is first


@given(st.integers(1, 5), st.lists(st.floats(0, 0.7), max_size=40))
def test_never_more_than_so_many_in_any_second(per_s: int, steps: list[float]) -> None:
    made, _ = queue(per_s, 100)
    now, sent = 1000.0, list[float]()
    for step in steps:
        now += step
        while (query := made.take(now)) is not None:
            sent.append(now)
            made.done(query)
    for moment in sent:
        assert sum(moment <= other < moment + 1 for other in sent) <= per_s
