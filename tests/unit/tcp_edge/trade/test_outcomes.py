"""What becomes known of an order of which nothing was heard."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from bus.errors import request_failed
from bus.orders import NOT_ON_RECORD, OrderState, Outcome
from schemas.errors import VOID_ID
from tcp_edge.stat import Failed
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.account.session import Session
from tcp_edge.trade.orders.outcomes import Outcomes
from tests.unit.tcp_edge.trade.makers import placed


def outcome(state: OrderState, error_id: int = 0) -> Outcome:
    return Outcome(
        order_id="1", client_order_id="", method="", state=state, error_id=error_id, error_msg=""
    )


class Worker:
    """td_worker, which does not know the order; ``voided``: what it says when it may not come."""

    def __init__(self, voided: Outcome) -> None:
        self.voided, self.asked = voided, list[str]()
        self.refused: list[tuple[int, str]] = []

    async def wait_ready(self) -> Worker:
        return self

    async def request(self, verb: str, body: bytes, **_: Any) -> Any:
        self.asked.append(verb)
        if verb == "QryOrderOutcome" and "VoidClientOrderID" not in self.asked:
            raise request_failed(NOT_ON_RECORD)
        assert msgspec.msgpack.decode(body)["client_order_id"] == "name1"
        return SimpleNamespace(body=msgspec.msgpack.encode(self.voided))

    def refuse(self, order: object, error_id: int, error_msg: str) -> None:
        self.refused.append((error_id, error_msg))


def look(worker: Worker, age_s: float) -> None:
    mine = placed("1", placed_ns=time.time_ns() - int(age_s * 1e9))
    outcomes = Outcomes(cast(Session, worker), cast(Books, worker))
    asyncio.run(outcomes.look(mine))


def test_an_order_is_said_never_to_be_sent_only_when_td_worker_will_not_take_it() -> None:
    worker = Worker(outcome(OrderState.NOT_SENT, VOID_ID))
    look(worker, age_s=60)
    assert worker.asked == ["QryOrderOutcome", "VoidClientOrderID"]
    look(worker, age_s=60)  # of another process
    assert worker.asked[2:] == ["QryOrderOutcome"]
    assert worker.refused == [(-1, "it never reached td_worker, and will not")] * 2


def test_an_order_that_came_between_the_two_questions_is_not_refused() -> None:
    worker = Worker(outcome(OrderState.SENT))
    look(worker, age_s=60)
    assert worker.refused == []


def test_an_order_that_may_be_on_its_way_is_not_made_void() -> None:
    worker = Worker(outcome(OrderState.NOT_SENT, VOID_ID))
    with pytest.raises(Failed, match="may yet be sent"):
        look(worker, age_s=1)
    assert worker.asked == ["QryOrderOutcome"]
