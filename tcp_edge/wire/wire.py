"""What every wire is to the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, Protocol

from ..reply import Reply

# Clients unpack no text that is larger: the server answers such a request with 413.
MOST_REPLY: Final = 64 << 20


class WireError(Exception):
    """The connection is to be closed without a word; the text is for the log and has no secret."""


Codec = Literal["", "zlib", "zstd"]


class Replayed(WireError):
    """The line is too old, from the future, or was here before."""


class Wire(Protocol):
    """One connection's. Small limits hold until ``trust``."""

    @property
    def codec(self) -> Codec:
        """By which replies are compressed, so also what ``Reply.packed`` has to be made by. "": by
        none; what was packed by zlib is unpacked first, and after its text comes ``seal(())``."""

    def feed(self, data: bytes) -> Iterable[str]:
        """Request texts that are complete, each opened when it is taken; all are to be taken before
        the next call. Those before a bad line come first, however TCP has cut them. Raises
        WireError, also while they are taken."""

    def pack(self, reply: Reply) -> tuple[bytes, ...]:
        """Parts for ``seal`` and ``sealed``. Large replies that are not packed yet take long: for
        many records call it in a thread, any will do."""

    def seal(self, packed: tuple[bytes, ...]) -> bytes:
        """What to send, in the order of these calls and those of ``push``."""

    def sealed(self, packed: tuple[bytes, ...], most: int) -> Iterator[bytes]:
        """The same in parts of about ``most`` bytes, each made when it is taken. Before the last
        one is, there may be calls of ``push``; what they give is to be sent behind it."""

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        """Raises WireError where the wire has no pushes."""

    def greeting(self) -> bytes:
        """What is to be sent now, of the wire's own (a handshake's answer); b"" for nothing."""

    def trust(self) -> None:
        """The connection has shown valid credentials."""
