"""The services of one process and what they are made of."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, closing, suppress
from typing import Any

import zmq

from bus.client import Account, Client
from bus.config import Loaded, open_calendar
from bus.endpoints import resolve
from bus.lock import hold
from bus.security import keys_of
from bus.stats import STAT_S, Meter, Stat, StatSocket, buckets, program_name, stat_address
from bus.subscriber import Subscriber
from bus.users import Users

from .access import Access, open_access
from .config import ServiceName, TcpConfig, services_of
from .figures import figures
from .instruments import Table
from .login.service import open_login
from .quote.scribe import Scribe, Setting
from .quote.service import Quotes
from .quote.subscribed import Subscribed
from .quote.writing import Writers
from .reqids import Reqids, gateway_name
from .server import Server
from .service import Service
from .trade.service import Trade
from .trade.setting import Setting as TradeSetting
from .wires import Wires

log = logging.getLogger("tcp_edge")


class Gateway:
    """Raises ConfigError, before any socket opens."""

    def __init__(self, loaded: Loaded[TcpConfig]) -> None:
        self._loaded, self._common, self._config = loaded, loaded.common, loaded.own
        self._names = services_of(loaded.own, loaded.member)
        self._folder = loaded.common.folder("tcp_edge")
        self._lock = hold(self._folder / f"lock.{loaded.member or 'all'}")
        self._keys = keys_of(loaded.common.keys, "tcp_edge")
        self._addresses = resolve(loaded.common.bus, loaded.common.data)
        self._calendar = open_calendar(loaded.common)
        self._name = gateway_name(self._folder)  # at td_worker
        self._reqids = Reqids(self._folder, self.today)
        self._bus_delays = buckets()
        self._meter = Meter(program_name("tcp_edge", loaded.member))
        users = Users(loaded.common.users_file)
        self._wires = Wires(
            self._config, self._names, self._folder, users, embedded=loaded.embedded
        )

    def today(self) -> str:
        return self._day_of(time.time_ns())

    def _day_of(self, unix_ns: int) -> str:
        return self._calendar.trading_day("", unix_ns).strftime("%Y%m%d")

    async def run(self) -> None:
        """Until SIGTERM."""
        async with AsyncExitStack() as stack:
            binding = self._common.binding
            bus = Client(self._addresses, keys=self._keys, binding=binding)
            self._bus = await stack.enter_async_context(bus)
            self._table = Table(bus.catalogue, self._account, self.today)
            self._trade: Trade | None = None
            if self._config.account or "trade" in self._names:
                stack.push_async_callback(_cancel, asyncio.create_task(self._table.keep()))
            context: zmq.Context[Any] = stack.enter_context(zmq.Context())
            access = open_access(self._loaded, context)
            stack.callback(access.close)
            self._wires.recognise(access.has_entered)
            services: dict[ServiceName, Service] = {}
            if "login" in self._names:
                services["login"] = open_login(
                    self._loaded, access, context, lambda name: server.where(name)
                )
            if "quote" in self._names:
                services["quote"] = self._quotes(context, access)
            if "trade" in self._names:
                services["trade"] = self._trade = self._trading(access)
            stack.callback(self._wires.close)
            server = Server(self._config, services, self._wires.make)
            telling = asyncio.create_task(self._tell_stats(context, server, access))
            stack.push_async_callback(_cancel, telling)
            stack.push_async_callback(_cancel, asyncio.create_task(self._wires.tend()))
            await server.run()

    async def _account(self) -> Account:
        """Whose instruments are asked for. Raises Refused and Unavailable."""
        account = self._config.account
        if not account:
            assert self._trade is not None
            account = await self._trade.first_account()
        return await self._bus.attach(account, name=self._name)

    def _trading(self, access: Access) -> Trade:
        setting = TradeSetting(
            bus=self._bus,
            name=self._name,
            folder=self._folder / "orders",
            calendar=self._calendar,
            instruments=lambda: self._table.now,
            instruments_loaded=self._table.loaded,
            next_reqid=self._reqids.next,
            day_of=self._day_of,
            big_ints=self._config.big_ints == "string",
            max_records=self._config.max_records,
            auto_offset=self._config.auto_offset,
            fak_minimum=self._config.fak == "minimum",
        )
        return Trade(setting, access, self._config.account)

    def _quotes(self, context: zmq.Context[Any], access: Access) -> Quotes:
        config, common = self._config, self._common
        writers = Writers(self._bus.catalogue, self._calendar, big_ints=config.big_ints == "string")
        setting = Setting(
            addresses=self._addresses,
            keys=common.keys,
            calendar=common.calendar,
            binding=common.binding,
            log_level=common.log_level,
            big_ints=config.big_ints == "string",
            max_records=config.max_records,
            cache_bytes=config.cache_mb << 20,
        )
        address, keys = self._addresses.md_pub, self._keys
        return Quotes(
            config,
            self._bus,
            access=access,
            next_reqid=self._reqids.next,
            instruments=lambda: self._table.now,
            writer=writers.of,
            foreign=writers.foreign,
            scribe=Scribe(setting),
            subscribed=Subscribed(self._folder / "subscribed.json"),
            today=self.today,
            bus_delays=self._bus_delays,
            listen=lambda on_frame: Subscriber(context, address, on_frame, keys=keys),
        )

    async def _tell_stats(self, context: zmq.Context[Any], server: Server, access: Access) -> None:
        address = stat_address(self._addresses, self._common.data, self._meter.program)
        with closing(StatSocket(context, address, self._keys, self._meter.program)) as socket:
            while True:
                await asyncio.sleep(STAT_S)
                try:
                    socket.tell(self._stat(server, access))
                except Exception:  # figures are no reason to end
                    log.exception("no figures were told")

    def _stat(self, server: Server, access: Access) -> Stat:
        described = {**server.describe(), "access": access.describe(), **self._wires.describe()}
        told = figures(described)
        levels = {**told.levels, "instruments": len(self._table.now)}
        hops = {"bus": self._bus_delays}
        return self._meter.stat(told.counters, {}, levels, hops=hops, kinds=told.kinds)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
