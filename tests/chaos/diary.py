"""What a client writes down: first what it is about to do, then what it was told.

One line of JSON an entry, each written by one call before the client goes on, so it survives the
client's SIGKILL. A client that is started again goes on from its file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """The order that a client wants, in the words of the exchange's record."""

    instrument: str
    exchange: str
    direction: str
    offset: str
    price: float
    volume: int
    time_condition: str = "3"
    volume_condition: str = "1"
    order_ref: str = ""


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """``id`` is the client_order_id."""

    id: str
    intent: Intent


class Tried(msgspec.Struct, frozen=True, tag="tried"):
    """About to be sent for the ``number``-th time, and not to be executed after the deadline."""

    id: str
    number: int
    deadline_ns: int


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """A state, as answer to the attempt ``number``, to a question (0), or by a return (-1)."""

    id: str
    number: int
    at_ns: int
    state: str
    duplicate: bool = False
    session_id: int = 0
    order_ref: str = ""
    front_id: int = 0
    exchange_id: str = ""
    order_sys_id: str = ""
    volume_traded: int = 0
    error_id: int = 0
    error_msg: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nothing was sent for this attempt."""

    id: str
    number: int
    at_ns: int
    error_id: int
    detail: str


class NoRecord(msgspec.Struct, frozen=True, tag="norecord"):
    """Asked for the outcome: there is no such order."""

    id: str
    at_ns: int


class Saw(msgspec.Struct, frozen=True, kw_only=True, tag="saw"):
    """A return of an order, with the identity that it had for this client."""

    owner: str
    mark: str
    session_id: int
    order_ref: str
    status: str
    traded: int


class Wrong(msgspec.Struct, frozen=True, tag="wrong"):
    """Something that must not be, seen by the client itself."""

    text: str


Entry = Wanted | Tried | Told | Refused | NoRecord | Saw | Wrong
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Diary:
    """The file of one client."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(path, flags, 0o600)

    def write(self, entry: Entry) -> None:
        os.write(self._file, _encode(entry) + b"\n")


def read(path: Path) -> Iterator[Entry]:
    """All complete entries; the last line may have been cut off by a kill."""
    if path.exists():
        for line in path.read_bytes().split(b"\n")[:-1]:
            yield _decode(line)


def now_ns() -> int:
    return time.time_ns()


def mark(user: str, order: str) -> str:
    """The BusinessUnit of an order: two accounts use the same client order ids on purpose."""
    return f"{user}.{order}"
