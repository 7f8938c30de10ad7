"""What every wire is to the server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, Protocol

from ..reply import Reply

# No wire unpacks a text that is larger, so no client gets a reply that is: its request is answered
# with 413, by the server.
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
        """By which replies are compressed: what ``Reply.packed`` has to be; "": by none."""

    def feed(self, data: bytes) -> Iterable[str]:
        """Request texts that are complete, each opened when it is taken; all are to be taken before
        the next call. Those before a bad line come first, however TCP has cut them. Raises
        WireError, also while they are taken."""

    def reply(self, reply: Reply) -> bytes:
        """What to send. Large replies take milliseconds: call it in a thread for many records, but
        one at a time for a connection."""

    def push(self, kind: str, seq: int, record: bytes) -> bytes:
        """Raises WireError where the wire has no pushes."""

    def greeting(self) -> bytes:
        """What is to be sent now, of the wire's own (a handshake's answer); b"" for nothing."""

    def trust(self) -> None:
        """The connection has shown valid credentials."""
