"""Questions about events and answers: pages, and the store's words for ours."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from bus.frames import message_type
from bus.history import Answered, Answers, Event, Events, Page
from recorder.history.records import answer_rows, event_rows
from recorder.history.ticks import Answer
from recorder.store.reading import AnswerPart, EventRow, Reader

DAY = "20261123"


class FakeReader:
    """``count`` events and answers, the seq of the first is 1."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: dict[str, Any] = {}

    def events(self, *names: str, **options: Any) -> list[EventRow]:
        return [cast(EventRow, _row(seq)) for seq in self._seqs(names, options)]

    def answers(self, *names: str, **options: Any) -> list[AnswerPart]:
        return [cast(AnswerPart, _row(seq)) for seq in self._seqs(names, options)]

    def _seqs(self, names: tuple[str, ...], options: dict[str, Any]) -> range:
        self.asked = {"names": names, **options}
        return range(options["after"] + 1, min(self.count, options["after"] + options["limit"]) + 1)


class _Row:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def _row(seq: int) -> _Row:
    return _Row(
        day=DAY,
        epoch=7,
        seq=seq,
        after=seq,
        arrived_ns=5,
        layout=1,
        callback="OnRtnOrder",
        flags=1,
        body=b"x",
        number=3,
        first=0,
        last=True,
        asked_ns=4,
        error_id=0,
        error_msg="",
        request_ids=[16],
        askers=["edge"],
        rows=[b"y"],
    )


def told(answers: list[Answer], kind: Any, block: str, end: str) -> tuple[list[int], Page]:
    *blocks, last = answers
    assert last.last and last.type == message_type(end)
    assert all(answer.type == message_type(block) and not answer.last for answer in blocks)
    rows = [row for part in blocks for row in msgspec.msgpack.decode(part.body, type=list[kind])]
    return [row.number for row in rows], msgspec.msgpack.decode(last.body, type=Page)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 200])
def test_pages_of_events_give_each_once(count: int) -> None:
    reader, found, after = cast(Reader, FakeReader(count)), list[int](), 0
    more = True
    while more:
        question = Events(
            broker="b", user="u", stream="order_events", day=DAY, after=after, limit=7
        )
        numbers, page = told(event_rows(reader, question), Event, "EventBlock", "Events")
        assert len(numbers) <= 7
        found, after, more = found + numbers, page.after, page.more
    assert found == list(range(1, count + 1))
    assert after == count


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_pages_of_answers_give_each_once(count: int) -> None:
    reader, found, after = cast(Reader, FakeReader(count)), list[int](), 0
    more = True
    while more:
        question = Answers(broker="b", user="u", kind="assets", day=DAY, after=after, limit=3)
        numbers, page = told(answer_rows(reader, question), Answered, "AnswerBlock", "Answers")
        found, after, more = found + numbers, page.after, page.more
    assert found == list(range(1, count + 1))


def test_the_store_is_asked_in_its_own_words() -> None:
    fake = FakeReader(1)
    reader = cast(Reader, fake)
    answer_rows(
        reader,
        Answers(
            broker="b", user="u", kind="positions", day=DAY, request_id=16, latest=True, slot=2
        ),
    )
    assert fake.asked["names"] == ("b", "u", "ReqQryInvestorPosition")
    assert (fake.asked["request_id"], fake.asked["latest"], fake.asked["slot"]) == (16, True, 2)
    event_rows(
        reader, Events(broker="b", user="u", stream="trade_events", instrument="rb2610", day=DAY)
    )
    assert fake.asked["names"] == ("b", "u", "trade_events")
    assert (fake.asked["instrument"], fake.asked["day"]) == ("rb2610", DAY)
