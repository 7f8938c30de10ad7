"""The rows of the services table, and what their buttons do.

The first thirteen are those of OFX's manual. Rows 1 to 3 are a process each with
``tcp_edge.processes: three``, else all three are the one tcp_edge. Rows 6 to 12 are streams of the
recorder. Behind them stand the processes that OFX did not have.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from admin.control import Control, ControlError, Row
from admin.streams import Streams
from admin.watch.told import Told
from bus.errors import BusError
from bus.recording import StreamState
from deploy.plan import Plan
from recorder.config import STREAMS

SELF: Final = "admin"
_RECORDER: Final = "recorder"
_COMES_UP_S: Final = 20.0
_LOOK_S: Final = 0.3


class Service(NamedTuple):
    """``key``: of its text, "" for a row of ours. ``program``: "" when the group has none.
    ``stream``: of the recorder, "" for a whole process."""

    key: str
    program: str
    stream: str = ""


class State(NamedTuple):
    """Of a row. ``state``: supervisord's word; STOPPED, too, for a stream that is switched off.
    ``up_s``, ``memory`` (bytes): 0 where there is nothing to say. ``why``: of a failed start."""

    state: str
    up_s: int = 0
    memory: int = 0
    why: str = ""


def thirteen(plan: Plan) -> list[Service]:
    def first(*names: str) -> str:
        return next((name for name in names if name in plan.programs), "")

    recorder = first(_RECORDER)
    return [
        *(
            Service(f"service.{name}", first(f"tcp_edge_{name}", "tcp_edge"))
            for name in ("login", "quote", "trade")
        ),
        Service("service.md", plan.md),
        Service("service.td", first("td_worker")),
        *(Service(f"service.{name}", recorder, name) for name in STREAMS),
        Service("service.monitor", first("alarms")),
    ]


def ours(plan: Plan) -> list[Service]:
    known = {service.program for service in thirteen(plan) if not service.stream}
    return [Service("", name) for name in plan.programs if name not in known]


class Services:
    """All methods raise ControlError and BusError."""

    def __init__(
        self, plan: Plan, control: Control, streams: Streams, told: Mapping[str, Told]
    ) -> None:
        self._plan, self._control, self._streams, self._told = plan, control, streams, told

    async def look(self) -> dict[Service, State]:
        rows = await self._control.rows()
        streams: dict[str, StreamState] = {}
        if _RECORDER in rows and rows[_RECORDER].state == "RUNNING":
            with suppress(BusError):  # it has just started, or is frozen
                streams = await self._streams.states()
        return {
            service: self._state(service, rows.get(service.program), streams)
            for service in (*thirteen(self._plan), *ours(self._plan))
            if service.program
        }

    async def start(self, service: Service) -> None:
        """Of a stream, the recorder as well."""
        await self._control.start(service.program)
        if service.stream:
            await self._switch_on([service.stream])

    async def stop(self, service: Service) -> None:
        if service.stream:
            await self._streams.switch(service.stream, False)
        else:
            await self._control.stop(service.program)

    async def start_all(self) -> None:
        """Processes and streams; of those that fail the first one is told when all were tried."""
        await _each(self._control.start, self._plan.programs)
        if _RECORDER in self._plan.programs:
            await self._switch_on(list(STREAMS))

    async def stop_all(self) -> None:
        """All but this process: whoever has stopped them must be able to start them. Clients go
        before what serves them."""
        others = [name for name in reversed(self._plan.programs) if name != SELF]
        await _each(self._control.stop, others)

    async def _switch_on(self, names: list[str]) -> None:
        """As soon as the recorder answers."""
        until = time.monotonic() + _COMES_UP_S
        while True:
            try:
                states = await self._streams.states()
                for name in names:
                    if name in states and not states[name].running:
                        await self._streams.switch(name, True)
                return
            except BusError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_LOOK_S)

    def _state(
        self, service: Service, row: Row | None, streams: Mapping[str, StreamState]
    ) -> State:
        if row is None:
            return State("UNKNOWN")
        if service.stream and row.state == "RUNNING":
            stream = streams.get(service.stream)
            if stream is None:
                return State("UNKNOWN")
            return State("RUNNING" if stream.running else "STOPPED")
        memory = self._memory(row) if not service.stream else 0
        return State(row.state, row.up_s, memory, row.why)

    def _memory(self, row: Row) -> int:
        told = self._told.get(row.name)
        if told is not None and told.stat is not None and told.stat.pid == row.pid:
            return told.stat.memory
        return resident(row.pid)


async def _each(action: Callable[[str], Awaitable[None]], names: Iterable[str]) -> None:
    """Raises the first ControlError at the end: one that refuses is no reason to leave the rest."""
    failed: ControlError | None = None
    for name in names:
        try:
            await action(name)
        except ControlError as exc:
            failed = failed or ControlError(f"{name}: {exc}")
    if failed is not None:
        raise failed


def resident(pid: int) -> int:
    """Bytes in use of a process that does not tell it; 0 when it is gone."""
    if not pid:
        return 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
