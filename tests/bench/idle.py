"""Memory and CPU of 5,000 connections that do nothing.

    python -m tests.bench.idle [--connections N] [--seconds S]

connected    after the handshake; pings every 20 s, which the clients answer
md login     on /md/ after a login, with three instruments that do not trade
after ticks  the same when each client has had a hundred ticks
td login     on /td/, all with the same account

Memory is what the resident set of the process grew by, divided by the connections; ``kb_later`` is
after the time at rest. What the kernel keeps for a socket is not in it. Other servers in the same
run: the websockets library alone, with its defaults, and FastAPI.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from .clients import Frame, Line, Sink, subscribed
from .programs import allow_open_files, cpu_ns, rss_bytes
from .servers import EdgeGroup, FastApi, Reference, python
from .table import finish, header, row, verdict

INSTRUMENTS = ["rb2601", "hc2601", "cu2601"]
NO_TICK = Frame(b"", b"{}")
TICKS, TICKS_A_SECOND = 100, 10
LIMIT_KB = 40
Connect = Callable[[int], list[Line]]
# Connections before the memory is read: the first ones pay for what is made once, and fill what the
# start of the process has left free.
WARM = 500


class Case:
    """Connections to one server, from before they are opened."""

    def __init__(self, pid: int, connect: Connect, options: argparse.Namespace) -> None:
        self._pid, self._options = pid, options
        self._warm = Sink(connect(WARM))
        self._before = rss_bytes(pid)
        began = time.perf_counter()
        lines = connect(options.connections)
        self._open_ms = (time.perf_counter() - began) / options.connections * 1000
        self.sink = Sink(lines)

    def show(self, name: str) -> float:
        """Prints one line; KB a connection."""
        each = self._each_kb()
        cpu, began = cpu_ns(self._pid), time.perf_counter()
        time.sleep(self._options.seconds)
        busy = (cpu_ns(self._pid) - cpu) / 1e7 / (time.perf_counter() - began)
        later = self._each_kb()
        assert self.sink.report()["closed"] == 0
        row(name, kb=each, kb_later=later, cpu_percent=busy, open_ms=self._open_ms)
        return max(each, later)

    def _each_kb(self) -> float:
        grown = rss_bytes(self._pid) - self._before
        return grown / 1024 / int(self._options.connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._warm.close()
        self.sink.close()


def bare(port: int, path: str) -> Connect:
    return lambda count: [Line(port, path) for _ in range(count)]


def ours(options: argparse.Namespace) -> list[bool]:
    figures: dict[str, float] = {}

    def show(case: Case, name: str) -> None:
        figures[name] = case.show(name)

    with EdgeGroup() as group:
        pid = group.group.pid("ws_edge")
        with Case(pid, bare(group.port, "/md/"), options) as case:
            show(case, "ws_edge, connected")
    with EdgeGroup() as group:
        pid = group.group.pid("ws_edge")
        with Case(pid, partial(subscribed, group.port, instruments=INSTRUMENTS), options) as case:
            show(case, "ws_edge, md login, three instruments")
            group.start(TICKS_A_SECOND, TICKS)
            group.finish(TICKS)
            case.sink.wait(TICKS * options.connections)
            show(case, f"ws_edge, after {TICKS} ticks to each")
    with EdgeGroup() as group:
        group.group.start("td_worker")
        with Case(group.group.pid("ws_edge"), partial(logged_in, group.port), options) as case:
            show(case, "ws_edge, td login, all of one account")
    return [verdict(f"{name}, memory", kb, LIMIT_KB, "KB") for name, kb in figures.items()]


def logged_in(port: int, count: int) -> list[Line]:
    """Clients on /td/."""
    lines = bare(port, "/td/")(count)
    for line in lines:
        line.log_in()
    return lines


def others(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        servers = {
            "websockets alone": Reference(python("websockets_app"), 0, None),
            "FastAPI": FastApi(NO_TICK, 0, Path(folder)),
        }
        for name, server in servers.items():
            with server, Case(server.pid, bare(server.port, "/"), options) as case:
                case.show(name)


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    parser = argparse.ArgumentParser(description="memory and CPU of idle connections")
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=25.0, help="at rest; pings come each 20 s")
    options = parser.parse_args(arguments)
    allow_open_files()
    header(f"{options.connections} idle connections")
    others(options)
    return ours(options)


if __name__ == "__main__":
    finish(main())
