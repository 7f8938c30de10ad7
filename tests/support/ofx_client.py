"""A client of OFX on wire v1, as one of 2018 is: a socket and octkeypass."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tcp_edge import octkeypass
from tests.support import canary

TIMEOUT_S = 30.0


def key_of(group_data: Path) -> str:
    """The one that tcp_edge has made for a group on the embedded exchange."""
    return (group_data / "tcp_edge" / "ofx.key").read_text("ascii").strip()


class OfxClient:
    """``address``: "HOST:PORT", as the ready line has it."""

    def __init__(self, address: str, key: str) -> None:
        host, _, port = address.rpartition(":")
        self._key = key
        self._socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_text(self, text: str) -> None:
        self.raw(octkeypass.encrypt(self._key, text).encode("ascii") + b"\r\n")

    def send(self, cmd: int, params: object = None, **more: object) -> None:
        self.send_text(json.dumps({"cmd": cmd, "params": params, **more}))

    def line(self) -> bytes:
        """b"" at the end of the connection."""
        return self._file.readline()

    def receive(self) -> Any:
        line = self.line()
        assert line.endswith(b"\r\n"), line[-20:]
        return json.loads(canary.check(octkeypass.extract(line.decode("ascii"), self._key)))

    def ask(self, cmd: int, params: object = None, **more: object) -> Any:
        self.send(cmd, params, **more)
        return self.receive()
