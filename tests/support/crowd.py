"""Many clients on /md/ that are read together, or not at all, by one thread of the test.

with Crowd(port, 20, ["rb2610"], query="?notices=gap") as crowd:
    crowd.read_until(lambda: all(client.last == {"rb2610": 7} for client in crowd.clients))
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from tests.bench.clients import Line

_WAIT_S = 60.0
_RECEIVE = 64 << 10  # of the kernel for one client, so that a slow one shows soon
_tick = re.compile(rb'"InstrumentID":"(\w+)".*"Volume":(\d+)').search
_conflated = re.compile(rb'"Ticks":(\d+)').search
_missing = re.compile(rb'"Missing":(\d+|null)').search


class CrowdClient:
    """One client and what it has got so far.

    last       the newest Volume of each instrument
    falls      how often a Volume came that was not above the one before
    ticks, conflated, missing, bytes_, reads   totals; ``missing`` of Gap notices
    closed     (code, reason) of the Close frame, or None
    ended      whether the connection is over
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.last: dict[str, int] = {}
        self.kinds: Counter[str] = Counter()
        self.falls = self.ticks = self.conflated = self.missing = self.reads = 0
        self.closed: tuple[int, str] | None = None
        self.ended = False
        self._buffer = b""

    def read(self) -> None:
        try:
            data = self.line.socket.recv(1 << 18)
        except ConnectionError:
            data = b""
        self.ended = not data
        self.reads += 1
        self._buffer += data
        at = 0
        while (end := self._frame(at)) is not None:
            at = end
        self._buffer = self._buffer[at:]

    def _frame(self, at: int) -> int | None:
        """Take the frame that begins here; its end, or None when it is not all there."""
        buffer = self._buffer
        if len(buffer) < at + 4:
            return None
        first, size, start = buffer[at], buffer[at + 1], at + 2
        if size >= 126:
            more = 2 if size == 126 else 8
            size, start = int.from_bytes(buffer[start : start + more], "big"), start + more
        if len(buffer) < start + size:
            return None
        payload = buffer[start : start + size]
        if first == 0x88:
            self.closed = (int.from_bytes(payload[:2], "big"), payload[2:].decode())
        elif first == 0x81:
            self._take(payload)
        else:
            assert first == 0x89, f"no frame begins here: {buffer[at : at + 20]!r}"
        return start + size

    def _take(self, payload: bytes) -> None:
        found = _tick(payload)
        if found:
            name, volume = found[1].decode(), int(found[2])
            self.falls += volume <= self.last.get(name, 0)
            self.last[name] = volume
            self.ticks += 1
        elif payload.startswith(b'{"MsgType":"Conflated"'):
            notice = _conflated(payload)
            assert notice
            self.conflated += int(notice[1])
        elif payload.startswith(b'{"MsgType":"Gap"'):
            notice = _missing(payload)
            assert notice
            self.missing += int(notice[1])


class Crowd:
    def __init__(self, port: int, count: int, instruments: Sequence[str], query: str = "") -> None:
        self.clients: list[CrowdClient] = []
        self._selector = selectors.DefaultSelector()
        try:
            for _ in range(count):
                line = Line(port, "/md/" + query)
                self.clients.append(CrowdClient(line))
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE)
                line.log_in()
                line.subscribe(instruments)
        except BaseException:
            self.close()
            raise
        for client in self.clients:
            self._selector.register(client.line.socket, selectors.EVENT_READ, client)

    def read_until(self, fact: Callable[[], bool], complaint: str = "") -> None:
        deadline = time.monotonic() + _WAIT_S
        while not fact():
            assert time.monotonic() < deadline, complaint or f"{self.clients[0].last}"
            for key, _ in self._selector.select(0.1):
                client: CrowdClient = key.data
                client.read()
                if client.ended:
                    self._selector.unregister(client.line.socket)

    def have(self, last: dict[str, int]) -> bool:
        """Whether each client's newest ticks are these."""
        return all(client.last == last for client in self.clients)

    @property
    def ticks(self) -> int:
        return sum(client.ticks for client in self.clients)

    @property
    def conflated(self) -> int:
        return sum(client.conflated for client in self.clients)

    def close(self) -> None:
        self._selector.close()
        for client in self.clients:
            client.line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
