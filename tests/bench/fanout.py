"""CPU time of one delivery: ws_edge, a C program that only sends, and FastAPI.

    python -m tests.bench.fanout [--rounds N] [--clients 1 10 100 1000] [--plot FILE]

All send the same WebSocket frames (one tick each) to clients of the same kind, over loopback. The
CPU time is that of the whole server process, all threads: ws_edge takes each tick from the bus and
turns it into JSON, FastAPI has a decoded tick, the C loop has the bytes. md_worker and the clients
are other processes and do not count.

paced      so few ticks that each is written by itself, as the rate of writes shows
saturated  ws_edge is offered more than it could write one by one, the others send flat out;
           ws_edge joins what waits, so a delivery costs less than a system call

Every round measures the three one after the other, and the ratios are those of one round: other
programs on the machine disturb a round as a whole. Shown are the median and the least of the
rounds, in microseconds of CPU time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .clients import Frame, Sink
from .plot import Curve, lines
from .programs import allow_open_files, cpu_ns
from .servers import Edge, EdgeGroup, FastApi, SendLoop, Server, sample
from .table import finish, header, row, verdict, verdict_at_least

INSTRUMENT = "rb2601"
CLIENTS = (1, 10, 100, 1000)
# Ticks a second: a round of writes must end before the next tick comes, in FastAPI too.
PACE = {1: 200, 10: 200, 100: 100, 1000: 20}
PACED_S = 1.5
OFFERED = 600_000  # deliveries a second to ws_edge when it is to be saturated
MOST_TICKS = 20_000  # a second; beyond it md_worker would take the CPU that is to be measured
SATURATED_S = 2.0
REFERENCE_DELIVERIES = 60_000  # of one saturated round of the others
QUIET_S = 0.2


@dataclass
class Rounds:
    """One server with so many clients: microseconds of CPU a delivery, round by round."""

    paced: list[float] = field(default_factory=list)
    saturated: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)  # ticks a read of the clients, saturated
    rate: list[float] = field(default_factory=list)  # deliveries a second, saturated


Results = dict[int, dict[str, Rounds]]


def measure(group: EdgeGroup, tick: Frame, clients: int, rounds: int) -> dict[str, Rounds]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        edge = stack.enter_context(Edge(group, clients, [INSTRUMENT]))
        loop = stack.enter_context(SendLoop(tick, clients, folder))
        fastapi = stack.enter_context(FastApi(tick, clients, folder))
        servers: dict[str, Server] = {"ws_edge": edge, "C": loop, "FastAPI": fastapi}
        results = {name: Rounds() for name in servers}
        for server in servers.values():
            paced(server, PACE[clients], 10, clients)  # the first ones pay for what is made once
        for _ in range(rounds):
            for name, server in servers.items():
                ticks = int(PACE[clients] * PACED_S)
                results[name].paced.append(paced(server, PACE[clients], ticks, clients))
            saturate(edge, clients, results["ws_edge"])
            for name in ("C", "FastAPI"):
                flat_out(servers[name], clients, results[name])
    return results


def paced(server: Server, rate: float, ticks: int, clients: int) -> float:
    server.sink.clear()
    before = cpu_ns(server.pid)
    server.start(rate, ticks)
    server.finish()
    seen = server.sink.wait(ticks * clients)
    spent = cpu_ns(server.pid) - before
    assert seen["fewest"] == seen["most"] == ticks, seen
    return spent / (ticks * clients) / 1000


def saturate(edge: Edge, clients: int, result: Rounds) -> None:
    """A window within a longer time of more ticks than can be written one by one."""
    offered = min(MOST_TICKS, OFFERED / clients)
    edge.sink.clear()
    edge.start(offered, int(offered * (SATURATED_S + 1)))
    time.sleep(0.5)
    began, before, first = time.perf_counter(), cpu_ns(edge.pid), edge.sink.report()
    time.sleep(SATURATED_S)
    spent, last = cpu_ns(edge.pid) - before, edge.sink.report()
    lasted = time.perf_counter() - began
    edge.finish()
    quieten(edge.sink)
    frames = last["frames"] - first["frames"]
    result.saturated.append(spent / frames / 1000)
    result.rate.append(frames / lasted)
    result.joined.append(frames / (last["reads"] - first["reads"]))


def flat_out(server: Server, clients: int, result: Rounds) -> None:
    ticks = max(1, REFERENCE_DELIVERIES // clients)
    server.sink.clear()
    began, before = time.perf_counter(), cpu_ns(server.pid)
    server.start(0, ticks)
    server.finish()
    seen = server.sink.wait(ticks * clients)
    result.saturated.append((cpu_ns(server.pid) - before) / (ticks * clients) / 1000)
    result.rate.append(ticks * clients / (time.perf_counter() - began))
    result.joined.append(seen["frames"] / seen["reads"])


def quieten(sink: Sink) -> None:
    """Until nothing comes any more."""
    before = -1
    while (now := sink.report()["frames"]) != before:
        before = now
        time.sleep(QUIET_S)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the rounds' own ratios."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def show(clients: int, results: dict[str, Rounds]) -> None:
    for name, one in results.items():
        row(
            f"{clients} clients, {name}",
            paced_us=median(one.paced),
            least=min(one.paced),
            saturated_us=median(one.saturated),
            least_saturated=min(one.saturated),
            k_a_second=median(one.rate) / 1000,
            ticks_a_read=median(one.joined),
        )
    edge, loop, fastapi = (results[name] for name in ("ws_edge", "C", "FastAPI"))
    row(
        f"{clients} clients, ratios",
        paced_to_c=ratio(edge.paced, loop.paced),
        saturated_to_c=ratio(edge.saturated, loop.saturated),
        fastapi_paced=ratio(fastapi.paced, edge.paced),
        fastapi_saturated=ratio(fastapi.saturated, edge.saturated),
    )


def promises(results: Results) -> list[bool]:
    kept = []
    for clients, limit in ((100, 1.6), (1000, 2.2)):
        if clients in results:
            edge, loop = results[clients]["ws_edge"], results[clients]["C"]
            name = f"{clients} clients, paced, times the C loop"
            kept.append(verdict(name, ratio(edge.paced, loop.paced), limit, "x"))
    if 100 in results:
        edge, loop, fastapi = (results[100][name] for name in ("ws_edge", "C", "FastAPI"))
        saturated = ratio(edge.saturated, loop.saturated)
        less = ratio(fastapi.saturated, edge.saturated)
        kept.append(verdict("100 clients, saturated, times the C loop", saturated, 0.5, "x"))
        kept.append(verdict_at_least("100 clients, saturated, less than FastAPI", less, 6, "x"))
    return kept


def draw(results: Results, file: Path) -> None:
    clients = sorted(results)
    curves = []
    for name in ("FastAPI", "ws_edge", "C"):
        paced_us = [median(results[n][name].paced) for n in clients]
        curves.append(Curve(f"{name}, paced", clients, paced_us))
        saturated_us = [median(results[n][name].saturated) for n in clients]
        curves.append(Curve(f"{name}, saturated", clients, saturated_us, dashed=True))
    lines(file, "CPU time of one delivery", "clients", "microseconds", curves)


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    parser = argparse.ArgumentParser(description="CPU time of one delivery")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--plot", type=Path, help="an .svg or .png to draw")
    options = parser.parse_args(arguments)
    allow_open_files()
    header("fan-out, CPU us a delivery")
    results: Results = {}
    with EdgeGroup() as group:
        tick = sample(group, INSTRUMENT)
        row("one tick", bytes=len(tick.raw))
        for clients in options.clients:
            results[clients] = measure(group, tick, clients, options.rounds)
            show(clients, results[clients])
    if options.plot:
        draw(results, options.plot)
    return promises(results)


if __name__ == "__main__":
    finish(main())
