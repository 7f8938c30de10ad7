"""The exchange's one socket."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bus.errors import Busy, ConfigError

from ..address import Address, TcpAddress

Protocols = Callable[[], asyncio.Protocol]


async def listen(address: Address, protocols: Protocols) -> asyncio.Server:
    """Raises ConfigError when the address cannot be used, Busy when somebody else uses it."""
    loop = asyncio.get_running_loop()
    try:
        if isinstance(address, TcpAddress):
            return await loop.create_server(protocols, address.host, address.port)
        return await loop.create_unix_server(protocols, sock=_bind(address))
    except OSError as exc:
        raise ConfigError(f"cannot listen on {address}: {exc}") from exc


def bound(server: asyncio.Server) -> str:
    """Where it listens, as an address that clients can use."""
    name = server.sockets[0].getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"


@contextmanager
def alone(address: Address) -> Iterator[None]:
    """Hold the lock beside a unix socket: two processes could bind the same path one after the
    other without an error. A TCP port needs none. Raises Busy, ConfigError."""
    if isinstance(address, TcpAddress):
        yield
        return
    lock = address.with_name(f"{address.name}.lock")
    try:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ConfigError(f"cannot listen on {address}: {exc}") from exc
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Busy(f"another exchange listens on {address}") from None
    finally:
        os.close(file)


def _bind(path: Path) -> socket.socket:
    """A unix socket that only this user may open; what a dead process left there goes."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening
