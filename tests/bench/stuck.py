"""100 clients that stop reading next to 100 that read.

    python -m tests.bench.stuck [--seconds S] [--rounds N]

All have eight instruments. In each round the readers' latency is measured twice in the same group:
alone, and with the others beside them, who log in, subscribe, ask for notices of gaps and do not
read. Before they count as stuck they are sent more than the kernel's buffers hold. The resident
memory of ws_edge is read before they come and while they are stuck. At the end of the round they
read again, up to the notice that tells them what they have missed, and hang up.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from .clients import Line, subscribed
from .end_to_end import INSTRUMENTS, milliseconds, run, show
from .programs import allow_open_files, rss_bytes
from .servers import Edge, EdgeGroup
from .table import finish, header, quantile, row, verdict

READERS = STUCK = 100
RATE = 100
FILL_TICKS, FILL_RATE = 3000, 1000  # 3 MB each: more than the kernel holds, with SO_SNDBUF 64 KiB
WAIT_S = 5.0  # for the next frame of a client that reads again
MB = 1 << 20


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    parser = argparse.ArgumentParser(description="clients that stop reading beside those that read")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    allow_open_files()
    count = int(RATE * options.seconds)
    header(f"{STUCK} stuck clients beside {READERS}, {RATE} ticks/s: callback to client, ms")
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    grown: list[float] = []
    silent = 0
    with EdgeGroup() as group, Edge(group, READERS, INSTRUMENTS) as edge:
        edge.sink.stamps()
        run(edge, FILL_RATE, FILL_TICKS, READERS)  # the buffers of the readers exist from here on
        for number in range(1, options.rounds + 1):
            alone.append(milliseconds(run(edge, RATE, count, READERS)))
            show(f"round {number}, alone", alone[-1])
            before = rss_bytes(edge.pid)
            with ExitStack() as stack:
                lines = subscribed(group.port, STUCK, INSTRUMENTS, "?notices=gap")
                for line in lines:
                    stack.callback(line.close)
                fill(edge)
                beside.append(milliseconds(run(edge, RATE, count, READERS)))
                grown.append((rss_bytes(edge.pid) - before) / MB)
                told = sum(map(is_told, lines))
                silent += STUCK - told
            show(f"round {number}, beside the stuck", beside[-1])
            row(f"round {number}, the stuck", ws_edge_grew_mb=grown[-1], told_of_a_gap=told)
    pairs = zip(beside, alone, strict=True)
    times = median(quantile(one, 0.99) / quantile(other, 0.99) for one, other in pairs)
    return [
        verdict("memory that ws_edge grew by", max(grown), 64, "MB"),
        verdict("the readers' p99, times that without the stuck", times, 1.2, "x"),
        verdict("stuck clients that were not told", silent, 1, "clients"),
    ]


def is_told(line: Line) -> bool:
    """Reads what has waited for the client, up to the first notice of ticks that it did not get."""
    line.socket.settimeout(WAIT_S)
    try:
        while b'"Conflated"' not in line.frame().payload[:40]:
            pass
    except TimeoutError:
        return False
    return True


def fill(edge: Edge) -> None:
    """More ticks than fit into the kernel's buffers of a client that does not read."""
    edge.sink.clear()
    edge.start(FILL_RATE, FILL_TICKS)
    edge.finish()
    time.sleep(0.5)


if __name__ == "__main__":
    finish(main())
