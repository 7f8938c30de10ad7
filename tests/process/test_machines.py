"""Two machines with a bad wire between them: workers on one, everybody else on the other.

The machines are network namespaces, the wire is a process that loses packets (tests/support).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zmq
from websockets.asyncio.client import ClientConnection, connect

from admin.keygen import machines as files_by_key
from admin.keygen import make
from bus import links
from bus.client import Client, Gap, Place, Restarted, Return, Tick, addresses_of
from bus.errors import Unavailable
from bus.publisher import Publisher
from bus.roles import ROLES
from bus.rpc import Caller, Router
from bus.security import Keys
from bus.subscriber import Subscriber
from tests.support.group import Group
from tests.support.machines import ADDRESSES, Machines, missing
from tests.support.ws_client import ONE_LOT

_MISSING = missing()
pytestmark = pytest.mark.skipif(
    bool(_MISSING) and os.environ.get("CI") != "true", reason=_MISSING or "nothing"
)

PORTS = {"md_pub": 5551, "md_rpc": 5552, "td_pub": 5553, "td_rpc": 5554}
WAIT_S = 30.0
NOTICED_S = (links.HEARTBEAT_MS + links.HEARTBEAT_TIMEOUT_MS) / 1000
INSTRUMENTS = ("600000", "000001", "510300")
FINAL = ("FILLED", "REJECTED", "NOT_SENT", "CANCELLED")


@pytest.fixture
def machines() -> Iterator[Machines]:
    with Machines() as machines:
        yield machines


def keys_for(path: Path, *names: str) -> Path:
    """A machine's folder of keys, with what keygen says that it needs."""
    store, folder = path.parent / "all-keys", path
    make(store, list(ROLES))
    folder.mkdir(mode=0o700)
    for file in {file for name in names for file in files_by_key(store)[name]}:
        shutil.copy2(store / file, folder)
    return folder


async def until(fact: Callable[[], bool], what: str, within_s: float = WAIT_S) -> float:
    """How long it took until ``fact``."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < within_s, f"no {what} within {within_s} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


# -- the link alone -------------------------------------------------------------------------------


class Ends:
    """A publisher and a router on machine a, a subscriber and a caller on machine b."""

    def __init__(self, machines: Machines, path: Path) -> None:
        here, there = keys_for(path / "b", "edge"), keys_for(path / "a", "md_worker")
        self.server = Keys(there, "md_worker")
        with machines.inside("a"):
            self.far: zmq.Context[Any] = zmq.Context()
            self.publisher = Publisher(self.far, "tcp://0.0.0.0:5551", 1, 1, keys=self.server)
            self.router = Router(self.far, "tcp://*:5552", 1, self.server)
        self.heard = self.lost = 0
        self.interest: list[bool] = []
        with machines.inside("b"):
            self.near: zmq.Context[Any] = zmq.Context()
            address, keys = f"tcp://{ADDRESSES['a']}", Keys(here, "edge")
            self.caller = Caller(self.near, f"{address}:5552", "md_worker", keys)
            self.subscriber = Subscriber(self.near, f"{address}:5551", self._on_message, keys=keys)
        self.subscriber.subscribe(b"t/")
        self._beating = asyncio.create_task(self._beat())

    def _on_message(self, message: bytes) -> None:
        self.heard += 1

    def _on_lost(self) -> None:
        self.lost += 1

    async def _beat(self) -> None:
        """A message every 50 ms, whoever listens."""
        while True:
            self.publisher.publish(self.publisher.stream("t/"), 1, 0, b"x" * 400, 0)
            self.interest += [wanted for wanted, _ in self.publisher.subscriptions()]
            while self.router.receive() is not None:
                pass
            await asyncio.sleep(0.05)

    def asks(self) -> bool:
        """Whether a call, which is never answered, could be sent."""
        deadline = time.time_ns() + 10**11
        with contextlib.suppress(Unavailable):
            self.caller.call("State", lambda row: None, self._on_lost, deadline_ns=deadline)
            return True
        return False

    def hears(self) -> Callable[[], bool]:
        before = self.heard
        return lambda: self.heard > before + 2

    async def close(self) -> None:
        self._beating.cancel()
        self.caller.close()
        self.subscriber.close()
        self.publisher.close()
        self.router.close()
        self.server.close()
        self.near.destroy(linger=0)
        self.far.destroy(linger=0)


@contextlib.asynccontextmanager
async def both_ends(machines: Machines, path: Path) -> AsyncIterator[Ends]:
    ends = Ends(machines, path)
    try:
        await until(ends.hears(), "message")
        await until(ends.asks, "connection")
        yield ends
    finally:
        await ends.close()


@pytest.mark.parametrize("how", ["silent", "told"])
def test_a_cut_shows_to_both_ends_and_mends_itself(
    machines: Machines, tmp_path: Path, how: str
) -> None:
    def link(up: bool) -> None:
        if how == "silent":
            machines.loss(0.0 if up else 1.0)
        else:
            machines.link("b", up)

    async def scenario() -> None:
        async with both_ends(machines, tmp_path) as ends:
            for cut_s in (1.0, 6.0) if how == "silent" else (6.0,):  # the short one is TCP's
                link(up=False)
                cut = time.monotonic()
                if cut_s > NOTICED_S:
                    await until(lambda: ends.lost > 0, "loss", NOTICED_S + 3)
                    await until(lambda: ends.interest[-1:] == [False], "end of interest")
                    assert time.monotonic() - cut < NOTICED_S + 3
                    assert not ends.asks()
                await asyncio.sleep(max(0.0, cut + cut_s - time.monotonic()))
                link(up=True)
                await until(ends.hears(), "message after the cut", 8)
                await until(ends.asks, "connection after the cut", 8)

    asyncio.run(scenario())


def test_without_heartbeats_a_cut_shows_to_nobody(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        option: value
        for option, value in links._OPTIONS.items()
        if option not in (zmq.HEARTBEAT_IVL, zmq.HEARTBEAT_TIMEOUT)
        and not zmq.SocketOption(option).name.startswith("TCP_KEEPALIVE")
    }
    monkeypatch.setattr(links, "_OPTIONS", options)

    async def scenario() -> None:
        async with both_ends(machines, tmp_path) as ends:
            machines.loss(1.0)
            with pytest.raises(AssertionError, match="no loss"):
                await until(lambda: ends.lost > 0 or False in ends.interest, "loss", NOTICED_S + 2)
            assert ends.asks()  # into nowhere

    asyncio.run(scenario())


# -- a group over the link ------------------------------------------------------------------------


async def log_in(socket: ClientConnection, user: str, password: str) -> None:
    """Again until the edge has found its worker."""
    login = {"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": user, "Password": password}}
    async with asyncio.timeout(WAIT_S):
        await socket.send(json.dumps(login))
        async for text in socket:
            reply = json.loads(text)
            if reply["MsgType"] != "RspUserLogin":
                continue
            if reply["RspInfo"]["ErrorID"] == 0:
                return
            await asyncio.sleep(0.1)
            await socket.send(json.dumps(login))


@dataclass
class Trader:
    """A WebSocket client that places orders under ids of its own and finds out about each.

    An order without an answer is sent again under the same id: that never makes a second one.
    """

    url: str
    stopping: bool = False
    states: dict[str, str] = field(default_factory=dict)
    trades: Counter[str] = field(default_factory=Counter)
    again: int = 0
    _asked: dict[int, str] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _order: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> None:
        async with connect(self.url + "/td/", proxy=None, max_size=None) as socket:
            await self._prepare(socket)
            reading = asyncio.create_task(self._read(socket))
            ids = itertools.count(1)
            requests = itertools.count(100)
            while not (self.stopping and self.settled()):
                if not self.stopping:
                    self.states[f"order-{next(ids)}"] = ""
                for name, state in self.states.items():
                    if state in FINAL or time.monotonic() < self._due.get(name, 0.0):
                        continue
                    self.again += name in self._due
                    # An order is answered at once; after this its answer is late or lost.
                    self._due[name] = time.monotonic() + 3.0
                    request = next(requests)
                    self._asked[request] = name
                    order = self._order | {"BusinessUnit": name}
                    await self._send(
                        socket,
                        "ReqOrderInsert",
                        InputOrder=order,
                        ClientOrderID=name,
                        RequestID=request,
                    )
                assert not reading.done(), reading.result()
                await asyncio.sleep(0.2)
            await until(lambda: len(self.trades) == len(self.states), "return of each trade")
            reading.cancel()

    def settled(self) -> bool:
        return all(state in FINAL for state in self.states.values())

    async def _prepare(self, socket: ClientConnection) -> None:
        await log_in(socket, "028742", "123456")
        await self._send(socket, "ReqQryInstrument", QryInstrument={"ProductID": "rb"})
        found = (await self._next(socket, "RspQryInstrument"))["Instrument"]
        names = {key: found[key] for key in ("InstrumentID", "ExchangeID")}
        await self._send(socket, "ReqQryDepthMarketData", QryDepthMarketData=names)
        tick = (await self._next(socket, "RspQryDepthMarketData"))["DepthMarketData"]
        price = tick["UpperLimitPrice"]  # fills at once
        self._order = {**ONE_LOT, **names, "LimitPrice": price}

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            kind, outcome = message["MsgType"], message.get("OrderOutcome")
            if kind == "RtnTrade":
                self.trades[message["Trade"]["OrderSysID"]] += 1
            elif kind == "OrderOutcome" and outcome["ClientOrderID"] in self.states:
                self.states[outcome["ClientOrderID"]] = outcome["State"]
            elif kind == "RspOrderInsert" and message.get("RequestID") in self._asked:
                # Refused here, so nothing was sent: soon once more.
                self._due[self._asked[message["RequestID"]]] = time.monotonic() + 0.5

    async def _send(self, socket: ClientConnection, kind: str, **keys: Any) -> None:
        await socket.send(json.dumps({"MsgType": kind, **keys}))

    async def _next(self, socket: ClientConnection, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_S):
            async for text in socket:
                message: dict[str, Any] = json.loads(text)
                if message["MsgType"] == kind:
                    assert (message["RspInfo"] or {"ErrorID": 0})["ErrorID"] == 0, message
                    return message
        raise AssertionError(f"the edge hung up before {kind}")


@dataclass
class Watcher:
    """A WebSocket client for market data. ``volumes``: the last of each instrument."""

    url: str
    ticks: int = 0
    volumes: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        async with connect(self.url + "/md/", proxy=None, max_size=None) as socket:
            await log_in(socket, "", "")
            names = list(INSTRUMENTS)
            await socket.send(json.dumps({"MsgType": "SubscribeMarketData", "InstrumentID": names}))
            async for text in socket:
                tick = json.loads(text).get("DepthMarketData")
                if tick is not None:
                    self.ticks += 1
                    assert tick["Volume"] >= self.volumes.get(tick["InstrumentID"], 0)
                    self.volumes[tick["InstrumentID"]] = tick["Volume"]


class Reader:
    """Ticks and returns of one program on the bus, with what is missing among them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.ticks: dict[str, list[int]] = {}
        self.gaps: list[Gap] = []
        self.trades: Counter[str] = Counter()
        self.others: list[object] = []

    async def read_ticks(self) -> None:
        async for item in self._client.ticks(*INSTRUMENTS, complete=True):
            if isinstance(item, Tick):
                self.ticks.setdefault(item.topic, []).append(item.seq)
            elif isinstance(item, Gap):
                self.gaps.append(item)
            elif isinstance(item, Restarted):
                self.others.append(item)

    async def read_returns(self) -> None:
        account = await self._client.login("028742", "123456", broker_id="9999")
        async for item in account.returns(Place(0, 0)):
            if isinstance(item, Return) and self._client.name(item) == "OnRtnTrade":
                self.trades[str(self._client.fields(item)["OrderSysID"]).strip()] += 1
            elif isinstance(item, Gap | Restarted):
                self.others.append(item)

    def told(self) -> int:
        """Ticks that a Gap says are missing."""
        lasts = [(gap.first, gap.last) for gap in self.gaps if gap.last is not None]
        assert len(lasts) == len(self.gaps)
        return sum(last - first + 1 for first, last in lasts)

    def missing(self) -> int:
        """Ticks that are."""
        return sum(seqs[-1] - seqs[0] + 1 - len(seqs) for seqs in self.ticks.values())


class Site:
    """Everything on machine b, in a thread of its own."""

    def __init__(self, machines: Machines, edge: Group, keys: Path) -> None:
        self._machines = machines
        self._config, self._keys = str(edge.config_file), keys
        self.trader, self.watcher = Trader(edge.url("")), Watcher(edge.url(""))
        self.readers: list[Reader] = []
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def wait(self, fact: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not fact():
            assert self._thread.is_alive(), self.failure
            assert time.monotonic() < deadline, f"no {what} within {WAIT_S} s"
            time.sleep(0.02)

    def finish(self) -> None:
        self.trader.stopping = True
        self._thread.join(2 * WAIT_S)

    def _run(self) -> None:
        try:
            with self._machines.inside("b"):
                asyncio.run(self._scenario())
        except BaseException as exc:
            self.failure = exc

    async def _scenario(self) -> None:
        addresses, keys = addresses_of(self._config), Keys(self._keys, "client")
        async with (
            Client(addresses, keys=keys) as healing,
            Client(addresses, keys=keys, heal=False) as hurt,
        ):
            self.readers = [Reader(healing), Reader(hurt)]
            reading = [
                asyncio.create_task(read)
                for reader in self.readers
                for read in (reader.read_ticks(), reader.read_returns())
            ]
            reading.append(asyncio.create_task(self.watcher.run()))
            async with asyncio.timeout(4 * WAIT_S):
                await self.trader.run()
            orders = len(self.trader.states)
            await until(lambda: len(self.readers[0].trades) == orders, "trade of each order")
            for task in reading:
                assert not task.done(), task.result()
                task.cancel()


def test_loss_and_cuts_lose_no_tick_unsaid_and_no_order(machines: Machines, tmp_path: Path) -> None:
    bus_a = {name: f"tcp://0.0.0.0:{port}" for name, port in PORTS.items()}
    bus_b = {name: f"tcp://{ADDRESSES['a']}:{port}" for name, port in PORTS.items()}
    for machine in "ab":
        (tmp_path / machine).mkdir()
    ledger = tmp_path / "ledger"
    keys_a = keys_for(tmp_path / "keys-a", "md_worker", "td_worker")
    keys_b = keys_for(tmp_path / "keys-b", "edge", "client")
    overrides: dict[str, Any] = {"bus": bus_a, "keys": str(keys_a)}
    overrides |= {"sim": {"ledger_file": str(ledger)}, "td_worker": {"unsent_s": 3.0}}
    with (
        Group(tmp_path / "a", overrides=overrides, prefix=machines.prefix("a")) as workers,
        Group(
            tmp_path / "b",
            overrides={"bus": bus_b, "keys": str(keys_b)},
            prefix=machines.prefix("b"),
        ) as edge,
    ):
        workers.start("sim", "md_worker", "td_worker")
        edge.start("ws_edge")
        with Site(machines, edge, keys_b) as site:
            site.wait(lambda: "FILLED" in site.trader.states.values(), "filled order")
            site.wait(lambda: all(len(r.ticks) == 3 for r in site.readers), "ticks")
            site.wait(lambda: len(site.watcher.volumes) == 3, "ticks at the edge's client")
            trouble(machines)
            ticks = site.watcher.ticks
            site.wait(lambda: site.watcher.ticks > ticks + 3, "ticks after the trouble")
            site.wait(lambda: site.trader.states[list(site.trader.states)[-1]] != "", "answer")
        assert site.failure is None, site.failure
        assert edge.stop("ws_edge") == 0
        entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    placed = Counter(e["business_unit"] for e in entries if e["kind"] == "AcceptedOrder")
    assert placed == dict.fromkeys(site.trader.states, 1)
    assert set(site.trader.states.values()) == {"FILLED"}
    assert site.trader.again > 0  # the trouble was some
    healing, hurt = site.readers
    for trades in (site.trader.trades, healing.trades):
        assert set(trades.values()) == {1} and len(trades) == len(placed)
    for reader in site.readers:
        assert reader.missing() == reader.told()
    assert healing.others == []
    assert healing.missing() < hurt.missing()
    totals = next(line for line in edge.log("ws_edge").splitlines() if '"totals"' in line)
    assert json.loads(totals)["returns_lost"] == 0


def trouble(machines: Machines) -> None:
    """20 % loss, cuts of 1 and 5.5 s, and a plug that is pulled."""
    machines.loss(0.2)
    time.sleep(4)
    for cut_s in (1.0, 5.5):
        machines.loss(1.0)
        time.sleep(cut_s)
        machines.loss(0.0)
        time.sleep(3)
        machines.loss(0.2)
        time.sleep(2)
    machines.link("b", up=False)
    time.sleep(2)
    machines.link("b", up=True)
    machines.loss(0.0)
