"""One answer out of those of several feeds."""

from __future__ import annotations

import msgspec

from bus.frames import Flag, Row, message_type
from bus.rpc import ErrorBody
from md_merge.answers import Listed, Whole

_ROW = message_type("OnRspSubMarketData")


def row(body: bytes = b"good", *, last: bool = False) -> Row:
    return Row(1, 0, 0, _ROW, 0, Flag.LAST if last else 0, body)


def refused(detail: str) -> Row:
    body = msgspec.msgpack.encode(ErrorBody(-1, "", detail))
    flags = Flag.LAST | Flag.LOCAL | Flag.MSGPACK
    return Row(1, 0, 0, message_type("Error"), 0, flags, body)


def is_error(row: Row) -> bool:
    return row.body.startswith(b"bad")


def test_the_rows_of_the_first_success_are_the_answer() -> None:
    answer = Whole("ab", is_error)
    assert not answer.take("a", row(b"a1"))
    assert not answer.take("b", row(b"b1"))
    assert answer.take("b", row(b"b2", last=True))
    assert [r.body for r in answer.rows] == [b"b1", b"b2"]
    assert answer.take("a", row(b"a2", last=True)), "too late"
    assert [r.body for r in answer.rows] == [b"b1", b"b2"]


def test_an_error_waits_for_the_others_and_a_counter_s_is_told_rather_than_ours() -> None:
    answer = Whole("abc", is_error)
    assert not answer.take("a", refused("away"))
    assert not answer.take("b", row(b"bad", last=True))
    assert answer.take("c", refused("away too"))
    assert [r.body for r in answer.rows] == [b"bad"]


def test_when_nobody_answers_there_is_no_answer() -> None:
    answer = Whole("ab", is_error)
    assert not answer.drop("a")
    assert answer.drop("b")
    assert not answer.rows


def test_each_row_of_a_list_is_the_first_success() -> None:
    answer = Listed("ab", 3, is_error)
    for body in (b"a1", b"bad", b"bad"):
        assert not answer.take("a", row(body))
    assert not answer.drop("a")
    for body in (b"bad", b"b2"):
        assert not answer.take("b", row(body))
    assert answer.take("b", row(b"bad b", last=True))
    assert [r and r.body for r in answer.rows] == [b"a1", b"b2", b"bad"]


def test_a_list_is_complete_when_all_is_well_whoever_still_owes_an_answer() -> None:
    answer = Listed("ab", 2, is_error)
    assert not answer.take("a", row())
    assert answer.take("a", row(last=True))


def test_more_rows_than_were_asked_for_and_rows_of_strangers_change_nothing() -> None:
    answer = Listed("ab", 1, is_error)
    assert not answer.take("x", row(b"x"))
    assert not answer.take("a", row(b"bad"))
    assert not answer.take("a", row(b"more"))
    assert answer.take("b", row(b"b", last=True))
    assert [r and r.body for r in answer.rows] == [b"b"]


def test_a_list_that_is_refused_by_all_is_refused() -> None:
    answer = Listed("ab", 2, is_error)
    assert not answer.take("a", refused("one"))
    assert answer.take("b", refused("two"))
    assert answer.refused is not None
    assert answer.rows == [None, None]
