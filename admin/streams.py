"""The recorder's streams: what each has kept, and its switch."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import zmq

from bus.client.calls import Calls
from bus.endpoints import recorder_address
from bus.recording import StreamState
from bus.rpc import Caller
from bus.security import Keys
from deploy.plan import Plan

_ANSWER_S: Final = 2.0


class Streams:
    """Of all recorders of a group, which record the same: the first one tells, and all obey. Used
    in one event loop. All methods raise BusError."""

    def __init__(self, plan: Plan, keys: Keys | None) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._callers = [
            Caller(
                self._context,
                recorder_address(plan.bus, str(plan.data), program.member),
                "recorder",
                keys,
            )
            for program in plan.programs.values()
            if program.module == "recorder"
        ]

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
        self._context.destroy(linger=0)

    async def states(self) -> dict[str, StreamState]:
        """By name; nothing in a group without recorder."""
        if not self._callers:
            return {}
        loop = asyncio.get_running_loop()
        row = await Calls(self._callers[0], loop.call_later).ask("Streams", silent_s=_ANSWER_S)
        found = msgspec.msgpack.decode(row.body, type=list[StreamState])
        return {state.name: state for state in found}

    async def switch(self, name: str, on: bool) -> None:
        body = msgspec.msgpack.encode(name)
        later = asyncio.get_running_loop().call_later
        for caller in self._callers:
            method = "StartStream" if on else "StopStream"
            await Calls(caller, later).ask(method, silent_s=_ANSWER_S, body=body)
