"""The socket of a transport once more, to go on with it in another way."""

from __future__ import annotations

import asyncio
import os
import socket


def second(plain: asyncio.Transport) -> socket.socket | None:
    """Of one that has just been made: nothing has been read yet, so it has all that the client
    says. None: no descriptor is left."""
    try:
        return socket.socket(fileno=os.dup(plain.get_extra_info("socket").fileno()))
    except OSError:
        return None
