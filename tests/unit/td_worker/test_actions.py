"""Requests that are no queries, on a counter played by the test."""

from __future__ import annotations

import time
from typing import Any, cast

from bus.orders import Outcome
from bus.rpc import Call
from td_worker.actions import Actions
from td_worker.limits.session import SessionLimits
from td_worker.numbers import RequestIds
from td_worker.orders.book import Book
from td_worker.orders.store import Store
from td_worker.replies import Replies

from .fakes import CATALOGUE, FakeCounter


class NoLimits:
    def check(self, *_: Any) -> None: ...
    def sent(self, *_: Any) -> None: ...


class Told(Replies):
    def __init__(self) -> None:
        self.states: list[str] = []

    def sent(self, peer: bytes, call: Call, outcome: Outcome | None = None) -> None:
        assert outcome is not None
        self.states.append(outcome.state)

    def own(self, peer: bytes, call: Call, name: str, message: object, last: bool = True) -> None:
        assert isinstance(message, Outcome)
        self.states.append(message.state)


class Breaking(FakeCounter):
    """Sends, and then breaks."""

    def request(self, name: str, raw: bytes, number: int) -> int:
        super().request(name, raw, number)
        raise RuntimeError("in the binding")


def book_of(day: str) -> Book:
    book = Book(CATALOGUE, Store(None), day)
    book.login(1, 7, "0")
    return book


def test_what_is_unknown_is_told_before_the_day_ends_and_costs_nothing_after_it() -> None:
    told = Told()
    limits = cast(SessionLimits, NoLimits())
    actions = Actions(CATALOGUE, cast(Any, FakeCounter()), told, RequestIds(), 5.0, limits)
    book = book_of("20261122")
    actions.opened(book, "")
    body = CATALOGUE.codec("InputOrder").pack({"InstrumentID": "rb2610", "OrderRef": "1"})
    actions.accept(b"p", Call(1, "ReqOrderInsert", time.time_ns() + 10**10, body=body), 55)
    book.disconnected()
    actions.opened(book_of("20261123"), "")
    assert told.states == ["SENT", "UNKNOWN"]
    assert not actions._unanswered


def test_an_order_at_which_the_api_breaks_is_in_doubt_and_not_refused() -> None:
    told = Told()
    limits = cast(SessionLimits, NoLimits())
    actions = Actions(CATALOGUE, cast(Any, Breaking()), told, RequestIds(), 5.0, limits)
    book = book_of("20261122")
    actions.opened(book, "")
    body = CATALOGUE.codec("InputOrder").pack({"InstrumentID": "rb2610", "OrderRef": "1"})
    actions.accept(b"p", Call(1, "ReqOrderInsert", time.time_ns() + 10**10, body=body), 55)
    actions.timers()
    assert (told.states, book.doubts) == (["UNKNOWN"], 1)
    book.unsent(book.unresolved()[0])
    actions.timers()
    assert told.states == ["UNKNOWN", "NOT_SENT"]
