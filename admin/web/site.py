"""What all pages share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from admin.admins import Admins
from admin.audit import Audit
from admin.clients import Clients
from admin.config import AdminConfig
from admin.control import Control
from admin.desk.desk import Desks
from admin.desk.tickets import Ticket
from admin.live.feed import Feed
from admin.live.rates import Rates
from admin.services import Services
from admin.streams import Streams
from admin.watch.monitor import Monitor
from bus.client import Client
from bus.config import Loaded
from bus.orders import OrderState
from deploy.plan import Plan

from .entry import Entry
from .sessions import Sessions

log = logging.getLogger("admin")

FOLDER: Final = "admin"
_LOOK_S: Final = 0.5


class Site:
    """Of one process. ``bus``, ``services`` and ``monitor`` are there while it runs, and so are
    ``feed`` and ``desks``, which all pages share."""

    def __init__(self, app: FastAPI, loaded: Loaded[AdminConfig], plan: Plan) -> None:
        folder = loaded.common.folder(FOLDER)
        self.loaded, self.plan = loaded, plan
        self.config = loaded.own
        self.admins = Admins(folder)
        self.sessions = Sessions(loaded.own.idle_s, time.monotonic)
        self.audit = Audit(folder / "audit.jsonl")
        self.entry = Entry(self.admins, self.sessions, self.audit)
        self.control = Control(plan.run)
        self.bus: Client
        self.services: Services
        self.clients: Clients
        self.feed: Feed
        self.desks: Desks
        self.rates = Rates()
        self._app = app

    @property
    def monitor(self) -> Monitor:
        monitor: Monitor = self._app.state.monitor
        return monitor

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Inside that of the monitor."""
        common = self.loaded.common
        async with Client(self.plan.bus, keys=self.monitor.keys, binding=common.binding) as bus:
            streams = Streams(self.plan, self.monitor.keys)
            told = self.monitor.group.told
            self.clients = Clients(self.plan.config, told)
            self.bus, self.services = bus, Services(self.plan, self.control, streams, told)
            self.feed = Feed(bus, lambda: self.monitor.lights)
            self.desks = Desks(bus, self._settled)
            looking = asyncio.create_task(self._look())
            try:
                yield
            finally:
                looking.cancel()
                await self.desks.close()
                await self.feed.close()
                streams.close()
                self.entry.close()

    async def _look(self) -> None:
        """At what the processes say of themselves, so that the charts of a page begin with what was
        before it."""
        while True:
            told = self.monitor.group.told
            stats = {name: each.stat for name, each in told.items() if each.stat is not None}
            self.rates.look(stats, time.time() * 1000)
            await asyncio.sleep(_LOOK_S)

    def _settled(self, account: str, ticket: Ticket) -> None:
        """What became of an order that was placed here, for the audit log."""
        if ticket.state is OrderState.SENT:
            return
        outcome = f"{ticket.state} {ticket.why}".strip()
        try:
            self.audit.write(
                ticket.by, ticket.peer, "order.outcome", f"{account} {ticket.name}", outcome
            )
        except OSError:
            log.exception("an order's outcome is not in the audit log")
