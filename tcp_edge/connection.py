"""One client's TCP connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from .reply import Reply, failure
from .request import parse
from .service import Client
from .stat import Failed, Stat
from .wire.deflate import inflated
from .wire.wire import MOST_REPLY, Wire, WireError

if TYPE_CHECKING:
    from .listener import Door

log = logging.getLogger("tcp_edge")

_SLICE: Final = 4096  # bytes of a client before the others have their turn
_TURN: Final = 8  # requests of a client, likewise
_MANY: Final = 50  # records from which on a reply is made in a thread
_LEAVE_S: Final = 2.0
_PART: Final = 256 << 10  # bytes of a reply that are sent at once
_CRAWL: Final = 64 << 10  # bytes in stall_s: who takes less takes nothing
_ACKED: Final = struct.Struct("=120xQ")  # tcpi_bytes_acked of Linux's tcp_info


class Connection(asyncio.Protocol):
    """Requests are answered one after the other, so replies are in their order by themselves. What
    a client has sent beyond that waits here up to a limit, and then in his kernel."""

    def __init__(self, door: Door) -> None:
        self._door, self._counters = door, door.counters
        self._limits = door.config
        self._wire: Wire = door.make_wire()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._came = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._paused = self._ended = self._admitted = self._trusted = False
        self._replying = False
        self._held: list[bytes] = []  # pushes that wait for the end of a reply
        self._held_bytes = 0
        self._read = False  # whether any request could be
        self.made = False  # whether there has been a connection, with TLS after its handshake

    # -- what the event loop calls -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made = True
        # uvloop's has all its methods and is none.
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""
        push = self._push if self._door.pushes else None
        self.client = Client(address, push, self._wire.codec, self._door.shape)
        self._loop = asyncio.get_running_loop()
        self._active = self._loop.time()
        if not self._door.admit(self):
            self._ended = True
            self._transport.abort()
            return
        self._admitted = True
        _tune(transport.get_extra_info("socket"))
        self._timer = self._loop.call_later(self._limits.credentials_s, self.late)
        self._task = self._loop.create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._active = self._loop.time()
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes > self._limits.max_request_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._came.set()

    def eof_received(self) -> bool:
        """Who ends his side first still gets the answers to what he has asked."""
        self._ended = True
        self._came.set()
        return not self._door.tls

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._admitted:
            self._ended = True
            self._timer.cancel()
            self._task.cancel()
            self._door.gone(self)

    # -- one request after the other ---------------------------------------------------------

    async def _serve(self) -> None:
        try:
            await self._work()
        except WireError as exc:
            self._counters.unreadable += 1
            fields = {"service": self._door.name, "peer": self.client.peer, "why": str(exc)}
            log.warning("unreadable", extra={"fields": fields})
            if not self._read:
                self._door.guessed(self)
            self._transport.abort()
        except _Slow:
            self.too_slow()
        except Exception:
            self._counters.faults += 1
            log.exception("a connection has failed")
            self._transport.abort()

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                if self._ended:
                    self._transport.close()
                    return
                self._came.clear()
                await self._came.wait()
            for number, text in enumerate(self._wire.feed(self._next_slice()), 1):
                self._read = True
                self._greet()
                reply = await self._answer(text)
                await self._send(reply)
                if number % _TURN == 0:
                    await asyncio.sleep(0)
            self._greet()
            if self._waiting:
                await asyncio.sleep(0)

    def _greet(self) -> None:
        if greeting := self._wire.greeting():
            self.client.codec = self._wire.codec
            self._transport.write(greeting)

    def _next_slice(self) -> bytes:
        data = self._waiting.popleft()
        if len(data) > _SLICE:
            self._waiting.appendleft(data[_SLICE:])
            data = data[:_SLICE]
        self._bytes -= len(data)
        if self._paused and self._bytes <= self._limits.max_request_bytes // 2:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def _answer(self, text: str) -> Reply:
        cmd = 0
        try:
            request = parse(text)
            cmd = request.cmd
            command = self._door.command(cmd)
            reply = await command(self.client, request)
            if len(reply.body) > MOST_REPLY:
                raise Failed(Stat.TOO_LARGE, "the reply is larger than 64 MiB")
            stat = Stat.ACCEPTED
        except Failed as failed:
            reply, stat = failure(failed), failed.stat
        except Exception:
            self._counters.faults += 1
            log.exception("a command has failed", extra={"fields": {"cmd": cmd}})
            reply, stat = failure(Failed(Stat.INTERNAL, "internal")), Stat.INTERNAL
        self._counters.requests[self._door.counted(cmd)] += 1
        self._counters.replies[int(stat)] += 1
        if not self._trusted and self._door.has_shown_credentials(self.client, stat):
            self._trusted = True
            self._wire.trust()
            self._door.trusts(self)
            self._timer.cancel()
            if self._limits.idle_s:
                self._timer = self._loop.call_later(self._limits.idle_s, self._idle)
        return reply

    async def _send(self, reply: Reply) -> None:
        """Raises WireError for what this wire cannot carry, and _Slow."""
        if reply.records < _MANY:
            packed = self._wire.pack(reply)
        else:
            packed = await asyncio.to_thread(self._wire.pack, reply)
        self._replying = True
        for number, part in enumerate(self._parts(reply, packed)):
            if number:
                await asyncio.sleep(0)
            self._transport.write(part)
            await self._drained()
        self._replying = False
        for part in self._held:
            self._transport.write(part)
        self._held.clear()
        self._held_bytes = 0

    def _parts(self, reply: Reply, packed: bytes) -> Iterator[bytes | memoryview]:
        """So much at once that a client who does not read costs what was made for him and no copy,
        and one who does holds up nobody."""
        if reply.packed and not self._wire.codec:
            yield from inflated(reply.packed, _PART)
            packed = b""
        sealed = memoryview(self._wire.seal(packed))
        for at in range(0, len(sealed), _PART):
            yield sealed[at : at + _PART]

    async def _drained(self) -> None:
        """Raises _Slow."""
        while not self._writable.is_set():
            taken = self._taken()
            try:
                async with asyncio.timeout(self._limits.stall_s):
                    await self._writable.wait()
            except TimeoutError:
                if self._taken() - taken < _CRAWL:
                    raise _Slow from None

    def _taken(self) -> int:
        """How many bytes the client's machine has acknowledged; what a transport has left to send
        says less, because with TLS there are two of them."""
        sock: socket.socket = self._transport.get_extra_info("socket")
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.size)
        acked: int = _ACKED.unpack(info)[0]
        return acked

    # -- pushes ------------------------------------------------------------------------------

    def _push(self, kind: str, seq: int, record: bytes) -> None:
        """A client that does not read them is closed: none is left out in silence."""
        if self._ended:
            return
        self._counters.pushes += 1
        push = self._wire.push(kind, seq, record)
        if self._replying:  # behind the reply, of which a part may still be to come
            self._held.append(push)
            self._held_bytes += len(push)
        else:
            self._transport.write(push)
        waiting = self._transport.get_write_buffer_size() + self._held_bytes
        if waiting > self._limits.send_limit_bytes:
            self.too_slow()

    # -- the end -----------------------------------------------------------------------------

    def too_slow(self) -> None:
        self._counters.slow += 1
        log.warning("slow", extra={"fields": {"peer": self.client.peer}})
        self._transport.abort()

    async def leave(self) -> None:
        """What is being answered is still answered, for a moment."""
        self._ended = True
        self._waiting.clear()
        self._came.set()
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_LEAVE_S):
                await asyncio.shield(self._task)
        self._transport.abort()

    def late(self) -> None:
        self._counters.late += 1
        self._transport.abort()

    def _idle(self) -> None:
        left = self._active + self._limits.idle_s - self._loop.time()
        if left <= 0:
            self.late()
        else:
            self._timer = self._loop.call_later(left, self._idle)


class _Slow(Exception):
    """The client does not read."""


def _tune(sock: socket.socket) -> None:
    """A peer whose machine is gone is noticed within some minutes; small replies go at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
