"""The connection of one API object and the thread that owns it and raises its callbacks."""

from __future__ import annotations

import atexit
import select
import socket
import threading
import time
import weakref
from typing import Final, Protocol

from .. import wire
from ..address import Address, connect
from ..wire import Bye, Hello, ToClient, ToServer, Welcome, WireError

RETRY_S: Final = (0.2, 0.4, 1.0)
"""Pauses between attempts to reach a front; the last one repeats."""
CONNECT_TIMEOUT_S: Final = 1.0
MAX_UNSENT_BYTES: Final = 8 << 20
_READ_BYTES: Final = 1 << 18
_SLICE_S: Final = 0.25


class Listener(Protocol):
    """Who hears of the connection, always on the link's thread."""

    def hello(self) -> Hello: ...
    def on_connected(self, welcome: Welcome) -> None: ...
    def on_disconnected(self, reason: int) -> None: ...
    def on_message(self, message: ToClient) -> None: ...
    def on_silence(self, seconds: float) -> None: ...


class Link:
    """Connects, and again after every loss, until closed. ``send`` is for any thread."""

    def __init__(self, addresses: list[Address], listener: Listener, name: str) -> None:
        self._addresses = addresses
        self._listener = listener
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._socket: socket.socket | None = None
        self._welcome: Welcome | None = None
        self._stopping = threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _links.add(self)

    def start(self) -> None:
        self._thread.start()

    @property
    def connected(self) -> bool:
        return self._welcome is not None

    @property
    def own_thread(self) -> bool:
        """Whether the caller is the thread that raises the callbacks."""
        return threading.current_thread() is self._thread

    def send(self, message: ToServer) -> bool:
        """False when there is no connection, or one that takes nothing any more."""
        data = wire.frame(message)
        with self._lock:
            if self._welcome is None or len(self._unsent) > MAX_UNSENT_BYTES:
                return False
            self._unsent += data
            self._flush()
            if self._unsent:
                self._notify()
        return True

    def close(self, timeout_s: float | None = None) -> None:
        """End the thread; after this no callback is raised. Not from the link's own thread."""
        self._stopping.set()
        self._notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._wake.close()
            self._waker.close()
            _links.discard(self)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            address = self._addresses[failures % len(self._addresses)]
            if self._attempt(address):
                failures = 0
            self._stopping.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1

    def _attempt(self, address: Address) -> bool:
        """One connection from its beginning to its end; whether the front welcomed it."""
        try:
            connection = connect(address, CONNECT_TIMEOUT_S)
        except OSError:
            return False
        with connection:
            connection.setblocking(False)
            with self._lock:
                self._socket = connection
                self._unsent[:] = wire.frame(self._listener.hello())
            reason = self._serve(connection)
            with self._lock:
                welcomed, self._welcome, self._socket = self._welcome, None, None
                self._unsent.clear()
        if welcomed and not self._stopping.is_set():
            self._listener.on_disconnected(reason)
        return welcomed is not None

    def _serve(self, connection: socket.socket) -> int:
        """Read until the connection ends; the reason, as OnFrontDisconnected reports it."""
        inbox = wire.Inbox()
        heard = beaten = time.monotonic()
        warned = False
        while not self._stopping.is_set():
            data = self._wait_and_read(connection)
            now = time.monotonic()
            if data == b"":
                return wire.READ_FAILED
            if data is not None:
                heard, warned = now, False
                try:
                    reason = self._take(inbox, data)
                except WireError:
                    return wire.BAD_PACKET
                if reason is not None:
                    return reason
                now = time.monotonic()
            # Without a welcome the front may be frozen; wait for it, as for a slow accept.
            if self._welcome is not None:
                if now - beaten >= self._welcome.heartbeat_s:
                    beaten = now
                    self.send(wire.Beat())
                if now - heard >= self._welcome.silence_s:
                    return wire.NO_HEARTBEAT
                if now - heard >= self._welcome.silence_s / 2 and not warned:
                    warned = True
                    self._listener.on_silence(now - heard)
        return wire.READ_FAILED

    def _wait_and_read(self, connection: socket.socket) -> bytes | None:
        """What came; None when nothing did for a moment; b"" at the end of the connection."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        with self._lock:
            events = select.POLLIN | (select.POLLOUT if self._unsent else 0)
        poll.register(connection, events)
        ready = dict(poll.poll(_SLICE_S * 1000))
        if self._wake.fileno() in ready:
            self._wake.recv(4096)
        state = ready.get(connection.fileno(), 0)
        if state & select.POLLOUT:
            with self._lock:
                self._flush()
        if not state & ~select.POLLOUT:
            return None
        try:
            return connection.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _take(self, inbox: wire.Inbox, data: bytes) -> int | None:
        """Handle what came; the reason when the front said goodbye. Raises WireError."""
        for body in inbox.receive(data):
            if self._stopping.is_set():
                return wire.READ_FAILED
            match message := wire.from_server(body):
                case Bye():
                    return message.reason
                case Welcome():
                    with self._lock:
                        self._welcome = message
                    self._listener.on_connected(message)
                case _:
                    self._listener.on_message(message)
        return None

    def _flush(self) -> None:
        """Write what the kernel takes now; with the lock held."""
        assert self._socket is not None
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            # The reading side finds the end of the connection and reports it.
            self._unsent.clear()

    def _notify(self) -> None:
        try:
            self._waker.send(b"\0")
        except BlockingIOError:
            return  # enough wake-ups are waiting


_links: weakref.WeakSet[Link] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """At the end of the process, before the interpreter does: a thread that wants the
    interpreter lock after that is ended inside C++ code, which aborts the process."""
    for link in list(_links):
        link.close(timeout_s=1.0)
