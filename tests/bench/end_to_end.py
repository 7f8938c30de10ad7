"""From the front's callback to the client, through md_worker and ws_edge.

    python -m tests.bench.end_to_end [--seconds S] [--rounds N]

The stand-in front writes the monotonic time at which its callback begins into each tick; the
clients, one C program, read it when they have the tick.

latency    100 clients, 100 ticks a second. The reference, in turns with it: ticks that begin in one
           C program (a time is written to a unix socket) and are sent to the 100 clients by a loop
           in another. That is the same road with the least on it: one hop between two processes and
           one ``send`` for each client. Half of the clients get a tick only after the first half.
hops       the same once more with a plain subscriber on the bus beside ws_edge, by the times in the
           bus header: recv_ns is read in md_worker's callback, sent_ns before the PUB send
sustained  more than 200,000 deliveries a second, to 20 and to 100 clients. Afterwards every client
           must have the last tick of each instrument, in order, and what was delivered and what
           ws_edge counted as conflated must make up exactly what was published.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import zmq

import schemas.catalogue
from bus.frames import message_type, tick_topic, unpack_message

from .clients import Tick
from .fanout import quieten
from .programs import allow_open_files
from .servers import Edge, EdgeGroup, SendLoop, Server, sample
from .table import finish, header, quantile, row, verdict, verdict_at_least

INSTRUMENTS = ["rb2601", "hc2601", "cu2601", "al2601", "au2602", "IF2601", "sc2601", "TA601"]
CLIENTS, RATE = 100, 100
SUSTAINED = ((20, 12_000), (100, 2_400))  # clients, ticks a second: 240,000 deliveries
NEEDED = 200_000
WARM_TICKS = 50
_TICK = message_type("OnRtnDepthMarketData")


def milliseconds(ticks: Sequence[Tick]) -> list[float]:
    return [tick.latency_ns / 1e6 for tick in ticks]


def show(name: str, values: Sequence[float]) -> None:
    parts = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    row(name, **{key: quantile(values, part) for key, part in parts.items()}, n=len(values))


def run(server: Server, rate: float, count: int, clients: int) -> list[Tick]:
    """All ticks that the clients got; every one of them gets each."""
    server.sink.clear()
    server.start(rate, count)
    server.finish()
    seen = server.sink.wait(count * clients)
    assert seen["fewest"] == seen["most"] == count, seen
    return server.sink.ticks()


# -- latency ---------------------------------------------------------------------------------


def latency(seconds: float, rounds: int) -> list[bool]:
    header(f"{CLIENTS} clients, {RATE} ticks/s: callback to client, ms")
    count = int(RATE * seconds)
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    with EdgeGroup() as group, ExitStack() as stack:
        tick = sample(group, INSTRUMENTS[0])
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        edge = stack.enter_context(Edge(group, CLIENTS, INSTRUMENTS))
        loop = stack.enter_context(SendLoop(tick, CLIENTS, folder, stamped=True))
        for server in (edge, loop):
            server.sink.stamps()
            run(server, RATE, WARM_TICKS, CLIENTS)
        for number in range(1, rounds + 1):
            ours.append(milliseconds(run(edge, RATE, count, CLIENTS)))
            show(f"round {number}, ctpbus", ours[-1])
            theirs.append(milliseconds(run(loop, RATE, count, CLIENTS)))
            show(f"round {number}, C, one hop and send", theirs[-1])
        show_hops(group, edge, count)
    pairs = zip(ours, theirs, strict=True)
    times = median(quantile(one, 0.5) / quantile(other, 0.5) for one, other in pairs)
    worst = median(quantile(one, 0.99) for one in ours)
    return [
        verdict("callback to client, p50, times the C loop's", times, 2.5, "x"),
        verdict("callback to client, p99", worst, 5, "ms"),
    ]


class Heard(NamedTuple):
    """One tick on the bus; all times in ns, those of the header as monotonic time."""

    began: int
    received: int
    sent: int
    read: int


class Tap:
    """A plain subscriber in a thread; ``heard`` by the number of the tick."""

    def __init__(self, pub: str) -> None:
        self.heard: dict[int, Heard] = {}
        self._codec = schemas.catalogue.load().codec("DepthMarketData")
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.connect(pub)
        for instrument in INSTRUMENTS:
            self._socket.subscribe(tick_topic(instrument))
        self._running = True
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> dict[int, Heard]:
        self._thread.start()
        return self.heard

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()
        self._socket.close(linger=0)
        self._context.term()

    def _read(self) -> None:
        unix = time.time_ns() - time.monotonic_ns()
        while self._running:
            if not self._socket.poll(100):
                continue
            message = unpack_message(self._socket.recv())
            now = time.monotonic_ns()
            if message.type == _TICK:
                began, number = (self._codec.get(message.body, x) for x in ("Turnover", "Volume"))
                assert isinstance(began, float) and isinstance(number, int)
                times = (message.recv_ns - unix, message.sent_ns - unix)
                self.heard[number] = Heard(int(began), *times, now)


def show_hops(group: EdgeGroup, edge: Edge, count: int) -> None:
    with Tap(group.group.ready["md_worker"]["pub"]) as heard:
        run(edge, RATE, WARM_TICKS, CLIENTS)  # the subscriptions have arrived
        heard.clear()
        ticks = run(edge, RATE, count, CLIENTS)
        deadline = time.monotonic() + 5
        while len(heard) < count:
            assert time.monotonic() < deadline, f"{len(heard)} of {count} ticks"
            time.sleep(0.01)
    hops = {
        "callback begins -> md_worker has the time": [h.received - h.began for h in heard.values()],
        "md_worker: struct to message": [h.sent - h.received for h in heard.values()],
        "PUB send -> a plain subscriber": [h.read - h.sent for h in heard.values()],
        "PUB send -> the clients, through ws_edge": [
            t.latency_ns - (heard[t.number].sent - heard[t.number].began) for t in ticks
        ],
    }
    for name, values in hops.items():
        show(name, [value / 1e6 for value in values])


# -- sustained -------------------------------------------------------------------------------


def sustained(clients: int, rate: int, seconds: float) -> list[bool]:
    header(f"{clients} clients, {rate} ticks/s: {clients * rate:,} deliveries/s offered")
    count = int(rate * seconds)
    with EdgeGroup(log_level="INFO") as group:
        with Edge(group, clients, INSTRUMENTS) as edge:
            edge.sink.stamps(clients=2)
            edge.sink.clear()
            edge.start(rate, count)
            time.sleep(0.5)
            began, first = time.perf_counter(), edge.sink.report()["frames"]
            time.sleep(seconds - 1)
            last, lasted = edge.sink.report()["frames"], time.perf_counter() - began
            edge.finish()
            quieten(edge.sink)
            delivered = edge.sink.report()["frames"]
            show("callback to client, ms", milliseconds(edge.sink.ticks()))
            wrong = wrong_ends(edge, clients, count)
        group.group.stop("ws_edge")
        totals = totals_of(group.group.log("ws_edge"))
    speed = (last - first) / lasted
    missing = count * clients - delivered - totals["conflated"]
    row(
        "ticks",
        published=count,
        lost_on_the_bus=count - totals["ticks"],
        delivered=delivered,
        conflated=totals["conflated"],
    )
    kept = [verdict_at_least(f"{clients} clients, deliveries a second", speed, NEEDED, "/s")]
    kept.append(verdict(f"{clients} clients, without the newest ticks", wrong, 1, "clients"))
    kept.append(verdict(f"{clients} clients, unaccounted for", abs(missing), 1, "deliveries"))
    return kept


def wrong_ends(edge: Edge, clients: int, count: int) -> int:
    """Clients that have not the last tick of each instrument, or had one go backwards. The front
    takes the instruments in turns and numbers their ticks, so the last numbers are known."""
    numbers: dict[int, list[int]] = {client: [] for client in range(clients)}
    fell = set()
    for last in edge.sink.last():
        numbers[last.client].append(last.number)
        if last.falls:
            fell.add(last.client)
    right = list(range(count - len(INSTRUMENTS) + 1, count + 1))
    return sum(sorted(have) != right or client in fell for client, have in numbers.items())


def totals_of(log: str) -> dict[str, int]:
    """What ws_edge counted, from the last line of its log."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    totals: dict[str, int] = [line for line in lines if line["event"] == "totals"][-1]
    return totals


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    parser = argparse.ArgumentParser(description="from the front's callback to the client")
    parser.add_argument("--seconds", type=float, default=6.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    allow_open_files()
    kept = latency(options.seconds, options.rounds)
    for clients, rate in SUSTAINED:
        kept += sustained(clients, rate, options.seconds)
    return kept


if __name__ == "__main__":
    finish(main())
