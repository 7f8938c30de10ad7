"""Latency through the whole group on the stand-in front without delays, as a client sees it.

    python -m tests.bench.latency

front (C++, in the worker) -> md_worker or td_worker -> ws_edge -> a client with the websockets
library in a process of its own. A tick's latency runs from the begin of the C++ callback, whose
stamp the front puts into Turnover, to the message in the client's hands.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from tests.support.front import Front
from tests.support.group import Group

from .table import finish, header, quantile, row, verdict

WORKERS = ("md_worker", "td_worker", "ws_edge")
INSTRUMENTS = ["rb2601", "hc2601", "cu2601", "al2601", "au2602", "IF2601", "sc2601", "TA601"]
ROUNDS = 300
TICK_SECONDS = 8.0
IDLE_SOCKETS, MD_SOCKETS = 100, 10
TIMEOUT_S = 120.0

_turnover = re.compile(rb'"Turnover":([0-9.e+]+)').search
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Client:
    """One webctp socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, kind: str, request_id: int = 0, **payload: object) -> int:
        """Returns when it was sent, monotonic ns."""
        message = {"MsgType": kind, "RequestID": request_id, **payload}
        text = msgspec.json.encode(message).decode()
        at = time.monotonic_ns()
        await self._socket.send(text)
        return at

    async def receive(self) -> tuple[int, bytes]:
        """When the next message came, and its text."""
        text = await self._socket.recv(decode=False)
        return time.monotonic_ns(), text

    async def wait(self, kind: str) -> tuple[int, dict[str, Any]]:
        """Passes over other messages; fails on an error."""
        while True:
            at, text = await self.receive()
            message = _decode(text)
            if message["MsgType"] == kind:
                info = message.get("RspInfo")
                assert not (info and info["ErrorID"]), message
                return at, message

    async def login(self, user: str) -> None:
        await self.send("ReqUserLogin", 0, ReqUserLogin={"UserID": user, "Password": "good"})
        await self.wait("RspUserLogin")

    async def subscribe(self, instruments: list[str]) -> None:
        await self.send("SubscribeMarketData", InstrumentID=instruments)
        for _ in instruments:
            await self.wait("RspSubMarketData")


class Clients(AsyncExitStack):
    """Opens sockets and closes them all."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    async def open(self, path: str, user: str) -> Client:
        socket = await self.enter_async_context(
            connect(self._base + path, compression=None, max_size=None, max_queue=None)
        )
        client = Client(socket)
        await client.login(user)
        return client


async def accounts(client: Client, count: int, pause_s: float = 0.0) -> list[float]:
    """Round trips of ReqQryTradingAccount, one after the other, in ms."""
    spent = []
    for number in range(1, count + 1):
        asked = await client.send("ReqQryTradingAccount", number, QryTradingAccount={})
        at, _ = await client.wait("RspQryTradingAccount")
        spent.append((at - asked) / 1e6)
        await asyncio.sleep(pause_s)
    return spent


async def orders(client: Client, count: int) -> list[float]:
    """From the order to its first RtnOrder, in ms."""
    spent = []
    for number in range(1, count + 1):
        order = {
            "BrokerID": "9999",
            "InvestorID": "u1",
            "ExchangeID": "SHFE",
            "InstrumentID": "rb2601",
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "LimitPrice": 3000.0,
            "VolumeTotalOriginal": 1,
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
        }
        asked = await client.send("ReqOrderInsert", number, InputOrder=order)
        at, _ = await client.wait("RtnOrder")
        spent.append((at - asked) / 1e6)
        await client.wait("RtnTrade")
    return spent


async def instruments(client: Client, count: int) -> list[float]:
    """All instruments, from the request to the last row, in ms."""
    spent = []
    for number in range(1, count + 1):
        asked = await client.send("ReqQryInstrument", number, QryInstrument={})
        rows = 0
        while True:
            at, message = await client.wait("RspQryInstrument")
            rows += 1
            if message.get("IsLast"):
                break
        assert rows == 800
        spent.append((at - asked) / 1e6)
    return spent


async def ticks(client: Client, seconds: float) -> list[float]:
    """Latencies of the ticks of one socket, in ms."""
    spent = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        at, text = await client.receive()
        stamp = _turnover(text)
        if stamp:
            spent.append((at - float(stamp[1])) / 1e6)
    return spent


async def alone(base: str) -> dict[str, list[float]]:
    """One client at a time."""
    async with Clients(base) as clients:
        td = await clients.open("/td/", "u1")
        figures = {
            "account": await accounts(td, ROUNDS),
            "order": await orders(td, ROUNDS),
            "instruments": await instruments(td, 5),
        }
        md = await clients.open("/md/", "")
        await md.subscribe(INSTRUMENTS)
        figures["ticks"] = await ticks(md, TICK_SECONDS)
    return figures


async def crowd(base: str) -> dict[str, list[float]]:
    """Many sockets that only sit there, some that get ticks, one that asks.

    Each idle socket has an account of its own, so td_worker holds as many sessions.
    """
    async with Clients(base) as clients:
        began = time.monotonic_ns()
        for number in range(IDLE_SOCKETS):
            await clients.open("/td/", f"idle{number}")
        logins = (time.monotonic_ns() - began) / 1e6 / IDLE_SOCKETS
        td = await clients.open("/td/", "u1")
        mds = [await clients.open("/md/", "") for _ in range(MD_SOCKETS)]
        for md in mds:
            await md.subscribe(INSTRUMENTS)
        querying = asyncio.create_task(accounts(td, ROUNDS // 3, pause_s=0.02))
        per_socket = await asyncio.gather(*(ticks(md, TICK_SECONDS) for md in mds))
        return {
            "account": await querying,
            "ticks": [value for values in per_socket for value in values],
            "login": [logins],
        }


Scene = Callable[[str], Coroutine[Any, Any, dict[str, list[float]]]]


def play(scene: Scene, **settings: float) -> dict[str, list[float]]:
    """Run a scene in a process of its own, against a fresh group."""
    with tempfile.TemporaryDirectory() as folder:
        front = Front(Path(folder), QRY_FREQ=100_000, **settings)
        with Group(Path(folder), sim=False, front_env=front.env) as group:
            group.start(*WORKERS)
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            base = group.url("")
            process = context.Process(target=_client, args=(scene, base, theirs))
            process.start()
            theirs.close()
            try:
                assert ours.poll(TIMEOUT_S), "the client did not finish"
                figures: dict[str, list[float]] = ours.recv()
                return figures
            except EOFError:
                raise AssertionError(group.log("ws_edge")[-2000:]) from None
            finally:
                process.kill()
                process.join()


def _client(scene: Callable[[str], Awaitable[Any]], base: str, result: Connection) -> None:
    async def run() -> Any:
        return await scene(base)

    result.send(asyncio.run(run()))


def show(name: str, values: list[float]) -> float:
    """One line in ms; returns the median."""
    parts = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    row(name, **{key: quantile(values, part) for key, part in parts.items()}, n=len(values))
    return quantile(values, 0.5)


def main() -> None:
    header("latency in ms, one client at a time")
    one = play(alone, TICK_RATE=500)
    account = show("ReqQryTradingAccount, round trip", one["account"])
    order = show("order to its first RtnOrder", one["order"])
    total = show("800 instruments, to the last row", one["instruments"])
    tick = show("500 ticks/s, callback to client", one["ticks"])
    header(f"latency in ms, {IDLE_SOCKETS} idle td sockets, {MD_SOCKETS} md sockets at 10 ticks/s")
    many = play(crowd, TICK_RATE=10)
    show("login of a further account, mean", many["login"])
    crowd_account = show("ReqQryTradingAccount, round trip", many["account"])
    crowd_tick = show("tick, callback to client", many["ticks"])
    finish(
        [
            verdict("ReqQryTradingAccount, p50", account, 1.5, "ms"),
            verdict("order to its first RtnOrder, p50", order, 2, "ms"),
            verdict("800 instruments, p50", total, 100, "ms"),
            verdict("one client at 500 ticks/s, p50", tick, 0.8, "ms"),
            verdict("in the crowd: tick, p50", crowd_tick, 3, "ms"),
            verdict("in the crowd: query, p50", crowd_account, 5, "ms"),
        ]
    )


if __name__ == "__main__":
    main()
