"""Clients that cost little: opened one by one from here, then read by one C program (sink.c)."""

from __future__ import annotations

import json
import selectors
import socket
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from .programs import compiled

TIMEOUT_S = 60.0
_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_DATA = (1, 2)


class Frame(NamedTuple):
    raw: bytes
    payload: bytes

    @property
    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.payload)
        return message


class Line:
    """One WebSocket connection, blocking, that takes no byte beyond the frame it reads."""

    def __init__(self, port: int, path: str | None) -> None:
        """``path`` None: no handshake."""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if path is not None:
            self.socket.sendall(_HANDSHAKE.format(path=path).encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += self._exactly(1)
            assert answer.startswith(b"HTTP/1.1 101"), answer

    def send(self, **message: object) -> None:
        """One text message, masked with zeros."""
        text = json.dumps(message).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else struct.pack("!BH", 254, len(text))
        self.socket.sendall(b"\x81" + size + bytes(4) + text)

    def frame(self) -> Frame:
        """The next data frame."""
        while True:
            head = self._exactly(2)
            size = head[1] & 0x7F
            if size >= 126:
                more = self._exactly(2 if size == 126 else 8)
                head, size = head + more, int.from_bytes(more, "big")
            payload = self._exactly(size)
            if head[0] & 0xF in _DATA:
                return Frame(head + payload, payload)

    def wait(self, kind: str) -> dict[str, Any]:
        """The next message of this MsgType; an error fails."""
        while (message := self.frame().message)["MsgType"] != kind:
            pass
        assert not (message.get("RspInfo") or {}).get("ErrorID"), message
        return message

    def log_in(self) -> None:
        self.send(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "u1", "Password": "good"})
        self.wait("RspUserLogin")

    def subscribe(self, instruments: Sequence[str]) -> None:
        self.send(MsgType="SubscribeMarketData", InstrumentID=list(instruments))
        for _ in instruments:
            self.wait("RspSubMarketData")

    def close(self) -> None:
        self.socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "the server has hung up"
            data += part
        return data


def subscribed(port: int, count: int, instruments: Sequence[str], query: str = "") -> list[Line]:
    """So many clients on /md/ that have these instruments."""
    lines = []
    for _ in range(count):
        line = Line(port, "/md/" + query)
        line.log_in()
        line.subscribe(instruments)
        lines.append(line)
    return lines


class Tick(NamedTuple):
    """A tick that a client got; ``number`` is its Volume."""

    client: int
    number: int
    latency_ns: int


class Last(NamedTuple):
    """What one client got of one instrument; ``falls``: how often Volume went down."""

    client: int
    instrument: str
    number: int
    ticks: int
    falls: int


class Sink:
    """The process that reads ``lines``, which are closed here."""

    def __init__(self, lines: Sequence[Line]) -> None:
        for line in lines:
            line.socket.setblocking(False)
        fds = [line.socket.fileno() for line in lines]
        self._process = subprocess.Popen(
            [str(compiled("sink")), *map(str, fds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
        )
        for line in lines:
            line.close()
        self._folder = tempfile.TemporaryDirectory()

    @property
    def pid(self) -> int:
        return self._process.pid

    def clear(self) -> None:
        self._ask("clear")

    def stamps(self, clients: int = 0) -> None:
        """Read the ticks themselves from now on, and keep those of so many clients (0: all)."""
        self._ask("stamps on")
        self._ask(f"keep {clients}")

    def report(self) -> dict[str, int]:
        return self._ask("report")

    def wait(self, frames: int, timeout_s: float = TIMEOUT_S) -> dict[str, int]:
        """Until so many frames have come since ``clear``."""
        self._tell(f"wait {frames}")
        return self._answer(timeout_s)

    def ticks(self) -> list[Tick]:
        """What was kept since ``clear``."""
        path = Path(self._folder.name) / "dump"
        self._ask(f"dump {path}")
        return [Tick(*record) for record in struct.iter_unpack("<IIq", path.read_bytes())]

    def last(self) -> list[Last]:
        path = Path(self._folder.name) / "last"
        self._ask(f"last {path}")
        rows = [line.split() for line in path.read_text().splitlines()]
        return [
            Last(int(client), name, int(number), int(ticks), int(falls))
            for client, name, number, ticks, falls in rows
        ]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, line: str) -> dict[str, int]:
        self._tell(line)
        return self._answer(TIMEOUT_S)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self, timeout_s: float) -> dict[str, int]:
        pipe = self._process.stdout
        assert pipe is not None
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                self._tell("report")
                raise AssertionError(f"the clients wait: {pipe.readline()!r}")
        answer: dict[str, int] = json.loads(pipe.readline())
        return answer
