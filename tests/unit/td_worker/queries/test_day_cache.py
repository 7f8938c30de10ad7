"""Day tables: what is kept, for whom, and how long."""

from __future__ import annotations

import gc
import time

import pytest

from bus.frames import Row, pack_row
from schemas.counter import Event
from td_worker.queries.delivery import Deliveries
from td_worker.queries.query import Answer, Query, Waiter
from td_worker.queries.tables import OWN, SHARED
from tests.unit.td_worker.fakes import CATALOGUE

from .desk import OK, Office

DAY = "20261123"


def office(cache_mb: int = 64) -> Office:
    made = Office(cache_mb=cache_mb)
    made.desk.new_day(DAY)
    return made


def fill(office: Office, method: str = "ReqQryInstrument", count: int = 3) -> list[bytes | None]:
    """Ask and answer a table; the bytes of its rows."""
    asked = office.query(b"first", method)
    office.answer(count)
    office.deliver()
    assert asked.ends == 1
    return [event.field for event, _ in asked.rows]


def test_a_table_is_asked_once_a_day_and_comes_out_as_the_counter_sent_it() -> None:
    desk = office()
    rows = fill(desk)
    again = desk.query(b"a")  # no table: asked
    asked = desk.query(b"a", "ReqQryInstrument")
    desk.deliver()
    assert [event.field for event, _ in asked.rows] == rows
    assert [last for _, last in asked.rows] == [False, False, True]
    assert {event.name for event, _ in asked.rows} == {"OnRspQryInstrument"}
    assert {event.info for event, _ in asked.rows} == {OK}
    assert desk.counter.names == ["ReqQryInstrument", "ReqQryOrder"]
    assert again.ends == 0
    assert (desk.desk.measures.hits, desk.desk.measures.misses) == (1, 1)


def test_another_question_of_the_same_table_is_another_entry() -> None:
    desk = office()
    fill(desk)
    desk.query(b"a", "ReqQryInstrument", ExchangeID="SHFE")
    assert len(desk.counter.asked) == 2


@pytest.mark.parametrize(("method", "asked"), [("ReqQryInstrument", 1), (min(OWN), 2)])
def test_accounts_share_only_what_does_not_depend_on_them(method: str, asked: int) -> None:
    desk = office()
    fill(desk, method)
    other = desk.of("u2")
    other.new_day(DAY)
    desk.query(b"x", method, desk=other)
    assert len(desk.counter.asked) == asked


def test_the_tables_are_queries_and_what_is_shared_names_no_investor() -> None:
    for method in SHARED | OWN:
        request = CATALOGUE.td.requests[method]
        assert request.is_query
        names = {field.name for field in CATALOGUE.layouts[request.struct].fields}
        assert method in OWN or not names & {"InvestorID", "AccountID", "UserID"}, method
    assert not SHARED & OWN


def test_fresh_goes_to_the_counter_and_renews_the_entry() -> None:
    desk = office()
    fill(desk, count=3)
    fresh = desk.query(b"a", "ReqQryInstrument", fresh=True)
    assert len(desk.counter.asked) == 2
    desk.answer(5)
    later = desk.query(b"b", "ReqQryInstrument")
    desk.deliver()
    assert (len(fresh.rows), len(later.rows)) == (5, 5)
    assert len(desk.counter.asked) == 2


def test_a_table_in_flight_is_joined_but_not_by_one_who_wants_it_fresh() -> None:
    desk = office()
    first = desk.query(b"a", "ReqQryInstrument")
    desk.answer(2, last=False)
    desk.deliver()
    second = desk.query(b"b", "ReqQryInstrument")
    third = desk.query(b"c", "ReqQryInstrument", fresh=True)
    desk.answer(1)
    desk.deliver()
    assert (len(first.rows), len(second.rows), len(third.rows)) == (3, 3, 0)
    desk.answer(4)
    desk.deliver()
    assert (first.ends, second.ends, third.ends, len(third.rows)) == (1, 1, 1, 4)
    assert len(desk.counter.asked) == 2


def test_a_fresh_one_that_waits_is_joined() -> None:
    desk = office()
    desk.query(b"plug")
    askers = [
        desk.query(b"a", "ReqQryInstrument", fresh=True),
        desk.query(b"b", "ReqQryInstrument", fresh=True),
        desk.query(b"c", "ReqQryInstrument"),
    ]
    desk.answer()
    desk.later(1)
    desk.answer(2)
    desk.deliver()
    assert [len(asked.rows) for asked in askers] == [2, 2, 2]


def test_a_new_trading_day_drops_the_answers_of_the_old_one() -> None:
    desk = office()
    fill(desk)
    desk.desk.new_day("20261124")
    assert (len(desk.cache), desk.cache.size) == (0, 0)
    desk.query(b"a", "ReqQryInstrument")
    assert len(desk.counter.asked) == 2


def test_a_login_of_the_same_day_keeps_them() -> None:
    desk = office()
    fill(desk)
    desk.desk.front_lost()
    desk.desk.new_day(DAY)
    desk.query(b"a", "ReqQryInstrument")
    assert len(desk.counter.asked) == 1


def test_an_account_that_is_still_in_the_old_day_changes_nothing() -> None:
    desk = office()
    other = desk.of("u2")
    other.new_day("20261120")
    fill(desk)
    desk.query(b"x", "ReqQryInstrument", desk=other)
    assert len(desk.counter.asked) == 2
    desk.answer(desk=other)
    assert len(desk.cache) == 1


@pytest.mark.parametrize("error", [9, 90])
def test_a_failed_answer_is_not_kept(error: int) -> None:
    desk = office()
    desk.query(b"a", "ReqQryInstrument")
    desk.answer(0, error)
    desk.deliver()
    assert len(desk.cache) == 0


def test_an_answer_with_an_error_in_the_middle_is_not_kept() -> None:
    desk = office()
    desk.query(b"a", "ReqQryInstrument")
    desk.answer(1, last=False)
    desk.answer(0, 9, last=False)
    desk.answer(1)
    desk.deliver()
    assert len(desk.cache) == 0


def test_a_part_of_an_answer_is_not_kept() -> None:
    desk = office()
    asked = desk.query(b"a", "ReqQryInstrument")
    desk.answer(2, last=False)
    desk.deliver()
    desk.desk.front_lost()
    assert (len(asked.rows), len(asked.errors)) == (2, 1)
    assert len(desk.cache) == 0


def test_an_empty_answer_is_not_kept() -> None:
    """A counter that has just started may have nothing yet."""
    desk = office()
    asked = desk.query(b"a", "ReqQryInstrument")
    desk.answer(0)
    desk.deliver()
    assert asked.ends == 1
    assert len(desk.cache) == 0


def test_without_memory_for_it_nothing_is_kept_and_all_is_answered() -> None:
    desk = office(cache_mb=0)
    askers = [desk.query(bytes([client]), "ReqQryInstrument") for client in range(3)]
    desk.answer(2)
    desk.deliver()
    assert [asked.ends for asked in askers] == [1, 1, 1]
    desk.query(b"a", "ReqQryInstrument")
    assert len(desk.counter.asked) == 2


def test_the_longest_unused_answer_goes_first_when_the_memory_is_full() -> None:
    desk = office(cache_mb=1)
    rows = int((1 << 20) / 2.5 / CATALOGUE.layouts["Instrument"].size)  # two such answers fit
    for exchange in ("SHFE", "DCE", "CZCE"):
        desk.query(b"a", "ReqQryInstrument", ExchangeID=exchange)
        desk.answer(rows)
        desk.deliver()
        desk.later(1)
        desk.query(b"a", "ReqQryInstrument", ExchangeID="SHFE")  # stays in use
        desk.deliver()
        assert desk.cache.size <= 1 << 20
    assert len(desk.counter.asked) < 6
    desk.query(b"a", "ReqQryInstrument", ExchangeID="SHFE")
    desk.deliver()
    sent = len(desk.counter.asked)
    desk.query(b"a", "ReqQryInstrument", ExchangeID="DCE")
    assert len(desk.counter.asked) == sent + 1


def test_one_slice_of_a_large_answer_takes_no_longer_than_five_milliseconds() -> None:
    answer = Answer()
    for number in range(20_000):
        event = Event("OnRspQryInstrument", bytes(600), OK, 1, False, 0, 0)
        answer.add(event, number == 19_999, True)
    deliveries, handed, took = Deliveries(), [0], list[float]()

    def hand(waiter: Waiter, event: Event, last: bool) -> None:
        handed[0] += 1
        pack_row(Row(1, 0, 0, 0, 0, 0, (event.field or b"") + (event.info or b"")))

    for _ in range(5):
        waiter = Waiter(b"", Query("", b""), 0, 0, lambda *_: None, lambda _: None)
        deliveries.add(answer, waiter, hand)
    gc.disable()  # what other tests have left behind takes it 40 ms
    try:
        while len(deliveries):
            began = time.thread_time()
            deliveries.step(100.0 + len(took))
            took.append(time.thread_time() - began)
    finally:
        gc.enable()
    assert handed[0] == 100_000
    assert max(took) < 0.005


def test_rows_are_handed_out_at_a_pace_that_a_caller_can_read() -> None:
    clock = [0.0]
    deliveries = Deliveries(clock=lambda: clock[0])
    answer, handed = Answer(), [0]
    waiter = Waiter(b"", Query("", b""), 0, 0, lambda *_: None, lambda _: None)
    event = Event("OnRspQryInstrument", b"", None, 1, False, 0, 0)
    for _ in range(100_000):
        answer.add(event, False, True)

    def hand(*_: object) -> None:
        handed[0] += 1

    deliveries.add(answer, waiter, hand)
    deliveries.step(100.0)
    assert handed[0] == 20_000
    assert deliveries.due() == pytest.approx(100.0, abs=0.01)
    for step in range(1, 101):
        deliveries.step(100.0 + step / 100)
    assert handed[0] == pytest.approx(50_000, abs=100)
