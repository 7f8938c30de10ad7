"""A day of ticks asked of the recorder, and what that does to the live path.

    python -m tests.bench.history [--seconds S] [--rounds N]

answer   all 28,800 ticks of one instrument on one day, in one call, by a caller in a process of its
         own: when they are asked for the first time since the recorder's start, and again. Until
         the last row has come; "cpu": what the recorder spent on it
live     20 clients, 200 ticks a second, without history, with, and without: twice a second a day
         that was not asked for before, in between the same one again. Callback to client, and
         callback to the file by who reads it (``batch_s`` is 0.05). Many short rounds, so that all
         see the same machine; the p99 of each, and of those the median. "noise": how far two rounds
         without history lie apart. The caller, who takes in 28 MB at a time, runs only when nobody
         else wants the core (SCHED_IDLE): what he costs is not the recorder's doing
busy     20,000 ticks/s from 600 instruments, with one question after the other: each seq is looked
         for in the files afterwards
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec
import uvloop
import zmq

import schemas.catalogue
from bus.errors import Unavailable
from bus.frames import HEADER, Flag, Row, message_type
from bus.history import Form, TickBlock, Ticks
from bus.rpc import Caller, refusal
from recorder.ticks.store import TickStore
from tests.support.group import Group

from .programs import cpu_ns
from .record import flood, lost_ticks, structs
from .servers import Edge, EdgeGroup
from .table import finish, header, quantile, row, verdict

NAME, TICKS, DAYS = "rb2601", 28_800, 24
CLIENTS, RATE = 20, 200
BUSY_RATE = 20_000
TIMEOUT_S = 60.0
FIRST_MS, AGAIN_MS = 250.0, 60.0
QUIET, WITH, QUIET_AGAIN = "quiet", "with history", "quiet again"
_TICK = message_type("OnRtnDepthMarketData")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with EdgeGroup(recorder={"batch_s": 0.05, "min_free_mb": 0}) as group:
        folder = group.group.data / "recorder" / "ticks"
        days = [f"202001{number:02}" for number in range(1, DAYS + 1)]
        _write(folder, days)
        group.group.start("recorder")
        with asker(group.group.ready["recorder"]["rpc"]) as ask:
            kept = answers(group, ask, days)
        kept += live(group, folder, days, options.seconds, options.rounds)
    kept += busy(days, 10 * options.seconds)
    finish(kept)


def _write(folder: Path, days: list[str]) -> None:
    """A day from 9 to 13 o'clock, two ticks a second, nothing in them stands still for long."""
    catalogue = schemas.catalogue.load()
    codec, layout = catalogue.codec("DepthMarketData"), catalogue.layout_id
    store = TickStore(folder)
    for number in range(TICKS):
        seconds, half = divmod(number, 2)
        raw = codec.pack(
            {
                "TradingDay": days[0],
                "ActionDay": days[0],
                "InstrumentID": NAME,
                "ExchangeID": "SHFE",
                "UpdateTime": f"{9 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
                "UpdateMillisec": half * 500,
                "LastPrice": 3500.0 + number % 37,
                "Volume": number * 3,
                "Turnover": number * 31005.0,
                "OpenInterest": 1e6 + number % 1000,
                "AveragePrice": 35000.1 + number % 97,
                "BidPrice1": 3500.0 + number % 7,
                "AskPrice1": 3508.0 + number % 5,
                "BidVolume1": number % 100,
                "AskVolume1": number % 77,
            }
        )
        head = HEADER.pack(7, number + 1, number, number, _TICK, layout, Flag.HAS_FIELD)
        for day in days:
            store.put((day, NAME), head, raw)
    store.close()


# -- the caller ------------------------------------------------------------------------------


class Ask:
    """The other side of ``_ask_for_ever``."""

    def __init__(self, pipe: Connection, pid: int) -> None:
        self._pipe, self._pid = pipe, pid

    def step_back(self) -> None:
        """Run only when nobody else wants the core."""
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))

    def __call__(self, day: str, form: Form) -> float:
        """Milliseconds until the last row."""
        self._pipe.send((day, form))
        assert self._pipe.poll(TIMEOUT_S)
        ms, ticks = self._pipe.recv()
        assert ticks == TICKS, ticks
        return float(ms)


@contextmanager
def asker(address: str) -> Iterator[Ask]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_ask_for_ever, args=(address, theirs))
    process.start()
    try:
        assert process.pid is not None
        yield Ask(ours, process.pid)
    finally:
        process.kill()
        process.join()


def _ask_for_ever(address: str, pipe: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_answer_pipe(address, pipe))


async def _answer_pipe(address: str, pipe: Connection) -> None:
    caller = Caller(zmq.Context(), address, "recorder")
    while True:
        day, form = await asyncio.to_thread(pipe.recv)
        pipe.send(await _one(caller, Ticks(instrument=NAME, day=day, form=form)))


async def _one(caller: Caller, question: Ticks) -> tuple[float, int]:
    body, deadline_ns = msgspec.msgpack.encode(question), time.time_ns() + int(TIMEOUT_S * 1e9)
    while True:
        rows: list[Row] = []
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def take(row: Row, rows: list[Row] = rows, done: asyncio.Future[float] = done) -> None:
            rows.append(row)
            if row.flags & Flag.LAST:
                done.set_result(time.perf_counter())

        began = time.perf_counter()
        try:
            caller.call("Ticks", take, deadline_ns=deadline_ns, body=body)
        except Unavailable:
            await asyncio.sleep(0.01)
            continue
        ended = await done
        error = refusal(rows[-1])
        if error is not None:
            raise error
        blocks = [msgspec.msgpack.decode(row.body, type=TickBlock) for row in rows[:-1]]
        return (ended - began) * 1e3, sum(block.ticks for block in blocks)


# -- answer ----------------------------------------------------------------------------------


def answers(group: EdgeGroup, ask: Ask, days: list[str]) -> list[bool]:
    header(f"all {TICKS:,} ticks of an instrument's day, ms")
    kept = []
    for form, limits in (("json", (FIRST_MS, AGAIN_MS)), ("raw", (FIRST_MS, AGAIN_MS))):
        for name, limit, asked in (
            ("the first time", limits[0], days[:5]),
            ("again", limits[1], days[:5] * 4),
        ):
            pid = group.group.pid("recorder")
            before = cpu_ns(pid)
            times = [ask(day, "json" if form == "json" else "raw") for day in asked]
            cpu = (cpu_ns(pid) - before) / len(asked) / 1e6
            row(f"{form}, {name}", best=min(times), median=median(times), max=max(times), cpu=cpu)
            kept.append(verdict(f"{form}, {name}, median", median(times), limit, "ms"))
    return kept


# -- live ------------------------------------------------------------------------------------


class Load(threading.Thread):
    """Questions, twice a second, until ``end``."""

    def __init__(self, ask: Ask, days: Iterator[str]) -> None:
        super().__init__()
        self._ask, self._days, self._ended = ask, days, threading.Event()
        self.asked = 0

    def run(self) -> None:
        while not self._ended.is_set():
            day, began = next(self._days), time.monotonic()
            self._ask(day, "json")
            self._ask(day, "json")
            self.asked += 2
            self._ended.wait(max(0.0, began + 0.5 - time.monotonic()))

    def end(self) -> None:
        self._ended.set()
        self.join()


class FileWatch(threading.Thread):
    """When the ticks of today are in the file, seen every other millisecond; ``ages_ms``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._store, self._ended = TickStore(folder), threading.Event()
        self.ages_ms: list[float] = []

    def run(self) -> None:
        day, count = self._newest()
        while not self._ended.wait(0.002):
            for reader in self._store.readers(day, NAME):
                with reader:
                    now = time.time_ns()
                    self.ages_ms += [(now - tick.recv_ns) / 1e6 for tick in reader.records(count)]
                    count = len(reader)

    def end(self) -> list[float]:
        self._ended.set()
        self.join()
        return self.ages_ms

    def _newest(self) -> tuple[str, int]:
        day = self._store.days()[-1]
        (reader,) = self._store.readers(day, NAME)
        with reader:
            return day, len(reader)


def live(
    group: EdgeGroup, folder: Path, days: list[str], seconds: float, rounds: int
) -> list[bool]:
    header(f"{CLIENTS} clients, {RATE} ticks/s: callback to client and to the file, ms")
    never_asked = itertools.cycle(days)  # more than are kept
    found: dict[tuple[str, str], list[float]] = {}
    with Edge(group, CLIENTS, [NAME]) as edge, asker(group.group.ready["recorder"]["rpc"]) as ask:
        edge.sink.stamps()
        _run(edge, 100)
        _recorded(folder)
        ask(days[0], "json")
        ask.step_back()  # all of its threads are there now
        for number, what in itertools.product(range(1, rounds + 1), (QUIET, WITH, QUIET_AGAIN)):
            loaded = what == WITH
            watch, load = FileWatch(folder), Load(ask, never_asked)
            watch.start()
            if loaded:
                load.start()
            to_client = _run(edge, int(RATE * seconds))
            if loaded:
                load.end()
            for road, values in (("client", to_client), ("file", watch.end())):
                found.setdefault((road, what), []).append(quantile(values, 0.99))
                row(
                    f"round {number}, to the {road}, {what}",
                    p50=quantile(values, 0.5),
                    p99=quantile(values, 0.99),
                    max=max(values),
                    n=len(values),
                    asked=load.asked,
                )
    return [_compared(road, found, limit) for road, limit in (("client", 0.5), ("file", 10.0))]


def _compared(road: str, found: dict[tuple[str, str], list[float]], limit: float) -> bool:
    quiet, loaded, again = (found[road, what] for what in (QUIET, WITH, QUIET_AGAIN))
    noise = median(abs(one - other) for one, other in zip(quiet, again, strict=True))
    without = median(quiet + again)
    row(
        f"to the {road}, median of the rounds' p99",
        quiet=median(quiet),
        history=median(loaded),
        again=median(again),
        noise=noise,
    )
    name = f"p99 to the {road} with history, above that without"
    return verdict(name, median(loaded) - without, max(limit, noise), "ms")


# -- busy ------------------------------------------------------------------------------------


def busy(days: list[str], seconds: float) -> list[bool]:
    header(f"{BUSY_RATE:,} ticks/s recorded while history is asked without a pause")
    names = [f"hc{number:04}" for number in range(2601, 3201)]
    context = get_context("spawn")
    with (
        TemporaryDirectory() as path,
        Group(Path(path), overrides={"calendar": "always", "recorder": {}}) as group,
    ):
        folder = group.data / "recorder" / "ticks"
        _write(folder, days)
        ready, counts = context.Event(), context.Queue()
        publisher = context.Process(
            target=flood, args=(group, names, structs(names), seconds, BUSY_RATE, ready, counts)
        )
        publisher.start()
        group.start("recorder")
        assert ready.wait(TIMEOUT_S)
        times, ends = [], time.monotonic() + seconds
        with asker(group.ready["recorder"]["rpc"]) as ask:
            for day in itertools.cycle(days):
                times.append(ask(day, "json"))
                if time.monotonic() > ends:
                    break
        published = counts.get(timeout=TIMEOUT_S)
        store, deadline = TickStore(folder), time.monotonic() + TIMEOUT_S
        while (lost := lost_ticks(store, published)) and time.monotonic() < deadline:
            time.sleep(0.5)
        publisher.kill()
        publisher.join()
    row("first time, meanwhile", median=median(times), max=max(times), asked=len(times))
    return [verdict("ticks that are not in the files", lost, 1, "")]


def _run(edge: Edge, count: int) -> list[float]:
    edge.sink.clear()
    edge.start(RATE, count)
    edge.finish()
    edge.sink.wait(count * CLIENTS)
    return [tick.latency_ns / 1e6 for tick in edge.sink.ticks()]


def _recorded(folder: Path) -> None:
    """Until there is a file of today."""
    store, deadline = TickStore(folder), time.monotonic() + TIMEOUT_S
    while not store.days()[-1] > "2021":
        assert time.monotonic() < deadline
        time.sleep(0.05)


if __name__ == "__main__":
    main()
