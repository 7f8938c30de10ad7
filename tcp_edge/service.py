"""What a service is to the server, and a connection to a service."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from bus.authcodes import Grant

from .reply import Reply, Shape
from .request import Request
from .wire.wire import Codec


class Client:
    """One connection. ``peer``: its IP address. ``grant``: by the authcode that it showed last; who
    serves a command that needs one asks ``Access`` for it each time, because it may have ended.
    ``push``: sends a record that nobody asked for; None where the wire does not allow it (v1).
    ``codec``: of its wire, for what is compressed elsewhere; ``shape``: of its lists."""

    def __init__(
        self,
        peer: str,
        push: Callable[[str, int, bytes], None] | None = None,
        codec: Codec = "zlib",
        shape: Shape = "string",
    ) -> None:
        self.peer, self.push, self.codec, self.shape = peer, push, codec, shape
        self.authcode = ""
        self.grant: Grant | None = None


# The reply itself, of few records, from a command that needs no waiting.
Command = Callable[[Client, Request], Reply | Coroutine[Any, Any, Reply]]


class Service(Protocol):
    """One of the three. A command raises Failed, or returns the one reply of its request."""

    @property
    def commands(self) -> Mapping[int, Command]: ...

    async def start(self) -> None: ...

    def gone(self, client: Client) -> None:
        """The connection has ended."""

    def describe(self) -> dict[str, object]:
        """Counters for stat/tcp_edge."""

    async def close(self) -> None: ...
