"""Answers by reqid: what is kept, and for how long."""

from __future__ import annotations

import asyncio

from tcp_edge.stat import Failed, Stat
from tcp_edge.trade.queries.answers import Answer, Answers


def answers(most: int = 10) -> Answers:
    async def texts(answer: Answer) -> tuple[list[bytes], bool]:
        return [raw for raw, _ in answer.rows], True

    return Answers(most, "20261123", texts)


def answered(found: Answers, reqid: int, *rows: bytes, failed: bool = False) -> Answer:
    answer = found.begin("trades", reqid)
    for raw in rows:
        found.row(answer, raw, 0)
    answer.end(Failed(Stat.INTERNAL, "no") if failed else None)
    return answer


def test_all_records_of_the_day_are_in_the_order_of_the_questions() -> None:
    found = answers()
    answered(found, 1, b"a", b"b")
    answered(found, 2, b"a")
    assert asyncio.run(found.records("trades")) == [b"a", b"b", b"a"]
    assert asyncio.run(found.records("orders")) == []


def test_what_is_shown_of_an_answer_grows_until_it_is_complete() -> None:
    found = answers()
    answer = found.begin("trades", 1)
    assert asyncio.run(found.texts(answer)) == []
    found.row(answer, b"a", 0)
    assert asyncio.run(found.texts(answer)) == [b"a"]
    found.row(answer, b"b", 0)
    answer.end()
    assert asyncio.run(found.texts(answer)) == [b"a", b"b"]


def test_the_latest_is_the_last_that_is_complete_and_good() -> None:
    found = answers()
    good = answered(found, 1, b"a")
    answered(found, 2, failed=True)
    found.begin("trades", 3)
    assert found.latest("trades") is good


def test_an_answer_ends_once() -> None:
    answer = answered(answers(), 1)
    answer.end(Failed(Stat.INTERNAL, "late"))
    assert answer.failed is None


def test_the_oldest_are_given_up_by_their_rows_and_by_their_number() -> None:
    found = answers(10)
    for reqid in range(1, 8):
        answered(found, reqid, b"a", b"b", b"c")
    assert [reqid for reqid in range(1, 8) if found.get("trades", reqid)] == [4, 5, 6, 7]
    for reqid in range(100, 200):
        answered(found, reqid)
    assert len(found) <= 10


def test_answers_of_before_a_restart_stand_before_those_of_after_it() -> None:
    found = answers()
    answered(found, 7, b"new")
    old = Answer("trades", 3)
    found.row(old, b"old", 0)
    old.end()
    found.put(old)
    again = Answer("trades", 7)
    found.put(again)
    assert asyncio.run(found.records("trades")) == [b"old", b"new"]


def test_a_new_day_has_none() -> None:
    found = answers()
    answered(found, 1, b"a")
    found.turn("20261124")
    assert (len(found), asyncio.run(found.records("trades"))) == (0, [])


def test_who_waits_hears_of_the_end() -> None:
    async def run() -> None:
        answer = answers().begin("trades", 1)
        asyncio.get_running_loop().call_soon(answer.end)
        await asyncio.wait_for(answer.done.wait(), 5)

    asyncio.run(run())
