"""The desk for queries: turns, equal questions, put off ones, and every end."""

from __future__ import annotations

import pytest

from bus.errors import Refused
from schemas.errors import TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND
from td_worker.queries import waiting
from tests.unit.td_worker.fakes import CATALOGUE

from .desk import Asked, Office


def busy() -> Office:
    """With a query in flight, so that all others wait."""
    office = Office()
    office.query(b"plug", InstrumentID="plug")
    return office


def run(office: Office) -> None:
    """The counter answers everything."""
    while office.counter.asked and office.answer():
        office.later(0.01)


def test_clients_have_their_turns_and_each_of_them_its_order() -> None:
    office = busy()
    for client, count in ((b"a", 4), (b"b", 1), (b"c", 2)):
        for number in range(count):
            office.query(client, InstrumentID=f"{client.decode()}{number}")
    run(office)
    assert office.instruments() == ["plug", "a0", "b0", "c0", "a1", "c1", "a2", "a3"]


def test_a_client_with_ten_thousand_queries_does_not_delay_the_first_of_another() -> None:
    office = busy()
    for number in range(9_999):
        office.query(b"a", InstrumentID=f"a{number}")
    office.answer()
    office.query(b"b", InstrumentID="b")
    run(office)
    assert office.instruments()[:4] == ["plug", "a0", "a1", "b"]


def test_bounds_have_clear_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_MOST_OF_CLIENT", 2)
    monkeypatch.setattr(waiting, "_MOST", 4)
    office = busy()
    office.query(b"a")
    office.query(b"a")
    with pytest.raises(Refused, match="2 queries of this client wait already"):
        office.query(b"a")
    office.query(b"b")
    with pytest.raises(Refused, match="4 queries of this account wait already"):
        office.query(b"c")
    run(office)
    office.query(b"a")


def test_equal_questions_that_wait_are_asked_once_and_answered_to_all() -> None:
    office = busy()
    askers = [office.query(client, InstrumentID="rb") for client in (b"a", b"b", b"a")]
    other = office.query(b"c", InstrumentID="hc")
    office.answer()
    office.later(1)
    office.answer(3)
    assert [len(asker.rows) for asker in askers] == [3, 3, 3]
    assert [last for _, last in askers[1].rows] == [False, False, True]
    office.later(1)
    office.answer()
    assert office.instruments() == ["plug", "rb", "hc"]
    assert other.ends == 1
    assert office.desk.measures.merged == 2


def test_who_joins_does_not_use_up_his_turn() -> None:
    office = busy()
    office.query(b"a", InstrumentID="rb")
    office.query(b"b", InstrumentID="rb")
    office.query(b"b", InstrumentID="b1")
    office.query(b"a", InstrumentID="a1")
    run(office)
    assert office.instruments() == ["plug", "rb", "b1", "a1"]


def test_a_state_query_in_flight_is_not_joined() -> None:
    """Its rows may be older than the new question."""
    office = Office()
    first = office.query(b"a")
    second = office.query(b"b")
    office.answer()
    assert (first.ends, second.ends) == (1, 0)
    office.later(1)
    office.answer()
    assert second.ends == 1
    assert len(office.counter.asked) == 2


def test_when_one_gives_up_the_others_go_on() -> None:
    office = busy()
    first = office.query(b"a", InstrumentID="rb", patience_s=2)
    second = office.query(b"b", InstrumentID="rb")
    office.later(3)
    assert (first.ends, second.ends) == (1, 0)
    assert "its turn did not come" in first.errors[0].detail
    office.answer()
    office.later(1)
    office.answer()
    assert second.ends == 1


def test_who_gives_up_in_flight_does_not_end_it_for_the_others() -> None:
    office = busy()
    first = office.query(b"a", InstrumentID="rb", patience_s=2)
    second = office.query(b"b", InstrumentID="rb")
    office.answer()
    office.later(3)
    office.answer(2)
    assert "no full answer" in first.errors[0].detail
    assert (len(second.rows), second.ends) == (2, 1)
    assert first.ends == 1


def test_a_client_that_leaves_takes_its_queries_along() -> None:
    office = busy()
    gone = office.query(b"a", InstrumentID="a")
    office.query(b"b", InstrumentID="b")
    office.desk.left(b"a")
    assert gone.ends == 1
    run(office)
    assert office.instruments() == ["plug", "b"]
    assert len(office.desk) == 0


def test_the_workers_own_go_before_all_others_and_stay_alone() -> None:
    office = busy()
    client = office.query(b"a", "ReqQryTrade")
    own = [office.ask(), office.ask()]
    run(office)
    assert office.counter.names == ["ReqQryOrder", "ReqQryTrade", "ReqQryTrade", "ReqQryTrade"]
    assert [asked.ends for asked in (*own, client)] == [1, 1, 1]


def test_what_was_sent_past_the_desk_counts_for_the_pace() -> None:
    office = Office(per_s=1)
    office.desk.spent(office.now)
    office.query(b"a")
    office.later(0.9)
    assert not office.counter.asked
    office.later(0.2)
    assert len(office.counter.asked) == 1


@pytest.mark.parametrize("status", [TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND])
def test_what_the_api_does_not_take_is_sent_again_and_nobody_hears_of_it(status: int) -> None:
    office = Office()
    office.counter.status = status
    asked = office.query(b"a")
    office.later(0.04)
    assert len(office.counter.asked) == 1
    office.later(0.02)
    office.later(0.06)
    assert len(office.counter.asked) == 2, "the pauses grow"
    office.later(0.06)
    assert len(office.counter.asked) == 3
    office.counter.status = 0
    office.later(1)
    office.answer()
    assert not asked.errors
    assert asked.ends == 1
    assert office.desk.measures.put_off == {status: 3}


@pytest.mark.parametrize("name", ["", "OnRspError"])
@pytest.mark.parametrize("error", [90, 154])
def test_what_is_not_ready_is_asked_again_and_nobody_hears_of_it(error: int, name: str) -> None:
    office = Office()
    asked = office.query(b"a")
    for pause in (1, 2, 4, 5, 5):
        sent = len(office.counter.asked)
        office.answer(0, error, name=name)
        office.later(pause - 0.01)
        assert len(office.counter.asked) == sent
        office.later(0.02)
        assert len(office.counter.asked) == sent + 1
    assert not asked.ends
    office.answer(2)
    assert [last for _, last in asked.rows] == [False, True]


def test_a_query_that_is_never_ready_ends_with_a_text_that_says_so() -> None:
    office = Office(query_s=10)
    asked = office.query(b"a")
    while not asked.ends:
        office.answer(0, 90)
        office.later(1)
    assert "put off 4 times, the last time by 90" in asked.errors[0].detail
    assert office.desk.due() is None


def test_queries_that_are_never_ready_do_not_stop_the_others() -> None:
    office = Office(query_s=100)
    never = [office.query(b"a", InstrumentID=f"never{number}") for number in range(20)]
    for _ in range(25):
        office.answer(0, 90)
        office.later(1)
    good = office.query(b"b", InstrumentID="good")
    for _ in range(5):
        office.answer(0, 0 if office.instruments()[-1] == "good" else 90)
        office.later(1)
    assert good.ends == 1
    assert not any(asked.ends for asked in never)


def test_not_ready_in_the_middle_of_the_rows_is_a_failure_not_a_repetition() -> None:
    office = Office()
    asked = office.query(b"a")
    office.answer(2, last=False)
    office.answer(0, 90)
    assert (len(asked.rows), asked.ends) == (2, 1)
    assert "broke off" in asked.errors[0].detail


def test_another_return_code_is_told() -> None:
    office = Office()
    office.counter.status = -1
    asked = office.query(b"a")
    assert [error.error_id for error in asked.errors] == [-1]
    office.counter.status = 0
    assert office.query(b"a").ends == 0
    assert len(office.counter.asked) == 2


def test_a_disconnect_ends_everything_and_frees_the_slot() -> None:
    office = busy()
    asked = [office.query(b"a"), office.query(b"b", "ReqQryExchange"), office.ask()]
    office.desk.front_lost()
    assert [one.ends for one in asked] == [1, 1, 1]
    assert len(office.desk) == 0
    later = office.query(b"a")
    office.answer()
    assert later.ends == 1


def test_a_lost_answer_costs_its_deadline_and_no_more() -> None:
    office = Office(query_s=5)
    lost, waiting = office.query(b"a", patience_s=2), office.query(b"b")
    office.later(3)
    assert lost.ends == 1
    office.answer()
    assert waiting.ends == 1


def test_the_late_end_of_a_query_that_was_given_up_frees_the_api_at_once() -> None:
    office = Office()
    office.query(b"a", patience_s=2)
    office.counter.status = TOO_MANY_IN_FLIGHT
    waiting = office.query(b"b")
    for _ in range(20):
        office.later(0.15)
    office.counter.status = 0
    assert office.answer(3, index=0), "rows of a query that nobody waits for are no news"
    office.answer()
    assert waiting.ends == 1


def test_an_api_that_holds_its_place_for_ever_is_noticed() -> None:
    office = Office(query_s=5)
    office.counter.status = TOO_MANY_IN_FLIGHT
    for _ in range(60):
        if office.now % 2 < 0.1:
            office.query(b"a")
        office.later(0.1)
    assert office.desk.stuck(office.now)


def test_what_only_asks_and_is_not_limited_does_not_wait() -> None:
    office = busy()
    asked = office.query(b"a", "ReqQueryCFMMCTradingAccountToken", patience_s=2)
    silent = office.query(b"a", "ReqQueryCFMMCTradingAccountToken", patience_s=2)
    assert len(office.counter.asked) == 3
    office.answer(index=1)
    assert asked.ends == 1
    office.later(3)
    assert "no full answer" in silent.errors[0].detail
    office.answer(index=0)


def test_a_caller_whose_rows_cannot_be_handled_does_no_harm_to_the_others() -> None:
    office = busy()

    def fail(*_: object) -> None:
        raise ValueError

    asked = office.query(b"a")
    next(iter(office.desk._same["ReqQryOrder", bytes(len(_order()))].waiters)).on_row = fail
    other = office.query(b"b")
    run(office)
    assert (asked.ends, other.ends) == (0, 1)
    assert office.desk.due() is None


def _order() -> bytes:
    return bytes(CATALOGUE.layouts["QryOrder"].size)


def test_no_struct_of_a_limited_query_holds_the_number_of_a_request() -> None:
    """So equal questions have equal bytes."""
    for request in CATALOGUE.td.requests.values():
        if request.is_query:
            names = {field.name for field in CATALOGUE.layouts[request.struct].fields}
            assert "RequestID" not in names


def test_very_long_answers_to_many_do_not_come_at_once() -> None:
    office = busy()
    askers: list[Asked] = [office.query(bytes([client])) for client in range(50)]
    office.answer()
    office.later(1)
    office.answer(1000)
    assert sum(len(asker.rows) for asker in askers) <= 20_000
    office.deliver()
    assert {len(asker.rows) for asker in askers} == {1000}
    assert {asker.ends for asker in askers} == {1}
