"""Answers of the counter as OFX clients read them."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest

from schemas.xtp.instruments import Instrument, Instruments
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.account.session import Session
from tcp_edge.trade.queries.answers import Answer, Kind
from tcp_edge.trade.queries.queries import STRUCTS, Queries
from tcp_edge.trade.setting import Setting
from tcp_edge.trade.tasks import Tasks
from tests.unit.tcp_edge.trade.makers import AT_NS, CATALOGUE, RB, book, nothing, order, placed

STOCK = Instrument("600000", "SSE", 1, "E", "600000")
ROWS = 2000


class Ready:
    """A login of which no answer comes."""

    handle, front_up, session = b"", True, MappingProxyType({"BrokerID": "9999"})

    async def wait_ready(self) -> Ready:
        return self

    def start(self, *_: object, **__: object) -> None: ...


def queries(*listed: Instrument) -> Queries:
    days = iter(["20261123"])
    setting = SimpleNamespace(
        bus=SimpleNamespace(catalogue=CATALOGUE),
        max_records=100_000,
        instruments=lambda: Instruments(listed),
        day_of=lambda unix_ns: next(days, "20261124"),
        next_reqid=lambda: 1,
    )
    books, session = SimpleNamespace(now=book()), cast(Session, Ready())
    return Queries(cast(Setting, setting), "028742", session, cast(Books, books), Tasks())


def answered(found: Queries, kind: Kind, rows: list[dict[str, Any]]) -> Answer:
    answer = found.answers.begin(kind, 1)
    for row in rows:
        found.answers.row(answer, CATALOGUE.codec(STRUCTS[kind]).pack(row), AT_NS)
    answer.end()
    return answer


async def turns(found: Queries, answer: Answer) -> tuple[list[bytes], int]:
    reading, count = asyncio.create_task(found.answers.texts(answer)), 0
    while not reading.done():
        await asyncio.sleep(0)
        count += 1
    return await reading, count


def test_a_long_answer_is_made_once_and_others_have_their_turn_meanwhile() -> None:
    found = queries(RB)
    rows = [order(str(number), "5") for number in range(1, ROWS + 1)]
    answer = answered(found, "orders", rows)
    texts, count = asyncio.run(turns(found, answer))
    assert len(texts) == ROWS
    assert count >= ROWS / 200
    again, _ = asyncio.run(turns(found, answer))
    assert all(one is other for one, other in zip(texts, again, strict=True))


def test_what_the_counter_does_not_list_is_with_the_newest_answer() -> None:
    found = queries(RB)
    held = found._books.now
    assert held is not None
    held.place(placed("7"))
    held.refuse(placed("7"), 31, "no funds", AT_NS)
    answer = answered(found, "orders", [order("1", "5")])
    texts = [json.loads(text) for text in asyncio.run(found.answers.texts(answer))]
    assert [text["order_status"] for text in texts] == [5, 6]


@pytest.mark.parametrize(("listed", "kind"), [((STOCK,), 0), ((STOCK, RB), 2), ((RB,), 2), ((), 2)])
def test_an_account_at_a_counter_of_stocks_is_a_stock_account(
    listed: tuple[Instrument, ...], kind: int
) -> None:
    found = queries(*listed)
    answer = answered(found, "assets", [nothing("TradingAccount")])
    (text,) = asyncio.run(found.answers.texts(answer))
    assert json.loads(text)["account_type"] == kind


def test_the_first_query_of_a_day_is_not_lost_with_the_answers_of_the_day_before() -> None:
    found = queries(RB)
    answered(found, "orders", [order("1", "5")])
    assert asyncio.run(found.ask("orders")) == 1
    found.answers.turn("20261124")  # noticed by the clock only now
    answer = found.answers.get("orders", 1)
    assert answer is not None
    assert not answer.rows
