"""A wire of plain lines, for tests of what is above the wires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tcp_edge.reply import Reply
from tcp_edge.wire.wire import Codec, WireError


class PlainWire:
    """The line "bad" cannot be read."""

    codec: Final[Codec] = ""

    def __init__(self) -> None:
        self._rest = b""
        self.trusted = False

    def feed(self, data: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip() == b"bad":
                raise WireError("bad line")
            yield line.decode().rstrip("\r")

    def pack(self, reply: Reply) -> tuple[bytes, ...]:
        return (reply.body,)

    def seal(self, packed: tuple[bytes, ...]) -> bytes:
        return b"".join((*packed, b"\r\n"))

    def sealed(self, packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        for part in packed:
            yield from (part[at : at + most] for at in range(0, len(part), most))
        yield b"\r\n"

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        return b'{"push": "%s", "seq": %d, "data": %s}\r\n' % (kind.encode(), seq, record)

    def greeting(self) -> bytes:
        return b""

    def trust(self) -> None:
        self.trusted = True
