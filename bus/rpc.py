"""Calls to a worker: a DEALER on the caller's side, a ROUTER in the worker.

A call is one msgpack frame (``Call``), its answer a stream of rows until one has the flag LAST.
A DEALER keeps what it could not deliver and a ROUTER hands it over when the worker is back, so
every call carries a deadline; the worker checks it right before it acts and answers instead of
acting when it has passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import zmq
from msgspec import Meta

from . import links, roles, security
from .errors import Refused, Unavailable, forbidden
from .frames import Flag, FrameError, Row, message_type, pack_row, unpack_row
from .publisher import HIGH_WATER

log = logging.getLogger(__name__)

OnRow = Callable[[Row], None]
OnSilence = Callable[[str], None]  # gets the reason, for people

_LINGER_MS: Final = 500
_SLICE: Final = 50  # rows handed over before the loop may do something else
MAX_CALL: Final = 1 << 20  # bytes; the largest struct of the API has 4 KB
_BAD_AT_ONCE: Final = 256  # frames that are no calls for us, before the loop may do something else


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One request.

    id          the caller's number for it, not 0
    method      "ReqOrderInsert", or a verb of our own
    deadline_ns Unix time after which the worker must not act on it any more
    session     the handle from the login, 16 bytes; empty before it
    request_id  nRequestID of the client, echoed in the rows
    body        struct bytes for Req*, else msgpack
    client_order_id  a new order's own id, given by the client: the same id never makes two orders
    origin      who is behind the caller, such as the address of an edge's client; wrong passwords
                are counted by it. Of who may not speak for others it is his key, whatever he says
    fresh       a query goes to the counter although the answer of the day is known

    The bounds are those of the row that answers: a number that no row can carry is malformed.
    """

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    method: Annotated[str, Meta(max_length=64)]
    deadline_ns: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    session: Annotated[bytes, Meta(max_length=16)] = b""
    request_id: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] = 0
    body: bytes = b""
    client_order_id: Annotated[str, Meta(max_length=64)] = ""
    origin: Annotated[str, Meta(max_length=64)] = ""
    fresh: bool = False

    @property
    def seconds_left(self) -> float:
        """Until the deadline, by the wall clock, so that a stale call is known as such; who waits
        for longer waits by a clock that nobody sets."""
        return (self.deadline_ns - time.time_ns()) / 1e9


class ErrorBody(msgspec.Struct, frozen=True):
    """Body of a row of type "Error": the worker refuses, nothing reached the counter."""

    error_id: int
    error_msg: str
    detail: str = ""


class SessionBody(msgspec.Struct, frozen=True):
    """Body of a row of type "Session", which precedes the row of a successful login. ``topic`` is
    where the account's returns are published; "": ``account_topic`` of broker and user."""

    handle: bytes
    broker: str
    user: str
    epoch: int
    topic: str = ""


_PROBE: Final = message_type("Probe")
_NOBODY: Final = "nobody"  # has connected with a key that has been taken away since
_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_error = msgspec.msgpack.Decoder(ErrorBody).decode


class Router:
    """The worker's side. One thread uses it.

    ``dropped`` counts rows that nobody took, ``malformed`` calls that are none of this protocol,
    ``forbidden`` those that the role of their caller may not make (bus/roles.py), which are refused
    here. ``role`` is that of the key with which the last call came; "" over ipc. ``high_water``:
    rows that wait for one caller before more are not taken.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        layout: int,
        keys: security.Keys | None = None,
        *,
        high_water: int = HIGH_WATER,
    ) -> None:
        self.layout = layout
        self.role = ""
        self.dropped = self.malformed = self.forbidden = 0
        self._keys = keys
        self._key = ""
        self._name = f"{security.SERVERS[keys.role]}_rpc" if keys is not None else ""
        self.socket = context.socket(zmq.ROUTER)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.ROUTER_MANDATORY, 1)
        # A caller may notice a cut before we do and come again. Without this libzmq takes none of
        # its calls for as long as the new connection lasts, and tells neither side. Nobody else
        # knows its identity, see Caller.
        self.socket.set(zmq.ROUTER_HANDOVER, 1)
        self.socket.set(zmq.SNDHWM, high_water)
        self.socket.set(zmq.MAXMSGSIZE, MAX_CALL)
        security.bind(context, self.socket, address, keys, "rpc")
        self._plain = not links.is_tcp(address)

    @property
    def refused(self) -> int:
        """Connections to any socket of this process that were not let in, see bus/security.py."""
        return 0 if self._keys is None else self._keys.refused

    def receive(self) -> tuple[bytes, Call] | None:
        """The next call that its caller may make, with his identity; None when none waits, or
        after many that are of no use: look again in the next turn."""
        for _ in range(_BAD_AT_ONCE):
            try:
                frames = self._frames()
            except zmq.Again:
                return None
            try:
                call = _decode_call(frames[1])
            except (msgspec.MsgspecError, UnicodeDecodeError, IndexError, RecursionError):
                self.malformed += 1
                self._tell("malformed call", self.malformed, bytes=len(frames[-1]))
                continue
            if self._may(call):
                return frames[0], self._of_caller(call)
            self._forbid(frames[0], call)
        return None

    def send(self, peer: bytes, row: Row) -> None:
        """A caller that is gone, or that has not read ``high_water`` rows, loses the row."""
        if self.offer(peer, row):
            self.dropped += 1

    def offer(self, peer: bytes, row: Row) -> int:
        """0, or why the row was not taken: zmq.EHOSTUNREACH when the caller is gone, zmq.EAGAIN
        when he has not read ``high_water`` rows."""
        try:
            self.socket.send_multipart((peer, pack_row(row)), zmq.NOBLOCK)
        except zmq.ZMQError as exc:
            if exc.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            return exc.errno
        return 0

    def reachable(self, peer: bytes) -> bool:
        """Whether this caller is still connected: a row of no call, which it passes over."""
        probe = Row(0, 0, 0, _PROBE, self.layout, Flag.LOCAL, b"")
        return self.offer(peer, probe) != zmq.EHOSTUNREACH

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        """End a call without the counter."""
        body = msgspec.msgpack.encode(ErrorBody(error.error_id, error.error_msg, error.detail))
        flags = Flag.LOCAL | Flag.MSGPACK | Flag.LAST
        row = Row(call.id, 0, call.request_id, message_type("Error"), self.layout, flags, body)
        self.send(peer, row)

    def close(self) -> None:
        self.socket.close()

    def _frames(self) -> list[bytes]:
        if self._plain:
            frames: list[bytes] = self.socket.recv_multipart(zmq.NOBLOCK)
            return frames
        # Only frames that were not copied tell whose they are.
        uncopied = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        assert self._keys is not None
        self._key = str(uncopied[-1].get("User-Id"))
        self.role = self._keys.role_of(self._key) or _NOBODY
        return [frame.bytes for frame in uncopied]

    def _may(self, call: Call) -> bool:
        return self._plain or roles.may_call(self.role, self._name, call.method)

    def _of_caller(self, call: Call) -> Call:
        if self._plain or self.role in roles.SPEAKS_FOR_OTHERS:
            return call
        return msgspec.structs.replace(call, origin=self._key)

    def _forbid(self, peer: bytes, call: Call) -> None:
        self.forbidden += 1
        self._tell("call forbidden", self.forbidden, role=self.role, method=call.method)
        what = f"a key of the role {self.role} may not call {call.method}"
        gone = "the key is not admitted any more"
        self.refuse(peer, call, forbidden(gone if self.role == _NOBODY else what))

    def _tell(self, event: str, count: int, **fields: object) -> None:
        if count & (count - 1) == 0:  # 1, 2, 4 …: a flood must not fill the log
            log.warning(event, extra={"fields": fields | {"count": count}})


class _Waiting(NamedTuple):
    on_row: Callable[[Row], None]
    on_lost: Callable[[], None]


class Caller:
    """An asyncio program's side: many calls at once over one DEALER."""

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        worker: str,
        keys: security.Keys | None = None,
    ) -> None:
        self.worker = worker
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._cut: set[int] = set()  # calls whose worker has hung up
        self._socket = context.socket(zmq.DEALER)
        self._socket.set(zmq.IDENTITY, b"c" + os.urandom(12))
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVHWM, HIGH_WATER)
        # A worker that stands still for seconds is still connected. Each call has a deadline, so
        # what it finds afterwards does no harm.
        self._socket.set(zmq.SNDHWM, HIGH_WATER)
        # Nothing is queued for a worker that is not there: the caller hears it at once.
        self._socket.set(zmq.IMMEDIATE, 1)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        security.connect(self._socket, address, keys, worker)
        self._fd = int(self._socket.get(zmq.FD))
        self._monitor_fd = int(self._monitor.get(zmq.FD))
        self._loop = asyncio.get_running_loop()
        self._more: asyncio.Handle | None = None
        self._loop.add_reader(self._fd, self.drain)
        self._loop.add_reader(self._monitor_fd, self._on_hung_up)
        self._on_hung_up()  # an FD speaks only to who has read until nothing was left

    def call(
        self,
        method: str,
        on_row: Callable[[Row], None],
        on_lost: Callable[[], None] = lambda: None,
        *,
        deadline_ns: int,
        session: bytes = b"",
        request_id: int = 0,
        body: bytes = b"",
        client_order_id: str = "",
        origin: str = "",
        fresh: bool = False,
    ) -> int:
        """Send a call; ``on_row`` gets each row of its answer, and ``on_lost`` comes instead of the
        rest when the worker has hung up: what became of the call is not known. Raises Unavailable.

        Neither may come: whoever calls sets a timer and then says ``forget``.
        """
        number = next(self._ids)
        call = Call(
            number,
            method,
            deadline_ns,
            session,
            request_id,
            body,
            client_order_id,
            origin,
            fresh,
        )
        try:
            self._socket.send(msgspec.msgpack.encode(call), zmq.NOBLOCK)
        except zmq.Again:
            raise Unavailable(self.worker) from None
        self._waiting[number] = _Waiting(on_row, on_lost)
        # The FD speaks only of changes; a send may have swallowed one.
        self._drain_soon()
        return number

    def forget(self, number: int) -> None:
        """No more rows of this call, please."""
        self._waiting.pop(number, None)

    def drain(self) -> None:
        """Hand over the rows that have arrived, in slices: 20,000 instruments in one go would keep
        the loop from everything else for a third of a second."""
        if self._more is not None:
            self._more.cancel()
            self._more = None
        for _ in range(_SLICE):
            try:
                frame = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                self._end_cut()
                return
            with contextlib.suppress(FrameError):
                self._hand_over(unpack_row(frame))
        self._drain_soon()

    def close(self) -> None:
        for fd in (self._fd, self._monitor_fd):
            self._loop.remove_reader(fd)
        if self._more is not None:
            self._more.cancel()
        self._socket.disable_monitor()
        self._monitor.close()
        # What was sent last says which clients are gone.
        self._socket.close(linger=_LINGER_MS)

    def _drain_soon(self) -> None:
        if self._more is None:
            self._more = self._loop.call_soon(self.drain)

    def _hand_over(self, row: Row) -> None:
        waiting = self._waiting.get(row.id)
        if row.flags & Flag.LAST:
            self._waiting.pop(row.id, None)
        if waiting is not None:
            self._do(partial(waiting.on_row, row))

    def _on_hung_up(self) -> None:
        with contextlib.suppress(zmq.Again):
            while self._monitor.recv_multipart(zmq.NOBLOCK):
                self._cut.update(self._waiting)
        self.drain()

    def _end_cut(self) -> None:
        """Everything that the worker still said has been handed over."""
        while self._cut:
            waiting = self._waiting.pop(self._cut.pop(), None)
            if waiting is not None:
                self._do(waiting.on_lost)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            log.exception("a reply was not handled", extra={"fields": {"worker": self.worker}})


def refusal(row: Row) -> Refused | None:
    """The error of a row in which the worker refuses; None for every other row."""
    if row.type != message_type("Error"):
        return None
    error = _decode_error(row.body)
    return Refused(error.error_id, error.error_msg, error.detail)
