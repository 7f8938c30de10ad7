"""What a control client may ask for: faults, the ledger, who is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..exchange.counter import Counter
from ..exchange.values import Fields
from ..wire import Command, Result
from . import faults
from .connection import Connection
from .faults import Armed, FaultError
from .injector import Injector
from .outside import Outside
from .record import plain

LEDGER_PART: Final = 2000
"""Entries in one answer; the client asks again from where it stopped."""
ACKNOWLEDGE_S: Final = 2.0
_POLL_S: Final = 0.005


class Commands:
    """Runs the commands of ``sim.control``."""

    def __init__(
        self,
        injector: Injector,
        armed: Armed,
        counter: Counter,
        clients: set[Connection],
        tally: Mapping[str, int],
        outside: Outside,
    ) -> None:
        self._injector = injector
        self._armed = armed
        self._counter = counter
        self._clients = clients
        self._tally = tally
        self._commands: dict[str, Callable[..., Any]] = {
            "fault": self._fault,
            "remove": self._remove,
            "clear": self._clear,
            "faults": self._faults,
            "ledger": self._ledger,
            "outside": outside.request,
            "outside_orders": outside.orders,
            "sessions": self._sessions,
            "snapshot": self._snapshot,
            "tally": self._tallied,
        }

    async def run(self, connection: Connection, command: Command) -> None:
        """Answer one command, a fault only when it is in force everywhere."""
        function = self._commands.get(command.name)
        if function is None:
            result = Result(command.number, error="there is no such command")
        else:
            try:
                result = Result(command.number, function(**command.arguments))
            except (FaultError, TypeError) as exc:
                result = Result(command.number, error=str(exc))
        await self._codes_in_force()
        connection.send(result)

    async def _codes_in_force(self) -> None:
        """Scripted return codes work inside the clients: wait until all have them (a client in a
        long callback is not waited for)."""
        version, _ = self._armed.codes
        deadline = time.monotonic() + ACKNOWLEDGE_S
        while time.monotonic() < deadline and any(
            client.side in ("md", "td") and client.codes_seen < version for client in self._clients
        ):
            await asyncio.sleep(_POLL_S)

    def _fault(self, **document: Any) -> int:
        return self._injector.apply(faults.parse(document))

    def _remove(self, number: int) -> None:
        self._armed.remove(number)

    def _clear(self) -> None:
        self._armed.clear()
        self._injector.send_codes(self._clients)

    def _faults(self) -> dict[str, Any]:
        waiting = {str(number): fault for number, fault in self._armed.waiting().items()}
        return {"waiting": waiting, "codes": self._armed.codes[1], "hits": self._armed.fired}

    def _ledger(self, position: int = 0) -> list[dict[str, Any]]:
        entries = self._counter.ledger.since(position)[:LEDGER_PART]
        return [plain(entry) for entry in entries]

    def _sessions(self) -> list[dict[str, Any]]:
        return [
            {
                "session": client.number,
                "side": client.side,
                "user": client.user,
                "subscribed": len(client.subscribed),
                "asked": client.asked,
            }
            for client in self._clients
            if client.side in ("md", "td")
        ]

    def _snapshot(self, instrument: str) -> Fields | None:
        return self._counter.snapshot(instrument)

    def _tallied(self) -> dict[str, int]:
        return dict(self._tally)
