"""What all pages share."""

from __future__ import annotations

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
from admin.services import Services
from admin.streams import Streams
from admin.watch.monitor import Monitor
from bus.client import Client
from bus.config import Loaded
from deploy.plan import Plan

from .entry import Entry
from .sessions import Sessions

FOLDER: Final = "admin"


class Site:
    """Of one process. ``bus``, ``services`` and ``monitor`` are there while it runs."""

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
            try:
                yield
            finally:
                streams.close()
                self.entry.close()
