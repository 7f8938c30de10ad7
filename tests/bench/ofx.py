"""What OFX costs: latest quotes for one client and for many, and a day of ticks beside them.

    python -m tests.bench.ofx [--seconds 3] [--rounds 5]

100001   requests/s and p50, p99 of a sealed request and its sealed reply, one in flight for each
         client. ``echo``: a plain asyncio echo server (streams) with the same clients and lines of
         the same length, in the same rounds. The clients seal their lines beforehand and do not
         open replies, so that it is the servers that are measured
100002   10,000 records, asked for the first time and again; then 20 clients at 20 requests/s each,
         with and without somebody who asks for the 10,000 records again and again
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing.connection
import multiprocessing.sharedctypes
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final

import uvloop

from tcp_edge import octkeypass
from tests.support.day_of_ticks import write_day
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of

from .table import finish, header, quantile, row, verdict, verdict_at_least

CODE: Final = {"code": "600000", "market": "SH"}
LONG: Final = {"code": "600036", "market": "SH"}
RECORDS: Final = 10_000
SHARE: Final = 0.25  # of the echo server's requests
GROWTH: Final = 1.2  # of the p99
CLIENTS: Final = (1, 100)
PACED: Final = 20  # clients
PACE_S: Final = 0.05  # between two requests of each
MOST_RATE: Final = 30_000  # requests/s for which lines are sealed
MOST_ECHOES: Final = 200_000
TIMEOUT_S: Final = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    header("OFX")
    with running() as group:
        key = key_of(group.data)
        address = group.ready["tcp_edge"]["quote"]
        with OfxClient(address, key) as client:
            length = len(_first_quote(client))
            with echo_server(length) as echo:
                kept = latest(address, echo, key, options.seconds, options.rounds)
            kept += day(client, address, key, options.seconds, options.rounds)
    finish(kept)


@contextmanager
def running() -> Iterator[Group]:
    ports = {name: {"port": 0} for name in ("login", "quote", "trade")}
    overrides = {
        "calendar": "always",
        "log_level": "WARNING",
        "recorder": {"min_free_mb": 0},
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
        "tcp_edge": {"account": "028742", **ports},
    }
    with tempfile.TemporaryDirectory() as path, Group(Path(path), overrides=overrides) as group:
        write_day(group.data / "recorder" / "ticks", LONG["code"], RECORDS)
        group.start("sim", "md_worker", "td_worker", "recorder", "tcp_edge")
        yield group


def _first_quote(client: OfxClient) -> bytes:
    """The line of the first one there is."""
    deadline = time.monotonic() + TIMEOUT_S
    client.ask(110001, [CODE])
    while True:
        client.send(100001, CODE)
        line = client.line()
        if len(line) > 500:
            return line
        assert time.monotonic() < deadline
        time.sleep(0.1)


# -- 100001 --------------------------------------------------------------------------------------


def latest(address: str, echo: str, key: str, seconds: float, rounds: int) -> list[bool]:
    kept = []
    for clients in CLIENTS:
        served, echoed = [], []
        for _ in range(rounds):
            served.append(drive(address, key, clients, seconds))
            echoed.append(drive(echo, "", clients, seconds))
        for name, runs in (("100001", served), ("echo", echoed)):
            row(
                f"{name}, {clients} clients",
                requests_s=int(median(len(run) / seconds for run in runs)),
                p50_us=median(quantile(run, 0.5) for run in runs) / 1e3,
                p99_us=median(quantile(run, 0.99) for run in runs) / 1e3,
            )
        ratio = median(len(a) / len(b) for a, b in zip(served, echoed, strict=True))
        kept.append(verdict_at_least(f"100001 to echo, {clients} clients", ratio, SHARE, "times"))
    return kept


@contextmanager
def echo_server(length: int) -> Iterator[str]:
    """Answers each line with one of this length."""
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_echo, args=(theirs, length), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.terminate()
        process.join()


def _echo(pipe: multiprocessing.connection.Connection, length: int) -> None:
    answer = b"x" * (length - 2) + b"\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.readline():
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        pipe.send(f"{host}:{port}")
        await server.serve_forever()

    asyncio.run(run())


# -- clients -------------------------------------------------------------------------------------


def drive(address: str, key: str, clients: int, seconds: float, pace_s: float = 0.0) -> list[int]:
    """Latencies in ns of all requests that ``clients`` in a process of their own made. ``key``: ""
    for the echo server."""
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    arguments = (theirs, address, key, clients, seconds, pace_s)
    process = context.Process(target=_drive, args=arguments)
    process.start()
    taken: list[int] = mine.recv()
    process.join()
    return taken


def _drive(
    pipe: multiprocessing.connection.Connection,
    address: str,
    key: str,
    clients: int,
    seconds: float,
    pace_s: float,
) -> None:
    most = clients / pace_s if pace_s else MOST_RATE if key else MOST_ECHOES
    count = int(most * seconds) + clients
    text = json.dumps({"cmd": 100001, "params": CODE})
    sealed = octkeypass.encrypt(key or "the echo needs none", text).encode() + b"\r\n"
    if key:  # each is good once
        lines = [octkeypass.encrypt(key, text).encode() + b"\r\n" for _ in range(count)]
    else:
        lines = [sealed] * count
    pipe.send(uvloop.run(_crowd(address, lines, clients, seconds, pace_s)))


async def _crowd(
    address: str, lines: list[bytes], clients: int, seconds: float, pace_s: float
) -> list[int]:
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    taken: list[int] = []
    crowd = []
    for _ in range(clients):
        _, one = await loop.create_connection(
            lambda: _Client(lines, taken, pace_s), host, int(port)
        )
        crowd.append(one)
        if pace_s:
            await asyncio.sleep(pace_s / clients)
        one.ask()
    taken.clear()
    await asyncio.sleep(seconds)
    done = list(taken)
    for one in crowd:
        one.transport.abort()
    return done


class _Client(asyncio.Protocol):
    def __init__(self, lines: list[bytes], taken: list[int], pace_s: float) -> None:
        self._lines, self._taken, self._pace_s = lines, taken, pace_s
        self._began = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self) -> None:
        if self._lines and not self.transport.is_closing():
            self._began = time.perf_counter_ns()
            self.transport.write(self._lines.pop())

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\n"):
            took = time.perf_counter_ns() - self._began
            self._taken.append(took)
            if self._pace_s:
                loop = asyncio.get_running_loop()
                loop.call_later(max(0.0, self._pace_s - took / 1e9), self.ask)
            else:
                self.ask()


# -- 100002 --------------------------------------------------------------------------------------


def day(client: OfxClient, address: str, key: str, seconds: float, rounds: int) -> list[bool]:
    took = []
    for _ in range(6):
        began = time.monotonic()
        client.send(100002, LONG)
        line = client.line()
        took.append((time.monotonic() - began) * 1e3)
    client.send(100002, LONG)
    listed = client.receive()
    assert len(listed) == RECORDS, len(listed)
    row("100002", first_ms=took[0], again_ms=median(took[1:]), line_kb=len(line) // 1000)
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(quantile(drive(address, key, PACED, seconds, PACE_S), 0.99))
        with asking(address, key) as asked:
            beside.append(quantile(drive(address, key, PACED, seconds, PACE_S), 0.99))
    row(
        f"p99 of 100001, {PACED} clients",
        alone_us=median(alone) / 1e3,
        noise=max(alone) / min(alone),
    )
    row("the same beside 100002", beside_us=median(beside) / 1e3, lists=asked.value)
    grown = median(b / a for a, b in zip(alone, beside, strict=True))
    return [verdict("p99 beside 10,000 records", grown, GROWTH, "times")]


@contextmanager
def asking(address: str, key: str) -> Iterator[multiprocessing.sharedctypes.Synchronized[int]]:
    """Somebody asks for the 10,000 records again and again; how often he has got them. He takes in
    many megabytes, so he runs only when nobody else wants the core: that is not the server's."""
    context = get_context("spawn")
    count = context.Value("i", 0)
    process = context.Process(target=_ask, args=(address, key, count), daemon=True)
    process.start()
    deadline = time.monotonic() + TIMEOUT_S
    while not count.value:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    try:
        yield count
    finally:
        process.terminate()
        process.join()


def _ask(address: str, key: str, count: multiprocessing.sharedctypes.Synchronized[int]) -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with OfxClient(address, key) as client:
        while True:
            client.send(100002, LONG)
            client.line()
            count.value += 1
            time.sleep(0.1)


if __name__ == "__main__":
    main()
