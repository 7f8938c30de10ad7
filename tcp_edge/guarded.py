"""Connections of the wire psk, on which passwords could be tried past the login service.

The first frame that can be read tells that the user whom the handshake names has his password
right, so it is a login: tries that fail delay the next ones of their address and for their user, as
``bus.tries`` has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from bus.tries import Tries

from .connection import Connection
from .wire.psk import PskServer
from .wire.wire import WireError


class GuardedPsk(PskServer):
    """``peer``: the client's address, to be set before ``feed``."""

    def __init__(self, psk_of: Callable[[str], bytes | None], tries: Tries) -> None:
        super().__init__(self._named)
        self.peer = ""
        self._find, self._tries = psk_of, tries
        self._name = ""
        self._early = False

    def feed(self, data: bytes) -> Iterator[str]:
        return super().feed(data) if self.user else self._first(data)

    def wrong(self) -> None:
        """Nothing could be read."""
        if not self._early:
            self._tries.count(self.peer, self._name)

    def _first(self, data: bytes) -> Iterator[str]:
        if self._name:  # many may have named him before one was wrong
            self._look()
        for text in super().feed(data):
            self._tries.enter(self.peer, self._name)
            yield text

    def _named(self, name: str) -> bytes | None:
        self._name = name
        self._look()
        return self._find(name)

    def _look(self) -> None:
        if self._tries.is_early(self.peer, self._name):
            self._early = True
            raise WireError("too many wrong keys before")


class GuardedConnection(Connection):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(self._wire, GuardedPsk):
            self._wire.peer = self.client.peer

    def wrong(self) -> None:
        if isinstance(self._wire, GuardedPsk):
            self._wire.wrong()
