"""The watch over one group in an asyncio program: sockets, clock and disk around the pure parts."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import zmq

from admin.config import AdminConfig
from bus.config import Loaded, open_calendar
from bus.endpoints import recorder_address
from bus.rpc import Caller
from bus.security import keys_of
from deploy.plan import Plan

from .canary import Canary
from .health import Bounds, Flight, Health, Light
from .listener import Listener
from .sources import sources
from .told import Group

log = logging.getLogger("admin")

_LOOK_S: Final = 0.2
_DISK_S: Final = 1.0


class Monitor:
    """``lights`` are of now. ``on_look``: called with them several times a second. Used in one
    event loop; ``close`` must follow."""

    def __init__(
        self,
        loaded: Loaded[AdminConfig],
        plan: Plan,
        *,
        canary: bool,
        on_look: Callable[[list[Light]], None] = lambda lights: None,
    ) -> None:
        self.config, self.plan = loaded.own, plan
        self._on_look = on_look
        self.keys = keys_of(loaded.common.keys, "admin")
        self.calendar = open_calendar(loaded.common)
        found = sources(plan, loaded.own)
        publishers = {"md_worker": plan.md, "td_worker": "td_worker"}
        self.group = Group({source.program: source.module for source in found}, publishers)
        bounds = Bounds(
            loaded.own.feed_silence_s,
            loaded.own.disk_free_mb,
            loaded.own.limits_s,
            plan.canary.instrument,
        )
        self.health = Health(self.calendar, bounds)
        self.lights: list[Light] = []
        self._flight: Flight | None = None
        self._free_mb: int | None = None
        self._context: zmq.Context[Any] = zmq.Context()
        self._listener = Listener(self._context, found, self.keys, self.group, time.monotonic)
        self._callers = self._make_callers() if canary and loaded.own.canary_every_s else {}
        self._tasks = [asyncio.create_task(self._look()), asyncio.create_task(self._see_disk())]
        if self._callers:
            self._tasks.append(asyncio.create_task(self._fly()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()
        for caller in self._callers.values():
            caller.close()
        if self.keys is not None:
            self.keys.close()
        self._context.destroy(linger=0)

    async def _look(self) -> None:
        while True:
            try:
                self.lights = self.health.look(
                    self.group.told, self._free_mb, self._flight, time.monotonic(), time.time_ns()
                )
                self._on_look(self.lights)
            except Exception:  # a watch that ended would be silent, as if all were well
                log.exception("the lights were not looked at")
            await asyncio.sleep(_LOOK_S)

    async def _see_disk(self) -> None:
        while True:
            with suppress(OSError):
                # In a thread: a disk of the network may take its time.
                self._free_mb = await asyncio.to_thread(_free_mb, self.plan.data)
            await asyncio.sleep(_DISK_S)

    # -- the canary ------------------------------------------------------------------------------

    def _make_callers(self) -> dict[str, Caller]:
        bus, data = self.plan.bus, str(self.plan.data)
        callers = {}
        if self.plan.td_fronts:
            callers["client → td_worker"] = Caller(
                self._context, bus.td_rpc, "td_worker", self.keys
            )
        if self.plan.md_fronts:
            callers["client → md_worker"] = Caller(
                self._context, bus.md_rpc, "md_worker", self.keys
            )
        for name, program in self.plan.programs.items():
            if program.module == "recorder":
                address = recorder_address(bus, data, program.member)
                callers[f"client → {name}"] = Caller(self._context, address, "recorder", self.keys)
        return callers

    async def _fly(self) -> None:
        config, edge = self.plan.canary, self.plan.edge
        canary = Canary(
            _edge_url(self.plan) if edge.port and "md" in edge.paths else "",
            config.token_file,
            _trusting(edge.cert_file) if edge.cert_file else None,
            config.instrument,
            lambda: self.calendar.any_trades([config.instrument], time.time_ns()),
            self._callers,
        )
        while True:
            await asyncio.sleep(self.config.canary_every_s)
            began = time.monotonic()
            try:
                flight = await canary.fly()
            except OSError as exc:  # the file of the token
                flight = Flight(False, str(exc))
            self._flight = flight._replace(began=began)


def _edge_url(plan: Plan) -> str:
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(
        plan.edge.host, plan.edge.host
    )
    shown = f"[{host}]" if ":" in host else host
    return f"{'wss' if plan.edge.cert_file else 'ws'}://{shown}:{plan.edge.port}"


def _trusting(certificate: str) -> ssl.SSLContext:
    """This certificate, whoever signed it and whatever name it has."""
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def _free_mb(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize >> 20
