"""A client that loses its connection while orders run, beside one that does not."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.exceptions import ConnectionClosed

from tests.support.group import CHECKOUT, READY_TIMEOUT_S, STOP_TIMEOUT_S, Group
from tests.support.ws_client import ONE_LOT, WsClient, ws

USER, PASSWORD = "028742", "123456"
SEED = 20261122
LONG_S = 30.0  # until a message that must come
ORDERS = 120


class Market:
    """What is traded, and at what."""

    def __init__(self, url: str) -> None:
        with ws(url) as client:
            client.log_in()
            client.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"})
            found = client.hear_of("RspQryInstrument")["Instrument"]
            self.names = {key: found[key] for key in ("InstrumentID", "ExchangeID")}
            client.send(MsgType="ReqQryDepthMarketData", QryDepthMarketData=self.names)
            prices = client.hear_of("RspQryDepthMarketData")["DepthMarketData"]
            self.rests, self.fills = prices["LowerLimitPrice"], prices["UpperLimitPrice"]

    def order(self, fills: bool) -> dict[str, Any]:
        return {
            **ONE_LOT,
            **self.names,
            "LimitPrice": self.fills if fills else self.rests,
        }


class Listener:
    """A client that keeps every return as it came, and the last Place that it saw."""

    def __init__(self, resumes: bool = True) -> None:
        self.returns: list[str] = []
        self.place: str | None = None
        self.gaps = 0
        self._resumes = resumes

    def log_in(self, client: WsClient) -> None:
        resume = self.place if self._resumes else None
        payload = {"UserID": USER, "Password": PASSWORD}
        client.send(MsgType="ReqUserLogin", ReqUserLogin=payload, Resume=resume)
        reply = client.hear(LONG_S)
        assert reply["MsgType"] == "RspUserLogin"
        assert reply["RspInfo"]["ErrorID"] == 0, reply
        self.place = reply["Place"]
        assert resume in (None, self.place)

    def hear(self, client: WsClient) -> dict[str, Any]:
        text = client.text(LONG_S)
        heard: dict[str, Any] = json.loads(text)
        self.gaps += heard["MsgType"] == "Gap"
        self.place = heard["Place"]
        self.returns.append(text)
        return heard

    def listen(self, client: WsClient, until: Callable[[dict[str, Any]], bool]) -> None:
        while not until(self.hear(client)):
            pass

    def places(self) -> list[tuple[int, int]]:
        pairs = (json.loads(text)["Place"].split("-") for text in self.returns)
        return [(int(epoch), int(seq)) for epoch, seq in pairs]

    def payloads(self, name: str, key: str) -> list[dict[str, Any]]:
        heard = [json.loads(text) for text in self.returns]
        return [message[key] for message in heard if message["MsgType"] == name]


def cut(client: WsClient) -> None:
    """The line ends; what was on its way is gone."""
    client.connection.socket.shutdown(socket.SHUT_RDWR)


def is_memo(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a message is the return of the order with this text, known to the exchange."""
    return lambda heard: (
        heard["MsgType"] == "RtnOrder"
        and heard["Order"]["OrderMemo"] == text
        and bool(heard["Order"]["OrderSysID"])
    )


def trade(url: str, market: Market, count: int) -> None:
    """Orders one behind the other, every second one is filled at once."""
    with ws(url) as client:
        client.log_in()
        for number in range(count):
            client.send(MsgType="ReqOrderInsert", InputOrder=market.order(bool(number % 2)))
            client.hear_of("RtnOrder", LONG_S)


def mark(url: str, market: Market, text: str) -> None:
    """One more order, by which everybody knows that all others are behind him."""
    with ws(url) as client:
        client.log_in()
        order = {**market.order(fills=False), "OrderMemo": text}
        while True:
            client.send(MsgType="ReqOrderInsert", InputOrder=order, ClientOrderID=text)
            heard = client.hear(LONG_S)
            while heard["MsgType"] not in ("OrderOutcome", "RspOrderInsert"):
                heard = client.hear(LONG_S)
            if heard["MsgType"] == "OrderOutcome":
                return
            assert heard["RspInfo"]["ErrorID"] == -1, heard  # recovering


@contextmanager
def another_edge(group: Group, path: Path) -> Iterator[str]:
    """A second ws_edge of the group; its URL."""
    file = path / "other.yaml"
    file.write_text(yaml.safe_dump({**group.config, "ws_edge": {"port": 0}}), "utf-8")
    command = [sys.executable, "-m", "ws_edge", "--config", str(file)]
    with (path / "other.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=CHECKOUT)
    with process:
        assert process.stdout is not None
        watch = threading.Timer(READY_TIMEOUT_S, process.kill)
        watch.start()
        ready = process.stdout.readline()
        watch.cancel()
        try:
            yield json.loads(ready)["ready"]["ws"] + "/td/?seq=on"
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


class Stage:
    """A group with two edges: ``url`` is that of the one that may be killed."""

    def __init__(self, group: Group, other: str) -> None:
        self.group, self.other = group, other
        self.market = Market(other)

    @property
    def url(self) -> str:
        return self.group.url("/td/?seq=on")

    @contextmanager
    def trading(self) -> Iterator[threading.Thread]:
        thread = threading.Thread(target=trade, args=(self.other, self.market, ORDERS))
        thread.start()
        try:
            yield thread
        finally:
            thread.join()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    path = tmp_path_factory.mktemp("resume")
    with Group(path) as group:
        group.start_all()
        with another_edge(group, path) as other:
            yield Stage(group, other)


def begin(stack: ExitStack, url: str, *listeners: Listener) -> list[WsClient]:
    """They log in, and begin at one place."""
    clients = [stack.enter_context(ws(url)) for _ in listeners]
    for listener, client in zip(listeners, clients, strict=True):
        listener.log_in(client)
    place = listeners[-1].place
    for listener in listeners:
        listener.place = place
    return clients


def listen_with_cuts(stage: Stage, listener: Listener, client: WsClient, cuts: int) -> None:
    """It hears some returns, is cut, and goes on at the other edge."""
    chance = random.Random(SEED)
    with ExitStack() as stack:
        for number in range(cuts):
            for _ in range(chance.randrange(1, 25)):
                listener.hear(client)
            cut(client)
            client = stack.enter_context(ws((stage.other, stage.url)[number % 2]))
            listener.log_in(client)
        mark(stage.other, stage.market, "the end")
        listener.listen(client, is_memo("the end"))


def test_a_client_that_is_cut_again_and_again_has_what_the_others_have(stage: Stage) -> None:
    watcher, listener = Listener(), Listener()
    with ExitStack() as stack:
        steady, client = begin(stack, stage.url, watcher, listener)
        with stage.trading():
            listen_with_cuts(stage, listener, client, cuts=12)
        mark(stage.other, stage.market, "all done")
        with ws(stage.url) as last:
            listener.log_in(last)
            listener.listen(last, is_memo("all done"))
        watcher.listen(steady, is_memo("all done"))
    assert len(watcher.returns) > 2 * ORDERS
    assert listener.returns == watcher.returns
    assert listener.gaps == 0


@pytest.mark.parametrize("resumes", [True, False])
def test_what_happened_while_it_was_away_comes_to_who_resumes(stage: Stage, resumes: bool) -> None:
    watcher, listener = Listener(), Listener(resumes)
    away, end = f"away {resumes}", f"end {resumes}"
    with ExitStack() as stack:
        steady, client = begin(stack, stage.url, watcher, listener)
        cut(client)
        trade(stage.other, stage.market, 10)
        mark(stage.other, stage.market, away)
        watcher.listen(steady, is_memo(away))
        missed = len(watcher.returns)
        client = stack.enter_context(ws(stage.other))
        listener.log_in(client)
        mark(stage.other, stage.market, end)
        watcher.listen(steady, is_memo(end))
        listener.listen(client, is_memo(end))
    assert missed > 20
    assert listener.returns == watcher.returns[0 if resumes else missed :]


def test_it_goes_on_after_the_end_of_its_edge(stage: Stage) -> None:
    watcher, listener = Listener(), Listener()
    with ExitStack() as stack:
        (steady,) = begin(stack, stage.other, watcher)
        with stage.trading():
            for _ in range(3):
                with ws(stage.url) as client:
                    listener.place = listener.place or watcher.place
                    listener.log_in(client)
                    for _ in range(20):
                        listener.hear(client)
                    stage.group.restart("ws_edge")
        mark(stage.other, stage.market, "edges done")
        with ws(stage.url) as client:
            listener.log_in(client)
            listener.listen(client, is_memo("edges done"))
        watcher.listen(steady, is_memo("edges done"))
    assert listener.returns == watcher.returns
    assert listener.gaps == 0


def test_it_goes_on_after_the_end_of_td_worker(stage: Stage) -> None:
    """Nobody is uninterrupted here, so what came is held against what the exchange knows."""
    listener = Listener()
    with ExitStack() as stack:
        (client,) = begin(stack, stage.other, listener)
        before = known(stage.url)
        trader = threading.Thread(target=trade_until_cut, args=(stage.other, stage.market))
        trader.start()
        for _ in range(40):
            listener.hear(client)
        stage.group.restart("td_worker")
        with pytest.raises(ConnectionClosed):
            listener.listen(client, lambda heard: False)
        trader.join()
        mark(stage.other, stage.market, "workers done")
        client = stack.enter_context(ws(stage.url))
        listener.log_in(client)
        listener.listen(client, is_memo("workers done"))
    places, (orders, trades) = listener.places(), known(stage.url)
    assert places == sorted(set(places))
    assert len({epoch for epoch, _ in places}) == 2
    assert listener.gaps == 0
    told = [trade["TradeID"] for trade in listener.payloads("RtnTrade", "Trade")]
    assert sorted(told) == sorted(trades - before[1])
    assert len(told) > 5
    statuses = {
        order["OrderSysID"]: order["OrderStatus"]
        for order in listener.payloads("RtnOrder", "Order")
        if order["OrderSysID"]
    }
    assert statuses == {key: orders[key] for key in orders.keys() - before[0].keys()}


def trade_until_cut(url: str, market: Market) -> None:
    with suppress(ConnectionClosed):
        trade(url, market, 1_000_000)


def known(url: str) -> tuple[dict[str, str], set[str]]:
    """The statuses of all orders, and the trades."""
    with ws(url) as client:
        client.log_in()
        client.send(MsgType="ReqQryOrder", QryOrder={})
        orders = [row["Order"] for row in client.rows("RspQryOrder")]
        client.send(MsgType="ReqQryTrade", QryTrade={})
        trades = [row["Trade"] for row in client.rows("RspQryTrade")]
    return {row["OrderSysID"]: row["OrderStatus"] for row in orders}, {
        row["TradeID"] for row in trades
    }


def test_who_lags_far_behind_is_closed_and_goes_on_from_there(tmp_path: Path) -> None:
    fast, slow = Listener(), Listener()
    fast.place = slow.place = "0-0"
    codes = []
    with Group(tmp_path, overrides={"ws_edge": {"send_limit_bytes": 128 << 10}}) as group:
        group.start_all()
        url = group.url("/td/?seq=on")
        market = Market(url)
        trade(url, market, 300)
        mark(url, market, "done")
        while True:
            with ws(url) as client:
                slow.log_in(client)
                time.sleep(0.1)  # it does something else
                try:
                    slow.listen(client, is_memo("done"))
                    break
                except ConnectionClosed as end:
                    codes.append(end.rcvd and end.rcvd.code)  # None: the line was cut already
        while True:
            with ws(url) as client, suppress(ConnectionClosed):
                fast.log_in(client)
                fast.listen(client, is_memo("done"))
                break
    assert 1013 in codes
    assert set(codes) <= {1013, None}
    assert slow.returns == fast.returns
    assert len(slow.returns) > 600
    assert slow.gaps == fast.gaps == 0
