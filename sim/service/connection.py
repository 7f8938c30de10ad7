"""The exchange's end of one client's connection."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from schemas.catalogue import Side

from .. import wire
from ..wire import Bye, Hello, Inbox, ToClient, ToServer, WireError

log = logging.getLogger("sim.service.connection")

GOODBYE_S: Final = 1.0


class Owner(Protocol):
    """Who serves the connections."""

    max_output_bytes: int

    def opened(self, connection: Connection) -> None: ...
    def received(self, connection: Connection, message: ToServer) -> None: ...
    def closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One client, from its connect to its end. Everything runs in the event loop.

    ``number`` counts the connections of its side, ``user`` is set while he is logged in (a market
    data login may be without a user). Output is bounded: a client that does not read is cut off,
    and never waited for.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._frozen: bytearray | None = None
        self._unread: list[ToServer] = []
        self.hello: Hello | None = None
        self.number = 0
        self.user = ""
        self.logged_in = False
        """Of the market data front, where a login needs no user."""
        self.skip_to = 0
        """Returns of the private stream up to this place are known to the client."""
        self.subscribed: set[str] = set()
        self.quoted: set[str] = set()
        """Instruments whose requests for quotes he hears of."""
        self.asked: dict[str, int] = {}
        """The nRequestID of the last request of each name."""
        self.codes_seen = 0
        self.heard = time.monotonic()
        self.slow = False

    @property
    def side(self) -> str:
        """md, td, control, or "" before the client has said it."""
        return self.hello.side if self.hello else ""

    @property
    def api_side(self) -> Side:
        return "md" if self.side == "md" else "td"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._owner.closed(self)

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        try:
            for body in self._inbox.receive(data):
                self._take(wire.from_client(body))
        except WireError as exc:
            log.warning("bad packet", extra={"fields": {"side": self.side, "why": str(exc)}})
            self.hang_up(wire.BAD_PACKET)

    def _take(self, message: ToServer) -> None:
        if self._frozen is not None:
            self._unread.append(message)
        elif self._transport is not None:
            self._owner.received(self, message)

    def send(self, message: ToClient) -> None:
        self.write(wire.frame(message))

    def write(self, data: bytes) -> None:
        """Send a frame, or cut the client off when too much waits for him already."""
        if self._transport is None or self._transport.is_closing():
            return
        waiting = self._transport.get_write_buffer_size() + len(self._frozen or b"")
        if waiting > self._owner.max_output_bytes:
            self.slow = True
            log.warning(
                "slow client cut off", extra={"fields": {"side": self.side, "user": self.user}}
            )
            self._transport.abort()
        elif self._frozen is not None:
            self._frozen += data
        else:
            self._transport.write(data)

    def hang_up(self, reason: int) -> None:
        """Say so and close, after what has been written; a client that does not read it is cut."""
        self.send(Bye(reason))
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(GOODBYE_S, self.cut)

    def cut(self) -> None:
        """Close without a word."""
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        if self._frozen is None and self._transport is not None:
            self._frozen = bytearray()
            self._transport.pause_reading()

    def thaw(self) -> None:
        """Go on with everything that came meanwhile, in its order."""
        if self._frozen is None:
            return
        waiting, self._frozen = self._frozen, None
        self.write(bytes(waiting))
        unread, self._unread = self._unread, []
        for message in unread:
            self._take(message)
        self.heard = time.monotonic()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
