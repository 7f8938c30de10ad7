"""What is compared: ws_edge in its group, the C loop, the FastAPI server. Each has its own clients
and sends them ticks when it is told to."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from tests.support.front import Front
from tests.support.group import Group

from .clients import TIMEOUT_S, Frame, Line, Sink, subscribed
from .programs import CHECKOUT, compiled

QUIET = -1  # a rate of the front: no ticks


class Server(Protocol):
    """``sink`` reads its clients."""

    sink: Sink

    @property
    def pid(self) -> int: ...

    def start(self, rate: float, count: int) -> None:
        """So many ticks to every client, ``rate`` a second (0: one after the other)."""
        ...

    def finish(self) -> None:
        """Until the ticks have been sent."""
        ...


class EdgeGroup(ExitStack):
    """md_worker on the stand-in front, and ws_edge; silent until told otherwise."""

    def __init__(
        self, log_level: str = "WARNING", recorder: dict[str, Any] | None = None, **edge: Any
    ) -> None:
        """``recorder``, ``edge``: options of the recorder, which is not started, and of ws_edge."""
        super().__init__()
        folder = Path(self.enter_context(tempfile.TemporaryDirectory()))
        self.front = Front(folder, TICK_RATE=QUIET)
        overrides = {"ws_edge": edge, "log_level": log_level, "recorder": recorder or {}}
        self.group = self.enter_context(
            Group(folder, sim=False, front_env=self.front.env, overrides=overrides)
        )
        self.group.start("md_worker", "ws_edge")

    @property
    def port(self) -> int:
        port = urlsplit(self.group.url("")).port
        assert port is not None
        return port

    def start(self, rate: float, count: int) -> None:
        self.front.tell("clear")
        self.front.tell("rate", QUIET)
        self.front.tell("count", count)
        self.front.tell("rate", rate)

    def finish(self, count: int) -> None:
        """Until the front has made so many ticks since ``start``."""
        deadline = time.monotonic() + TIMEOUT_S
        while (made := self.front.report("mdfront")["ticks"]) < count:
            assert time.monotonic() < deadline, f"{made} of {count} ticks"
            time.sleep(0.01)
        self.front.tell("rate", QUIET)


class Edge:
    """``clients`` sockets on the ws_edge of a group."""

    def __init__(self, group: EdgeGroup, clients: int, instruments: list[str]) -> None:
        self._group, self._count = group, 0
        self.sink = Sink(subscribed(group.port, clients, instruments))

    @property
    def pid(self) -> int:
        return self._group.group.pid("ws_edge")

    def start(self, rate: float, count: int) -> None:
        self._count = count
        self._group.start(rate, count)

    def finish(self) -> None:
        self._group.finish(self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sink.close()


class Reference:
    """A server that is told on stdin and answers with a line."""

    def __init__(self, command: list[str], clients: int, path: str | None) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
        )
        self.port = int(self._line())
        self.sink = Sink([Line(self.port, path) for _ in range(clients)])

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, rate: float, count: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rate} {count}\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sink.close()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server has ended"
        return line


class SendLoop(Reference):
    """reference/send_loop.c. ``stamped``: the ticks begin in another process and carry a time."""

    def __init__(self, tick: Frame, clients: int, folder: Path, stamped: bool = False) -> None:
        file = folder / "frame"
        file.write_bytes(tick.raw)
        command = [str(compiled("send_loop")), str(file), str(clients)]
        if stamped:
            key = b'"Turnover":'
            begin = tick.raw.index(key) + len(key)
            # Its ".0" stays.
            command += [str(begin), str(tick.raw.index(b".", begin) - begin)]
        super().__init__(command, clients, None)
        assert self._line() == "ready\n"


class FastApi(Reference):
    """reference/fastapi_app.py"""

    def __init__(self, tick: Frame, clients: int, folder: Path) -> None:
        file = folder / "tick.json"
        file.write_bytes(tick.payload)
        super().__init__([*python("fastapi_app"), str(file)], clients, "/")


def python(program: str) -> list[str]:
    """The command for a program of ours under reference/."""
    return [sys.executable, "-m", f"tests.bench.reference.{program}"]


def sample(group: EdgeGroup, instrument: str) -> Frame:
    """A tick as ws_edge sends it."""
    line = Line(group.port, "/md/")
    line.log_in()
    line.subscribe([instrument])
    group.start(100, 20)
    frame = line.frame()
    group.finish(20)
    line.close()
    return frame
