"""supervisord as the web page uses it: over its unix socket, each call in a thread with a proxy of
its own, because a proxy is not for several threads and a call may wait."""

from __future__ import annotations

import asyncio
import socket
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import (  # type: ignore[import-untyped]
    Faults,
    SupervisorTransport,
    UnixStreamHTTPConnection,
)

_ANSWER_S: Final = 5.0
# What a button asks for is so already.
_SO_ALREADY: Final = (Faults.ALREADY_STARTED, Faults.NOT_RUNNING)


class ControlError(Exception):
    """supervisord is not there, or refuses; one line."""


class Row(NamedTuple):
    """A program. ``state``: supervisord's, such as RUNNING or FATAL. ``up_s``: 0 when it is down.
    ``why``: what supervisord says of a failed start."""

    name: str
    state: str
    pid: int
    up_s: int
    why: str


class Control:
    """All methods raise ControlError."""

    def __init__(self, run: Path) -> None:
        """``run``: the group's run directory."""
        self._url = f"unix://{run}/supervisor.sock"

    async def rows(self) -> dict[str, Row]:
        return {info["name"]: _row(info) for info in await self._call("getAllProcessInfo")}

    async def start(self, name: str) -> None:
        """Returns at once; ``rows`` tells what becomes of it."""
        await self._call("startProcess", name, False)

    async def stop(self, name: str) -> None:
        """Likewise."""
        await self._call("stopProcess", name, False)

    async def _call(self, method: str, *arguments: Any) -> Any:
        return await asyncio.to_thread(ask, self._url, method, *arguments)


def ask(url: str, method: str, *arguments: Any) -> Any:
    """Waits, for some seconds at the most. ``url``: unix://FILE. Raises ControlError."""
    try:
        with ServerProxy("http://localhost", _transport(url)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except Fault as fault:
        if fault.faultCode in _SO_ALREADY:
            return True
        raise ControlError(f"supervisord: {fault.faultString}") from None
    except (OSError, HTTPException, Error) as exc:
        raise ControlError(f"supervisord: {exc}") from None


def _transport(url: str) -> SupervisorTransport:
    def connect() -> _Connection:
        connection = _Connection("localhost")
        connection.socketfile = url.removeprefix("unix://")
        return connection

    transport = SupervisorTransport(serverurl=url)
    transport._get_connection = connect
    return transport


class _Connection(UnixStreamHTTPConnection):  # type: ignore[misc]
    """Ends with a supervisord that hangs, or it would keep a thread for ever."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_S)
        self.sock.connect(self.socketfile)


def _row(info: dict[str, Any]) -> Row:
    running = info["statename"] == "RUNNING"
    up_s = max(0, info["now"] - info["start"]) if running else 0
    why = "" if running else info["spawnerr"] or info["description"]
    return Row(info["name"], info["statename"], info["pid"], up_s, why)
