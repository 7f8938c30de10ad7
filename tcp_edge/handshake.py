"""The TLS handshake of a connection that counts from its first packet on.

asyncio tells of a connection with TLS when its handshake is over, so those that never end theirs
would be beyond every limit. Here each is counted first, then handed on to TLS.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from bus.second import second

from .connection import Connection
from .counters import strangers

if TYPE_CHECKING:
    from .listener import Door


class Handshake(asyncio.Protocol):
    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plain = cast(asyncio.Transport, transport)
        peer = plain.get_extra_info("peername")
        address = peer[0] if peer else ""
        if self._door.enter(address):
            sock = second(plain)
            if sock is None:
                self._door.counters.refused += 1
                self._door.leave(address)
            else:
                self._begin(sock, address)
        plain.abort()

    def _begin(self, sock: socket.socket, address: str) -> None:
        connection = Connection(self._door)

        def over(task: asyncio.Task[None]) -> None:
            if not connection.made:
                self._door.leave(address)
                sock.close()

        task = asyncio.get_running_loop().create_task(self._shake(connection, sock, address))
        task.add_done_callback(over)  # also when it was cancelled before it began
        self._door.shakes(task)

    async def _shake(self, connection: Connection, sock: socket.socket, address: str) -> None:
        door = self._door
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=door.tls,
                ssl_handshake_timeout=door.config.credentials_s,
            )
        except OSError as exc:  # those of ssl, and of time, are some
            door.counters.unreadable += 1
            fields = {"service": door.name, "peer": address, "why": f"TLS: {exc}"}
            strangers.warning("unreadable", fields)
