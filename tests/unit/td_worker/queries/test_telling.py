"""What is told on the bus of the counter's answers to clients."""

from __future__ import annotations

import pytest

from bus.answers import METHODS, MOST_ROWS

from .desk import Office


def told(office: Office) -> list[tuple[str, list[int], int, bool, int]]:
    return [(a.method, a.request_ids, len(a.rows), a.last, a.error_id) for a in office.told]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_an_answer_is_told_as_clients_see_it(method: str) -> None:
    office = Office()
    asked = office.query(b"a", method, request_id=16)
    office.answer(3)
    assert told(office) == [(method, [16], 3, True, 0)]
    (answer,) = office.told
    assert all(row.startswith(b"shown") for row in answer.rows)
    assert answer.asked_ns > 0
    assert asked.ends == 1


def test_equal_questions_are_told_with_all_who_have_asked() -> None:
    office = Office()
    office.query(b"a", "ReqQryTrade", request_id=1)  # in flight
    for number in (2, 3, 4):
        office.query(bytes([number]), "ReqQryOrder", request_id=number)
    office.answer()
    office.answer(2)
    assert told(office) == [
        ("ReqQryTrade", [1], 1, True, 0),
        ("ReqQryOrder", [2, 3, 4], 2, True, 0),
    ]
    assert len({answer.number for answer in office.told}) == 2


def test_an_answer_names_who_asked_beside_his_number() -> None:
    office = Office()
    office.query(b"x", "ReqQryTrade", asker="web")
    office.query(b"a", request_id=7, asker="edge")
    office.query(b"b", request_id=7)
    office.query(b"c", request_id=8, asker="stranger", patience_s=5)
    office.later(6)
    office.answer()
    office.answer(MOST_ROWS + 1)
    assert [(a.request_ids, a.askers) for a in office.told] == [
        ([8], ["stranger"]),  # in vain
        ([0], ["web"]),
        ([7, 7], ["edge", ""]),
        ([7, 7], ["edge", ""]),
    ]


def test_a_long_answer_comes_in_parts_that_can_be_put_together() -> None:
    office = Office()
    office.query(b"a", request_id=5)
    office.answer(2 * MOST_ROWS + 1)
    assert [(a.first, len(a.rows), a.last) for a in office.told] == [
        (0, MOST_ROWS, False),
        (MOST_ROWS, MOST_ROWS, False),
        (2 * MOST_ROWS, 1, True),
    ]
    assert {a.number for a in office.told} == {1}


def test_rows_kept_for_slow_readers_are_told_once() -> None:
    office = Office()
    office.query(b"x", "ReqQryTrade")
    for number in range(50):
        office.query(bytes([number]), request_id=number)
    office.answer()
    office.answer(600)
    office.deliver()
    assert told(office)[1:] == [
        ("ReqQryOrder", list(range(50)), MOST_ROWS, False, 0),
        ("ReqQryOrder", list(range(50)), 100, True, 0),
    ]


def test_an_empty_answer_and_an_error_are_answers() -> None:
    office = Office()
    office.query(b"a", request_id=1)
    office.answer(0)
    office.query(b"a", request_id=2)
    office.answer(error=31)
    office.query(b"a", request_id=3)
    office.answer(error=31, name="OnRspError")
    assert told(office) == [
        ("ReqQryOrder", [1], 0, True, 0),
        ("ReqQryOrder", [2], 0, True, 31),
        ("ReqQryOrder", [3], 0, True, 31),
    ]


def test_who_waits_in_vain_is_named_in_an_answer_of_his_own() -> None:
    office = Office()
    office.query(b"x", "ReqQryTrade")
    office.query(b"a", request_id=1, patience_s=5)
    office.query(b"b", request_id=2)
    office.later(6)
    office.answer()
    office.answer(1)
    assert told(office) == [
        ("ReqQryOrder", [1], 0, True, -1),
        ("ReqQryTrade", [0], 1, True, 0),
        ("ReqQryOrder", [2], 1, True, 0),
    ]
    assert "turn" in office.told[0].error_msg


def test_a_lost_front_ends_an_answer_that_has_begun() -> None:
    office = Office()
    office.query(b"a", request_id=1)
    office.answer(MOST_ROWS + 2, last=False)
    office.desk.front_lost()
    assert [(a.number, a.first, len(a.rows), a.last, a.error_id) for a in office.told] == [
        (1, 0, MOST_ROWS, False, 0),
        (1, MOST_ROWS, 2, True, -1),
    ]
    office.query(b"a", request_id=2)
    office.answer(1)
    assert office.told[-1].number == 2
    assert office.told[-1].first == 0


def test_a_refusal_of_the_api_is_told_once_for_all() -> None:
    office = Office()
    office.query(b"x", "ReqQryTrade")
    office.query(b"a", request_id=1)
    office.query(b"b", request_id=2)
    office.counter.status = -1
    office.answer()
    assert told(office)[1:] == [("ReqQryOrder", [1, 2], 0, True, -1)]


def test_other_questions_and_the_workers_own_are_not_told() -> None:
    office = Office()
    office.ask("ReqQryOrder")
    office.answer(2)
    office.query(b"a", "ReqQryInstrument")
    office.answer(2)
    office.query(b"a", "ReqQryInvestorPositionDetail")
    office.answer(2)
    assert office.told == []


def test_what_is_told_stays_in_no_memory() -> None:
    office = Office()
    office.query(b"a")
    office.answer(MOST_ROWS)
    stream = office.publisher.stream("answer/9999/u1/")
    assert stream.last is None
    assert not stream.kept
    assert not office.desk._telling._begun
