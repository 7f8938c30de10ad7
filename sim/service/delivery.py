"""The faults that hit what the exchange says to a client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ..wire import Answered, Raise, frame
from .connection import Connection
from .faults import Armed, Delay, Duplicate, Lose, NoValue, Reorder
from .packing import Packer


class Delivery:
    """Sends callbacks to connections, as the armed faults let it."""

    def __init__(self, armed: Armed, packer: Packer) -> None:
        self._armed = armed
        self._packer = packer
        self._held: dict[Connection, list[tuple[int, Reorder, Raise]]] = {}

    def send(self, connection: Connection, message: Raise) -> None:
        if not self._armed and not self._held:
            connection.send(message)
            return
        side, user = connection.side, connection.user
        name = message.callback
        if lost := self._armed.take(Lose, name, side, user):
            if message.last and not lost.hold:
                connection.send(Answered(message.request_id))
            return
        if self._armed.take(NoValue, name, side, user):
            message = self._packer.without_values(connection.api_side, message)
        copies = [message] * (2 if self._armed.take(Duplicate, name, side, user) else 1)
        if held := self._armed.find(Reorder, name, side, user):
            self._hold(connection, *held, copies)
            return
        delay = self._armed.take(Delay, name, side, user)
        for copy in copies:
            if delay:
                _later(delay.seconds, connection.send, copy)
            else:
                connection.send(copy)
        self._release_after(connection, name)

    def send_all(self, connections: Iterable[Connection], message: Raise) -> None:
        """The same to several, written into bytes once."""
        if self._armed or self._held:
            for connection in connections:
                self.send(connection, message)
        else:
            data = frame(message)
            for connection in connections:
                connection.write(data)

    def forget(self, connection: Connection) -> None:
        """The client is gone; what was held for it is lost."""
        self._held.pop(connection, None)

    def _hold(
        self, connection: Connection, number: int, fault: Reorder, messages: list[Raise]
    ) -> None:
        waiting = self._held.setdefault(connection, [])
        if all(entry[0] != number for entry in waiting):
            _later(fault.max_s, self._release, connection, number)
        waiting += [(number, fault, message) for message in messages]

    def _release_after(self, connection: Connection, name: str) -> None:
        """Something has gone out that others may have waited for."""
        for number, fault, _ in self._held.get(connection, [])[:]:
            if fault.until == name:
                self._release(connection, number)

    def _release(self, connection: Connection, number: int) -> None:
        """Send what one fault has held back; nothing when that has happened already."""
        waiting = self._held.pop(connection, [])
        kept = [entry for entry in waiting if entry[0] != number]
        if kept:
            self._held[connection] = kept
        if len(kept) != len(waiting):
            self._armed.use(number)
        for entry in waiting:
            if entry[0] == number:
                connection.send(entry[2])


def _later(seconds: float, function: Callable[..., None], *arguments: object) -> None:
    asyncio.get_running_loop().call_later(seconds, function, *arguments)
