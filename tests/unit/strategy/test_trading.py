"""``open_close`` on a counter that a test speaks for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bus.client import Closed
from bus.errors import BusError, Refused
from bus.orders import OrderState
from bus.strategy.actions import OrderUnknown
from bus.strategy.stopping import Stopped
from bus.strategy.trading import Trading, Wanted
from schemas.closing import Closable

LONG_S = 20.0


@dataclass
class FakeOrder:
    """Becomes ``later`` when somebody waits for it, and ``exchange`` when it was ACK; None: it does
    not in time."""

    client_order_id: str
    state: OrderState = OrderState.SENT
    later: OrderState | None = OrderState.ACK
    exchange: OrderState | None = None
    problem: BusError | None = None
    why: str = ""
    error_id: int = 0
    order_ref: str = "           7"
    order_sys_id: str = "      12"
    volume_traded: int = 0

    def wait(self, *states: OrderState, timeout_s: float | None = None) -> OrderState:
        assert timeout_s is not None
        if self.problem is not None:
            raise self.problem
        self.state = (self.exchange if self.state is OrderState.ACK else self.later) or self.state
        return self.state


@dataclass
class FakeCounter:
    """``lots`` can be closed of each instrument; ``outcomes`` are of the next orders placed."""

    exchanges: dict[str, str] = field(
        default_factory=lambda: (
            {"rb2701": "SHFE", "sc2701": "INE", "m2701": "DCE"}
            | {"IF2612": "CFFEX", "SR701": "CZCE", "si2701": "GFEX"}
        )
    )
    lots: Closable = field(default_factory=lambda: Closable(today=2, earlier=3))
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    placed: dict[str, Wanted] = field(default_factory=dict)
    orders: dict[str, FakeOrder] = field(default_factory=dict)
    unable: Exception | None = None  # to say what became of an order
    asked: int = 0
    on_closable: Callable[[], None] = lambda: None

    def exchange(self, instrument: str, timeout_s: float) -> str:
        return self.exchanges.get(instrument, "")

    def closable(self, instrument: str, *, buys: bool, timeout_s: float) -> Closable:
        self.asked += 1
        self.on_closable()
        return self.lots

    def place(self, wanted: Wanted, client_order_id: str) -> FakeOrder:
        assert client_order_id not in self.placed
        self.placed[client_order_id] = wanted
        outcome = self.outcomes.pop(0) if self.outcomes else {}
        order = self.orders[client_order_id] = FakeOrder(client_order_id, **outcome)
        return order

    def find(self, client_order_id: str, timeout_s: float) -> FakeOrder | None:
        if self.unable is not None:
            raise self.unable
        return self.orders.get(client_order_id)

    def sides(self) -> list[tuple[str, str, int]]:
        return [(each.side, each.offset, each.volume) for each in self.placed.values()]


def call(
    counter: FakeCounter,
    instrument: str = "rb2701",
    action: str = "kaiduo",
    volume: Any = 1,
    price: float = 3300.0,
    *,
    block: bool = True,
    name: str = "",
) -> Any:
    return Trading(counter).open_close(instrument, action, volume, price, block, 5.0, name)


REFUSED = {"later": OrderState.REJECTED, "error_id": 31, "why": "CTP:资金不足"}


@pytest.mark.parametrize(
    ("action", "side", "offset"),
    [
        ("kaiduo", "buy", "open"),
        ("kaikong", "sell", "open"),
        ("pingduo", "sell", "close"),
        ("pingkong", "buy", "close"),
    ],
)
@pytest.mark.parametrize("instrument", ["m2701", "IF2612", "SR701", "si2701"])
def test_an_action_is_one_order_where_lots_are_not_told_apart(
    action: str, side: str, offset: str, instrument: str
) -> None:
    counter = FakeCounter()
    result = call(counter, instrument, action, 9)
    assert counter.sides() == [(side, offset, 9)]
    assert counter.asked == 0, "the exchange knows its lots"
    assert result["success"]
    assert (result["order_ref"], result["action"], result["volume"]) == ("7", action, 9)


@pytest.mark.parametrize("instrument", ["rb2701", "sc2701"])
@pytest.mark.parametrize(("action", "side"), [("pingduo", "sell"), ("pingkong", "buy")])
def test_shfe_and_ine_get_an_order_for_each_kind_of_lots(
    instrument: str, action: str, side: str
) -> None:
    counter = FakeCounter()
    result = call(counter, instrument, action, 4)
    assert counter.sides() == [(side, "close_yesterday", 3), (side, "close_today", 1)]
    assert {each.exchange for each in counter.placed.values()} == {counter.exchanges[instrument]}
    assert (result["success"], result["order_ref"]) == (True, "7, 7")
    assert result["note"] == "close_yesterday 3, close_today 1"


def test_lots_of_one_kind_are_one_order() -> None:
    counter = FakeCounter(lots=Closable(today=5))
    call(counter, "rb2701", "pingduo", 5)
    assert counter.sides() == [("sell", "close_today", 5)]


def test_more_than_there_is_is_refused_before_anything_is_sent() -> None:
    counter = FakeCounter()
    result = call(counter, "rb2701", "pingduo", 6)
    assert (result["success"], result["error_id"], counter.placed) == (False, 30, {})
    assert result["error_msg"] == "CTP:平仓量超过持仓量"
    assert "2 of today and 3 of earlier days" in result["note"]


def test_an_instrument_that_the_counter_does_not_have_is_refused() -> None:
    counter = FakeCounter()
    result = call(counter, "xx2701")
    assert (result["success"], result["error_id"], counter.placed) == (False, 16, {})


@pytest.mark.parametrize(
    "words",
    [
        ("rb2701", "mai", 1, 1.0),
        ("rb2701", "kaiduo", 0, 1.0),
        ("rb2701", "kaiduo", -1, 1.0),
        ("rb2701", "kaiduo", 1.0, 1.0),
        ("rb2701", "kaiduo", True, 1.0),
        ("rb2701", "kaiduo", 1, 0.0),
        ("rb2701", "kaiduo", 1, float("nan")),
        ("rb2701", "kaiduo", 1, float("inf")),
    ],
)
def test_what_is_no_order_raises_and_sends_nothing(words: tuple[Any, ...]) -> None:
    counter = FakeCounter()
    with pytest.raises(ValueError, match=r"^(action|volume|price): "):
        call(counter, *words)
    assert counter.placed == {}


def test_a_refusal_is_told_with_the_counters_words() -> None:
    counter = FakeCounter(outcomes=[REFUSED])
    result = call(counter)
    assert not result["success"]
    assert (result["error_id"], result["error_msg"]) == (31, "CTP:资金不足")


def test_after_a_refusal_of_the_first_part_the_second_is_not_sent() -> None:
    counter = FakeCounter(outcomes=[REFUSED])
    assert not call(counter, "rb2701", "pingduo", 5)["success"]
    assert counter.sides() == [("sell", "close_yesterday", 3)]


def test_an_order_that_nobody_knows_of_is_no_refusal_and_ends_the_call() -> None:
    counter = FakeCounter(outcomes=[{"later": None}])
    with pytest.raises(OrderUnknown) as caught:
        call(counter, "rb2701", "pingduo", 5)
    assert len(counter.placed) == 1
    (name,) = counter.placed
    assert name == f"{caught.value.client_order_id}/1"


def test_what_the_exchange_refuses_after_the_counter_has_it_is_a_refusal() -> None:
    refused = {"order_sys_id": "", "exchange": OrderState.REJECTED, "why": "价格超出涨跌停板"}
    result = call(FakeCounter(outcomes=[refused]))
    assert (result["success"], result["error_msg"]) == (False, "价格超出涨跌停板")
    silent = FakeCounter(outcomes=[{"order_sys_id": ""}])
    assert Trading(silent).open_close("rb2701", "kaiduo", 1, 3300.0, True, 0.05)["success"]


@pytest.mark.parametrize(
    ("problem", "raised"),
    [(Refused(3, "CTP:不合法的登录"), OrderUnknown), (Closed("the client was closed"), Stopped)],
)
def test_an_order_of_which_nothing_more_is_heard_is_not_told_as_refused(
    problem: BusError, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        call(FakeCounter(outcomes=[{"problem": problem}]))


def test_without_block_nobody_is_waited_for() -> None:
    counter = FakeCounter(outcomes=[{"later": None}, {"later": None}])
    result = call(counter, "rb2701", "pingduo", 5, block=False)
    assert (result["success"], len(counter.placed)) == (True, 2)
    counter = FakeCounter(outcomes=[{"state": OrderState.NOT_SENT, "why": "td_worker is away"}])
    result = call(counter, block=False)
    assert (result["success"], result["error_id"]) == (False, -1)
    assert result["error_msg"] == "td_worker is away"


def test_the_same_name_is_asked_for_and_sends_nothing() -> None:
    counter = FakeCounter()
    first = call(counter, "rb2701", "pingduo", 5, name="mine")
    counter.lots = Closable()
    counter.orders["mine/1"].volume_traded = 3
    again = call(counter, "rb2701", "pingduo", 5, name="mine")
    assert (first["success"], again["success"], again["volume_traded"]) == (True, True, 3)
    assert list(counter.placed) == ["mine/1", "mine/2"]
    del counter.orders["mine/2"]
    half = call(counter, "rb2701", "pingduo", 5, name="mine")
    assert not half["success"]
    assert half["error_msg"] == "the order for the lots of today was never sent"
    assert call(counter, name="single")["success"]
    assert call(counter, name="single")["success"]
    assert len(counter.placed) == 3
    with pytest.raises(ValueError, match="client_order_id"):
        call(counter, name="n" * 63)


@pytest.mark.parametrize(
    ("unable", "raised"),
    [
        (TimeoutError("td_worker did not answer"), OrderUnknown),
        (RuntimeError("-500 内部错误: an earlier day cannot be read"), OrderUnknown),
        (Stopped(), Stopped),
    ],
)
def test_when_nobody_can_say_what_became_of_a_name_its_order_may_live(
    unable: Exception, raised: type[Exception]
) -> None:
    counter = FakeCounter()
    call(counter, name="mine")
    counter.unable = unable
    with pytest.raises(raised):
        call(counter, name="mine")
    assert list(counter.placed) == ["mine"]


def test_two_that_close_the_same_instrument_do_not_count_the_same_lots() -> None:
    inside, most = threading.Semaphore(0), []
    counter = FakeCounter()
    trading = Trading(counter)
    busy = threading.Lock()

    def alone() -> None:
        most.append(busy.acquire(blocking=False))
        inside.release()
        busy.release()

    counter.on_closable = alone
    threads = [
        threading.Thread(
            target=trading.open_close, args=("rb2701", "pingduo", 1, 3300.0, True, LONG_S)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert most == [True] * 8


def test_an_order_that_does_not_rest_is_waited_for_to_its_end() -> None:
    counter = FakeCounter(outcomes=[{"state": OrderState.ACK, "exchange": OrderState.CANCELLED}])
    trading = Trading(counter)
    assert trading.open_close("rb2701", "kaiduo", 1, 3300.0, True, 5.0, "a", "fak")["success"]
    assert counter.orders["a"].state is OrderState.CANCELLED
    counter.outcomes = [{"state": OrderState.ACK, "later": None}]
    with pytest.raises(OrderUnknown):
        trading.open_close("rb2701", "kaiduo", 1, 3300.0, True, 5.0, "b", "fak")
