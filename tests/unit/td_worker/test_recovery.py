"""The barrier after a login, with a stream and a list played by the test."""

from __future__ import annotations

from typing import Any

import pytest

from bus.errors import request_failed
from schemas.counter import Event
from td_worker.queries.query import OnFailed, OnRow
from td_worker.recovery import Recovery
from tests.unit.td_worker.fakes import CATALOGUE

QUIET_S = 0.3
ORDERS, TRADES = "ReqQryOrder", "ReqQryTrade"


class Scene:
    def __init__(self) -> None:
        self.now = 10.0
        self.asked: list[tuple[str, OnRow, OnFailed]] = []
        self.lost: list[Event] = []
        self.done = 0
        self.recovery = Recovery(
            CATALOGUE,
            QUIET_S,
            ask=lambda *query: self.asked.append(query),
            lost=self.lost.append,
            done=self._done,
        )

    def _done(self) -> None:
        self.done += 1

    def begin(self) -> None:
        self.recovery.listen(self.now)
        self.recovery.start(self.now)

    def later(self, seconds: float = QUIET_S) -> None:
        self.now += seconds
        self.recovery.poll(self.now)

    def stream(self, *events: Event) -> None:
        for event in events:
            self.recovery.heard(event, self.now)

    def answer(self, orders: tuple[Event, ...] = (), trades: tuple[Event, ...] = ()) -> None:
        """The last two queries, in full."""
        for (_, on_row, _), method, rows in zip(
            self.asked[-2:], (ORDERS, TRADES), (orders, trades), strict=True
        ):
            name = method.replace("Req", "OnRsp")
            for row in rows:
                on_row(row._replace(name=name), False)
            on_row(Event(name, None, None, 1, True, 0, 0), True)
        self.recovery.poll(self.now)


def order(reference: str, number: str = "", status: str = "3", traded: int = 0) -> Event:
    values: dict[str, Any] = {
        "FrontID": 1,
        "SessionID": 7,
        "OrderRef": reference,
        "ExchangeID": "SHFE",
        "OrderSysID": number,
        "OrderStatus": status,
        "VolumeTraded": traded,
    }
    return Event("OnRtnOrder", CATALOGUE.codec("Order").pack(values), None, 0, False, 0, 0)


def trade(number: str, direction: str = "0") -> Event:
    values: dict[str, Any] = {"ExchangeID": "SHFE", "TradeID": number, "Direction": direction}
    return Event("OnRtnTrade", CATALOGUE.codec("Trade").pack(values), None, 0, False, 0, 0)


def test_a_quiet_stream_and_an_empty_list_agree() -> None:
    scene = Scene()
    scene.begin()
    scene.later(QUIET_S / 2)
    assert scene.asked == []
    scene.later()
    assert [method for method, _, _ in scene.asked] == [ORDERS, TRADES]
    assert scene.done == 0
    scene.answer()
    assert (scene.done, scene.lost) == (1, [])


def test_nothing_is_asked_while_the_replay_goes_on() -> None:
    scene = Scene()
    scene.begin()
    for number in range(20):
        scene.later(0.1)
        scene.stream(order(f"{number}"))
    assert scene.asked == []


def test_rows_that_come_by_the_stream_after_the_list_are_waited_for() -> None:
    """The replay was not over, only slow."""
    scene = Scene()
    scene.begin()
    scene.later()
    scene.answer((order("1", "11"),), (trade("5"),))
    assert scene.done == 0
    scene.stream(order("1", "11"), trade("5"))
    scene.later()
    assert (scene.done, scene.lost, len(scene.asked)) == (1, [], 2)


@pytest.mark.parametrize(
    "row", [order("1", "11", "0", 2), order("1", "11", "1", 1), order("1", "11", "5")]
)
def test_an_order_that_the_stream_has_brought_half_way_is_missing(row: Event) -> None:
    scene = Scene()
    scene.begin()
    scene.stream(order("1", "11"))
    scene.later()
    scene.answer((row,))
    scene.later(0.01)
    assert scene.done == 0
    scene.stream(row)
    scene.later()
    assert scene.done == 1


def test_a_row_behind_the_stream_is_known() -> None:
    scene = Scene()
    scene.begin()
    scene.stream(order("1", "11", "0", 2))
    scene.later()
    scene.answer((order("1", "11", "1", 1),))
    assert scene.done == 1


def test_both_sides_of_a_trade_with_oneself_are_two() -> None:
    scene = Scene()
    scene.begin()
    scene.stream(trade("5", "0"))
    scene.later()
    scene.answer((), (trade("5", "0"), trade("5", "1")))
    assert scene.done == 0


def test_what_the_stream_never_brings_is_taken_from_the_list_at_last() -> None:
    scene = Scene()
    scene.begin()
    missing = order("1", "11", "0", 2), trade("5")
    for attempt in (1, 2, 3):
        scene.later()
        assert (scene.done, len(scene.asked)) == (0, 2 * attempt)
        scene.answer((missing[0], order("2", "12")), (missing[1],))
        scene.stream(order("2", "12"))
    scene.later()
    assert scene.done == 1
    assert [(event.name, event.field) for event in scene.lost] == [
        ("OnRtnOrder", missing[0].field),
        ("OnRtnTrade", missing[1].field),
    ]


def test_an_account_that_trades_elsewhere_all_the_time_gets_in() -> None:
    scene = Scene()
    scene.begin()
    for number in range(40):
        scene.later(0.1)
        scene.stream(order(f"{number}"))
    assert len(scene.asked) == 2
    scene.answer((order("7"), order("8")))
    assert scene.done == 1


def test_a_query_without_an_answer_is_asked_again_and_is_no_attempt() -> None:
    scene = Scene()
    scene.begin()
    for attempt in range(1, 10):
        scene.later()
        assert len(scene.asked) == 2 * attempt
        scene.asked[-2][2](request_failed("no full answer"))
    scene.later()
    stale = scene.asked[-4][1]
    stale(order("99")._replace(name="OnRspQryOrder"), True)
    scene.answer()
    assert (scene.done, scene.lost) == (1, [])


def test_a_query_that_is_refused_for_good_leaves_the_stream_alone() -> None:
    scene = Scene()
    scene.begin()
    scene.later()
    info = CATALOGUE.codec("RspInfo").pack({"ErrorID": 9})
    scene.asked[0][1](Event("OnRspError", None, info, 1, True, 0, 0), True)
    scene.asked[1][1](Event("OnRspQryTrade", None, None, 1, True, 0, 0), True)
    scene.later(0)
    assert scene.done == 1


def test_what_an_earlier_connection_brought_does_not_count() -> None:
    scene = Scene()
    scene.begin()
    scene.stream(order("1", "11"))
    scene.recovery.stop()
    scene.later(1)
    assert scene.asked == []
    scene.begin()
    scene.later()
    scene.answer((order("1", "11"),))
    assert scene.done == 0


def test_the_replay_may_begin_before_the_counter_takes_queries() -> None:
    scene = Scene()
    scene.recovery.listen(scene.now)
    scene.stream(order("1", "11"))
    scene.later(5)
    assert scene.asked == []
    scene.recovery.start(scene.now)
    scene.later(0)
    scene.answer((order("1", "11"),))
    assert scene.done == 1
