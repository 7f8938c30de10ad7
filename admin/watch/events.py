"""supervisord's events, as an event listener gets them on its stdin. No I/O.

The listener says READY, gets one event, and answers it; then it says READY again::

    ver:3.0 serial:21 pool:alarms poolserial:10 eventname:PROCESS_STATE_EXITED len:76
    processname:ws_edge groupname:ws_edge from_state:RUNNING expected:0 pid:2766
"""

from __future__ import annotations

from typing import Final, NamedTuple

READY: Final = b"READY\n"
DONE: Final = b"RESULT 2\nOK"
_LONGEST: Final = 1 << 16


class Event(NamedTuple):
    name: str
    fields: dict[str, str]


class ProtocolError(ValueError):
    """Not what supervisord sends."""


class Events:
    """Bytes in, events out. Each event is to be answered by DONE, then READY."""

    def __init__(self) -> None:
        self._buffer = b""

    def receive(self, data: bytes) -> list[Event]:
        """Raises ProtocolError."""
        self._buffer += data
        found = []
        while (event := self._next()) is not None:
            found.append(event)
        return found

    def _next(self) -> Event | None:
        line, newline, rest = self._buffer.partition(b"\n")
        if len(line) > _LONGEST:
            raise ProtocolError("a header without an end")
        if not newline:
            return None
        header = _pairs(line)
        try:
            size = int(header["len"])
            name = header["eventname"]
        except (KeyError, ValueError):
            raise ProtocolError("a header without len or eventname") from None
        if len(rest) < size:
            return None
        self._buffer = rest[size:]
        return Event(name, _pairs(rest[:size].partition(b"\n")[0]))


def _pairs(line: bytes) -> dict[str, str]:
    words = (word.partition(":") for word in line.decode("utf-8", "replace").split())
    return {key: value for key, _, value in words}
