"""What comes from the bus reaches those who wait, whatever a plugin does meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any, cast

import pytest

import schemas.catalogue
from bus.client.items import Fresh, Item, Return, Stale, Tick
from bus.client.sync import Account, Client
from bus.errors import BusError, Refused, Unavailable
from bus.frames import Flag, account_topic, message_type, tick_topic
from bus.orders import Place
from bus.strategy.api import SyncStrategyApi
from bus.strategy.following import Following
from bus.strategy.plugins import Plugins, StrategyPlugin
from bus.strategy.position import Position
from bus.strategy.quote import Quote
from bus.strategy.quotes import Quotes
from schemas.calendar import always_open

CATALOGUE = schemas.catalogue.load()
LONG_S = 20.0
RB = "rb2701"


class Stream:
    """Gives what is put into it; an exception is raised, None is the end."""

    def __init__(self) -> None:
        self.items: SimpleQueue[Item | BaseException | None] = SimpleQueue()

    def __iter__(self) -> Iterator[Item]:
        while (item := self.items.get(timeout=LONG_S)) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item


class Bus:
    """A client and an account, with nothing behind them."""

    catalogue = CATALOGUE
    reached = Place(1, 0)

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.limits: list[int] = []
        self.own_returns = Stream()
        self.quotes, self.plugins = Quotes(), Plugins()
        self.asked = 0
        self.told: Place | BusError = self.reached
        self.following = Following(
            cast(Client, self), always_open(), self.quotes, self.plugins, self.ask
        )
        self.positions = self.following.positions
        self.following.account(cast(Account, self))

    def ask(self, instrument: str, timeout_s: float) -> Position:
        self.asked += 1
        return Position(pos_long=self.asked)

    def ticks(self, name: str, *, limit: int) -> Stream:
        self.limits.append(limit)
        return self.streams.setdefault(name, Stream())

    def returns(self) -> Stream:
        return self.own_returns

    def told_since(self, place: Place, *, timeout_s: float) -> bool:
        if isinstance(self.told, BusError):
            raise self.told
        return self.told != place

    def fields(self, item: Tick | Return) -> dict[str, Any]:
        name = "DepthMarketData" if isinstance(item, Tick) else "Trade"
        return CATALOGUE.codec(name).unpack(item.body)

    def name(self, item: Return) -> str:
        return "OnRtnTrade"

    def close(self) -> None:
        for stream in (*self.streams.values(), self.own_returns):
            stream.items.put(None)
        self.following.join(LONG_S)


@pytest.fixture
def bus() -> Iterator[Bus]:
    bus = Bus()
    yield bus
    bus.close()


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def told_more_than(bus: Bus, lots: int) -> bool:
    return bus.positions.get(RB, 1).pos_long > lots


def a_tick(price: float, body: bytes | None = None) -> Tick:
    clock = {"TradingDay": "20261123", "ActionDay": "20261123", "UpdateTime": "10:00:00"}
    codec = CATALOGUE.codec("DepthMarketData")
    body = codec.pack({"InstrumentID": RB, "LastPrice": price, **clock}) if body is None else body
    kind = message_type("OnRtnDepthMarketData")
    return Tick(tick_topic(RB), 1, 1, 0, 0, kind, 0, Flag.HAS_FIELD, body)


def a_trade(seq: int) -> Return:
    body = CATALOGUE.codec("Trade").pack({"InstrumentID": RB})
    kind = message_type("OnRtnTrade")
    return Return(account_topic("9999", "1"), 1, seq, 0, 0, kind, 0, Flag.HAS_FIELD, body)


class Slow(StrategyPlugin):
    """Notes trades, and is in no hurry."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.seen: SimpleQueue[str] = SimpleQueue()

    def on_init(self, api: SyncStrategyApi) -> None:
        pass

    def on_quote(self, quote: Quote) -> Quote | None:
        assert self.go_on.wait(LONG_S)
        return quote

    def on_trade(self, trade_data: dict[str, Any]) -> dict[str, Any] | None:
        assert self.go_on.wait(LONG_S)
        self.seen.put(trade_data["MsgType"])
        return trade_data


def test_an_instrument_is_followed_once_and_few_of_its_ticks_wait(bus: Bus) -> None:
    bus.following.follow(RB)
    bus.following.follow(RB)
    assert bus.limits == [16]
    bus.streams[RB].items.put(a_tick(1.0))
    assert bus.quotes.get(RB, LONG_S).LastPrice == 1.0


@pytest.mark.parametrize("name", ["", "rb*", "*"])
def test_what_is_no_instrument_is_refused(bus: Bus, name: str) -> None:
    with pytest.raises(ValueError, match="no instrument"):
        bus.following.follow(name)


def test_a_tick_that_cannot_be_read_is_passed_over(bus: Bus) -> None:
    bus.following.follow(RB)
    bus.streams[RB].items.put(a_tick(1.0, b"short"))
    bus.streams[RB].items.put(a_tick(2.0))
    assert bus.quotes.get(RB, LONG_S).LastPrice == 2.0


def test_a_quote_that_nobody_follows_any_more_is_not_given_out(bus: Bus) -> None:
    bus.following.follow(RB)
    bus.streams[RB].items.put(a_tick(1.0))
    bus.quotes.get(RB, LONG_S)
    bus.streams[RB].items.put(Refused(-1, "over"))

    def refused() -> bool:
        try:
            bus.quotes.get(RB, 0)
        except TimeoutError:
            return True
        return False

    until(refused)


def test_a_slow_plugin_does_not_keep_a_trade_from_the_positions(bus: Bus) -> None:
    plugin = Slow()
    bus.plugins.register(plugin, cast(SyncStrategyApi, None))
    for number in (1, 2):
        until(lambda: bus.positions.get(RB, 1) == bus.positions.get(RB, 1))
        bus.told = Place(1, number)
        bus.own_returns.items.put(a_trade(number))
        until(partial(told_more_than, bus, bus.asked))
    plugin.go_on.set()
    assert [plugin.seen.get(timeout=LONG_S) for _ in range(2)] == ["RtnTrade"] * 2


def test_while_returns_are_silent_positions_are_asked_for(bus: Bus) -> None:
    bus.own_returns.items.put(Stale("td"))
    until(lambda: bus.positions.get(RB, 1).pos_long > 1)
    assert bus.positions.get(RB, 1) != bus.positions.get(RB, 1)
    bus.own_returns.items.put(Fresh("td"))
    until(lambda: bus.positions.get(RB, 1) == bus.positions.get(RB, 1))


@pytest.mark.parametrize("told", [Place(1, 1), Unavailable("td_worker")])
def test_a_return_that_is_told_and_not_seen_yet_counts_and_so_does_silence(
    bus: Bus, told: Place | BusError
) -> None:
    assert bus.positions.get(RB, 1) == bus.positions.get(RB, 1)
    bus.told = told
    assert bus.positions.get(RB, 1) != bus.positions.get(RB, 1)
