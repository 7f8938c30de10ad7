"""The thin layer between the websockets library and an outbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from inspect import isawaitable
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State

from bus.second import second

from .admission import Visit
from .counters import Counters
from .handshake import shake
from .limits import Limits, Share
from .outbox import Outbox

log = logging.getLogger("ws_edge")

_CLOSE_S = 2.0
_CLOSE_FRAME = 4096  # bytes of kernel memory that it takes at the most
_MOST_HANDED_OVER = 1 << 20
_LONGEST_ORIGIN = 64  # of a call; an address of IPv6 with its scope may have more


class Connection(ServerConnection):
    """The library does handshake, pings, limits and closing; data frames are written past it.

    That is safe: it, too, hands whole frames to ``transport.write`` on this thread, so frames never
    mix. There is no outbox before the handshake, and whatever writes a Close frame goes through
    ``send_data``, which shuts the outbox. The library's ``send`` must not be used (it may cut
    messages into fragments).

    origin  the client's address, without its port; "" when it had gone at once. A proxy in front of
            the edge is one client here: no header of a request can be trusted
    """

    visit: Visit
    origin = ""
    outbox: Outbox | None = None
    share: Share
    kernel_buffer_bytes = 0
    limits: Limits
    counters: Counters
    tls: ssl.SSLContext | None = None
    _shaking: asyncio.Task[bool] | None = None  # the handshake of TLS
    _closing: asyncio.Task[None] | None = None
    _cut: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        return self.protocol.state is State.OPEN and self._closing is None

    def forget_handshake(self) -> None:
        """The library keeps both heads as long as the connection lives: a megabyte if a client
        likes, and tokens in it. It looks whether they are there, so empty ones stay."""
        for head in (self.request, self.response):
            assert head is not None
            head.headers = Headers()
        assert self.request is not None
        self.request.path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """With TLS twice: when it was taken, and after its handshake."""
        if self.tls is not None and self._shaking is None:
            self._begin(cast(asyncio.Transport, transport), self.tls)
            return
        # Left alone the kernel takes megabytes: thousands of ticks that are old when they arrive.
        raw = transport.get_extra_info("socket")
        if raw is not None and self.kernel_buffer_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.kernel_buffer_bytes)
        crowded = self._shaking is None and self._is_one_too_many(transport)
        super().connection_made(transport)
        if crowded:
            self.transport.abort()  # not even a refusal

    def _is_one_too_many(self, transport: asyncio.BaseTransport) -> bool:
        """It counts from now on."""
        # Asked for now: once the client has hung up uvloop raises instead of telling it.
        with contextlib.suppress(OSError, ValueError):
            address = transport.get_extra_info("peername")
            self.origin = str(address[0])[:_LONGEST_ORIGIN] if address else ""
        self.share = self.limits.share()
        peer = self.limits.peer(self.origin)
        if peer is None:
            return False
        self.share.hold(peer)
        self.counters.handshakes_refused += peer.crowded
        return peer.crowded

    def _begin(self, plain: asyncio.Transport, tls: ssl.SSLContext) -> None:
        sock = None if self._is_one_too_many(plain) else second(plain)
        plain.set_protocol(asyncio.Protocol())  # for which its end is nothing
        plain.abort()
        if sock is None:
            self.share.let_go()
        else:
            self._shake(sock, tls)

    def _shake(self, sock: socket.socket, tls: ssl.SSLContext) -> None:
        def over(task: asyncio.Task[bool]) -> None:
            if task.cancelled() or not task.result():
                self.share.let_go()
                sock.close()

        self._shaking = self.loop.create_task(shake(sock, self, tls))
        self._shaking.add_done_callback(over)  # also when it was cancelled before it began

    async def handshake(self, process_request: Any = None, *others: Any, **options: Any) -> None:
        """Who breaks the protocol right behind his request is cut off. The library has said its
        last word to him then, would answer the request all the same, and fail in that."""

        async def judged(connection: ServerConnection, request: Request) -> Response | None:
            response = process_request(connection, request)
            judgement: Response | None = await response if isawaitable(response) else response
            if self.protocol.eof_sent:  # from here to the answer nothing else runs
                self.transport.abort()
                await asyncio.shield(self.connection_lost_waiter)
            return judgement

        await super().handshake(judged, *others, **options)

    def connection_lost(self, exc: Exception | None) -> None:
        self.share.let_go()
        if self._cut is not None:
            self._cut.cancel()
        if self.outbox is not None:
            self.outbox.abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.share.heard(len(data)):
            self.give_up(1008, "too many bytes")
        super().data_received(data)
        if self.outbox is not None:
            self.outbox.heard(len(data))

    def send_data(self) -> None:
        """The library waits for its buffer to drain without a limit, so from the Close frame on,
        whoever began, the client has _CLOSE_S to take what there is and to go."""
        if self.outbox is not None and self.protocol.state is not State.OPEN:
            self.outbox.finish()
            if self._cut is None:
                self._cut = self.loop.call_later(_CLOSE_S, self.transport.abort)
        super().send_data()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.outbox is not None:
            self.outbox.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.outbox is not None:
            self.outbox.resume()

    def give_up(self, code: int, reason: str) -> None:
        """Close; see ``send_data`` for a client that takes no Close frame."""
        if self.open:
            if self.outbox is not None:
                self.outbox.finish()
            self._hand_over()
            fields = {"socket": str(self.id), "code": code, "reason": reason}
            log.warning("client given up", extra={"fields": fields})
            self._closing = self.loop.create_task(self.close(code, reason))

    def _hand_over(self) -> None:
        """Let the kernel take what still waits, and the Close frame. It delivers that even when the
        line is cut here, so a client that reads on some time later is told; 64 KiB of this process
        are free at once."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None and self.kernel_buffer_bytes:
            waiting = min(self.transport.get_write_buffer_size(), _MOST_HANDED_OVER)
            # Linux calls a socket writable when a third of its buffer is free.
            size = 2 * self.kernel_buffer_bytes + waiting + _CLOSE_FRAME
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
