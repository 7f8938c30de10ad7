"""What the exchange and the API modules say to each other: bytes in, messages out, no I/O.

A frame is a length (u32, little-endian) and one msgpack array whose first element names the
message. Structs travel as the raw bytes of the binding's own layout, so both ends must have the
same one; ``Hello`` says which.
"""

from __future__ import annotations

import struct
from typing import Any, Final, Literal

import msgspec

MAX_FRAME_BYTES: Final = 4 << 20
"""More than a subscription to every instrument of all exchanges or the longest ledger needs."""

_LENGTH: Final = struct.Struct("<I")

READ_FAILED: Final = 0x1001
"""Reason of OnFrontDisconnected: the connection was lost while reading."""
NO_HEARTBEAT: Final = 0x2001
"""Reason of OnFrontDisconnected: nothing was received for too long."""
BAD_PACKET: Final = 0x2003
"""Reason of OnFrontDisconnected: what was received is not the protocol."""

RESTART: Final = 0
RESUME: Final = 1
QUICK: Final = 2
NONE: Final = 3


SUBSCRIPTIONS: Final = (
    "SubscribeMarketData",
    "UnSubscribeMarketData",
    "SubscribeForQuoteRsp",
    "UnSubscribeForQuoteRsp",
)


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """First message of a client. ``layout`` is the catalogue's layout_id.

    ``private`` and ``public`` are the resume modes of the two streams; ``day`` and ``after`` say
    how far the client's flow directory goes in the private one. They count at the login.
    """

    side: Literal["md", "td", "control"]
    layout: int = 0
    private: int = RESTART
    public: int = RESTART
    day: str = ""
    after: int = 0


class Call(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One Req*; ``body`` is the request's struct."""

    name: str
    request_id: int
    body: bytes


class Subscribe(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One of (Un)SubscribeMarketData, (Un)SubscribeForQuoteRsp."""

    name: str
    instruments: list[str]


class Beat(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing to say, but alive. Both ways."""


class CodesSeen(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The client's calls return as the Codes of this version say from now on."""

    version: int


class CodeUsed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A call of this name has returned the first of its scripted codes."""

    name: str


class Command(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A control client's request, see sim.control."""

    number: int
    name: str
    arguments: dict[str, Any]


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The front accepts the connection; ``queries_per_second`` 0: no limit."""

    queries_per_second: int
    heartbeat_s: float
    silence_s: float
    """The client hangs up when nothing has come for so long."""


class Raise(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Call this method of the Spi. ``field`` and ``info`` are structs, None is a null pointer.

    ``number`` is the lone int of callbacks that have one (nReason). ``sequence``: position in the
    private stream, from 1; 0 for everything else.
    """

    callback: str
    field: bytes | None = None
    info: bytes | None = None
    request_id: int = 0
    last: bool = True
    number: int = 0
    sequence: int = 0


class Codes(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Scripted return values by method name, used up from the left."""

    version: int
    table: dict[str, list[int]]


class Answered(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A query has been answered, though the answer was lost on its way."""

    request_id: int


class Bye(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The front hangs up; ``reason`` is what OnFrontDisconnected shall say."""

    reason: int


class Result(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Answer to a Command; ``error`` is empty when it succeeded."""

    number: int
    value: Any = None
    error: str = ""


ToServer = Hello | Call | Subscribe | Beat | CodesSeen | CodeUsed | Command
ToClient = Welcome | Raise | Codes | Answered | Beat | Bye | Result
Message = ToServer | ToClient

_to_server: Final[msgspec.msgpack.Decoder[ToServer]] = msgspec.msgpack.Decoder(ToServer)
_to_client: Final[msgspec.msgpack.Decoder[ToClient]] = msgspec.msgpack.Decoder(ToClient)
_encoder: Final = msgspec.msgpack.Encoder()


class WireError(Exception):
    """The peer does not speak this protocol; the connection is of no more use."""


def frame(message: Message) -> bytes:
    """Raises WireError for a message that no receiver would take."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise WireError(f"{type(message).__name__} of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


class Inbox:
    """Cuts a byte stream into frames; the result does not depend on how the stream was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[bytes]:
        """Complete message bodies. Raises WireError at an announced length beyond the limit."""
        self._buffer += data
        bodies = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > MAX_FRAME_BYTES:
                raise WireError(f"a frame of {length} bytes")
            end = start + _LENGTH.size + length
            if end > len(self._buffer):
                break
            bodies.append(bytes(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return bodies


def from_client(body: bytes) -> ToServer:
    """Raises WireError."""
    try:
        return _to_server.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:  # the second for a bad str
        raise WireError(str(exc)) from exc


def from_server(body: bytes) -> ToClient:
    """Raises WireError."""
    try:
        return _to_client.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:  # the second for a bad str
        raise WireError(str(exc)) from exc
