"""What the attacks of ``malformed.py`` share: where to, how to connect, what came of it."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

TIMEOUT_S: Final = 60.0
_MOST_SHAPES: Final = 400
_OWN: Final = re.compile(r"[0-9]+|'[^']*'|\"[^\"]*\"|`[^`]*`")

Address = tuple[str, int]


class Where(NamedTuple):
    """The group that is attacked. ``user`` is an account of which nobody else cares; ``bus``: the
    addresses by name."""

    ws: Address
    ofx: dict[str, Address]
    bus: dict[str, str]
    keys: str
    ofx_key: str
    authority: str
    user: str
    password: str
    token: str = ""


class Tally(msgspec.Struct):
    """Messages sent, connections made, and how often which kind of answer came."""

    sent: int = 0
    connections: int = 0
    answers: dict[str, int] = {}
    faults: list[str] = []

    def heard(self, shapes: Iterable[str]) -> None:
        for name in shapes:
            known = name in self.answers or len(self.answers) < _MOST_SHAPES
            key = name if known else "others"
            self.answers[key] = self.answers.get(key, 0) + 1


def shape(text: str) -> str:
    """A text without what is of one message only."""
    return _OWN.sub("#", text)[:60]


def stranger(number: int) -> str:
    """An address for one of whom a server may keep a record of wrongs."""
    return f"127.0.9.{1 + number % 250}"


def connect(address: Address, source: str = "127.0.0.1") -> socket.socket:
    line = socket.create_connection(address, TIMEOUT_S, (source, 0))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def abort(line: socket.socket) -> None:
    """Without a farewell, so that the port can be had again at once."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
