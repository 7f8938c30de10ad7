"""One client's TCP connection."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from .counters import strangers
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
_TURN: Final = 16  # requests and slices of a client, likewise
_MANY: Final = 50  # records from which on a reply is made in a thread
_LEAVE_S: Final = 2.0
_PART: Final = 32 << 10  # bytes of a large reply that are sealed and sent at once: 0.03 ms
_CRAWL: Final = 64 << 10  # bytes in stall_s: who takes less takes nothing
_ACKED: Final = struct.Struct("=120xQ")  # tcpi_bytes_acked of Linux's tcp_info


class Connection(asyncio.Protocol):
    """Requests are answered one after the other, so replies are in their order by themselves. What
    a client has sent beyond that waits here up to a limit, and then in his kernel.

    What needs no waiting is answered in the very call that brought it: to wake a task would cost
    as much again. The first request that has to wait starts a task, which goes on until there is
    nothing left to do."""

    def __init__(self, door: Door) -> None:
        self._door, self._counters = door, door.counters
        self._limits = door.config
        self._wire: Wire = door.make_wire()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._texts: Iterator[str] = iter(())  # of the slice that is being answered
        self._asked: tuple[int, Coroutine[Any, Any, Reply]] | None = None  # what has to wait
        self._task: asyncio.Task[None] | None = None
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

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._active = self._loop.time()
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes > self._limits.max_request_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self._task is None:
            self._serve()

    def eof_received(self) -> bool:
        """Who ends his side first still gets the answers to what he has asked."""
        self._ended = True
        return self._task is not None and not self._door.tls

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._admitted:
            self._ended = True
            self._timer.cancel()
            if self._task is not None:
                self._task.cancel()
            if self._asked is not None:
                self._asked[1].close()
            self._door.gone(self)

    # -- one request after the other ---------------------------------------------------------

    def _serve(self) -> None:
        try:
            if self._turn():
                self._task = self._loop.create_task(self._work())
        except Exception as exc:
            self._broken(exc)

    async def _work(self) -> None:
        try:
            while True:
                if self._asked is None:
                    await asyncio.sleep(0)
                else:
                    (cmd, command), self._asked = self._asked, None
                    await self._send(await self._awaited(cmd, command))
                await self._drained()
                if not self._turn():
                    break
        except Exception as exc:
            self._broken(exc)
        self._task = None
        if self._ended:
            self._transport.close()

    def _turn(self) -> bool:
        """Up to so many requests, before the others have their turn. False when nothing is left to
        do. Raises WireError."""
        for _ in range(_TURN):
            text = next(self._texts, None)
            if text is None:
                self._greet()
                if not self._waiting:
                    return False
                self._texts = iter(self._wire.feed(self._next_slice()))
                continue
            self._read = True
            self._greet()
            reply = self._answer(text)
            if reply is None:
                return True
            self._transport.write(self._wire.seal(self._wire.pack(reply)))
            if not self._writable.is_set():
                return True
        return True

    def _broken(self, exc: Exception) -> None:
        if isinstance(exc, _Slow):
            self.too_slow()
            return
        if isinstance(exc, WireError):
            self._counters.unreadable += 1
            fields = {"service": self._door.name, "peer": self.client.peer, "why": str(exc)}
            strangers.warning("unreadable", fields)
            if not self._read:
                self._door.guessed(self)
        else:
            self._counters.faults += 1
            log.error("a connection has failed", exc_info=exc)
        self._transport.abort()

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

    def _answer(self, text: str) -> Reply | None:
        """None: it has to be waited for."""
        cmd = 0
        try:
            request = parse(text)
            cmd = request.cmd
            answer = self._door.command(cmd)(self.client, request)
        except Exception as exc:
            return self._refused(cmd, exc)
        if isinstance(answer, Reply):
            return self._accepted(cmd, answer)
        self._asked = cmd, answer
        return None

    async def _awaited(self, cmd: int, command: Coroutine[Any, Any, Reply]) -> Reply:
        try:
            reply = await command
        except Exception as exc:
            return self._refused(cmd, exc)
        return self._accepted(cmd, reply)

    def _accepted(self, cmd: int, reply: Reply) -> Reply:
        if len(reply.body) > MOST_REPLY:
            too_large = Failed(Stat.TOO_LARGE, "the reply is larger than 64 MiB")
            return self._refused(cmd, too_large)
        self._count(cmd, Stat.ACCEPTED)
        return reply

    def _refused(self, cmd: int, exc: Exception) -> Reply:
        if not isinstance(exc, Failed):
            self._counters.faults += 1
            log.error("a command has failed", exc_info=exc, extra={"fields": {"cmd": cmd}})
            exc = Failed(Stat.INTERNAL, "internal")
        self._count(cmd, exc.stat)
        return failure(exc)

    def _count(self, cmd: int, stat: Stat) -> None:
        self._counters.requests[self._door.counted(cmd)] += 1
        self._counters.replies[int(stat)] += 1
        if not self._trusted and self._door.has_shown_credentials(self.client, stat):
            self._trusted = True
            self._wire.trust()
            self._door.trusts(self)
            self._timer.cancel()
            if self._limits.idle_s:
                self._timer = self._loop.call_later(self._limits.idle_s, self._idle)

    async def _send(self, reply: Reply) -> None:
        """Raises WireError for what this wire cannot carry, and _Slow."""
        if reply.packed or reply.records < _MANY:
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

    def _parts(self, reply: Reply, packed: tuple[bytes, ...]) -> Iterator[bytes]:
        """So much at once that a client who does not read costs what was made for him and no copy,
        and one who does holds up nobody."""
        if reply.packed and not self._wire.codec:
            yield from inflated(reply.packed, _PART)
            packed = ()
        if sum(map(len, packed)) <= _PART:
            yield self._wire.seal(packed)
        else:
            yield from self._wire.sealed(packed, _PART)

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
        if self._ended or self._transport.is_closing():
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
        strangers.warning("slow", {"peer": self.client.peer})
        self._transport.abort()

    async def leave(self) -> None:
        """What is being answered is still answered, for a moment."""
        self._ended = True
        self._waiting.clear()
        self._texts = iter(())
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_LEAVE_S)
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
