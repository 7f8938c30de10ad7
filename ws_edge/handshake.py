"""TLS for a connection that was taken without it.

asyncio tells of a connection with TLS when its handshake is over, so those that never end theirs
would count for nobody. Here each is counted first, then handed on to TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final

HANDSHAKE_S: Final = 10.0  # for TLS, and again for WebSocket
_CLOSE_S: Final = 2.0


async def shake(sock: socket.socket, protocol: asyncio.Protocol, tls: ssl.SSLContext) -> bool:
    """Whether ``protocol`` has got its connection. The socket is closed otherwise."""
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=_CLOSE_S,
        )
    except OSError:  # those of ssl, and of time, are some
        return False
    return True
