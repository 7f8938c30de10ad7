"""The process: listeners on one side, the bus on the other."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable, Mapping

from bus.process import announce

from .config import ServiceName, TcpConfig
from .counters import Counters
from .listener import Door, tls_context
from .service import Service
from .wire.wire import Wire

log = logging.getLogger("tcp_edge")


class Server:
    """``services``: those of this process. ``wires`` makes one for a connection to a listener."""

    def __init__(
        self,
        config: TcpConfig,
        services: Mapping[ServiceName, Service],
        wires: Callable[[ServiceName], Wire],
    ) -> None:
        self.counters = Counters()
        self._services = services
        names: tuple[ServiceName, ...] = ("login",) if config.single_port else tuple(services)
        tls = tls_context(config, names)
        self._doors = [
            Door(
                name,
                config,
                services if config.single_port else {name: services[name]},
                lambda name=name: wires(name),  # type: ignore[misc]
                self.counters,
                tls if config.listener(name).wire == "tls" else None,
            )
            for name in names
        ]

    async def run(self) -> None:
        """Serve until SIGTERM. Raises ConfigError for a port that cannot be had."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await self.open()
            announce(self.addresses())
            await stop.wait()
        finally:
            await self.close()
            log.info("totals", extra={"fields": self.describe()})

    async def open(self) -> None:
        for service in self._services.values():
            await service.start()
        for door in self._doors:
            await door.open()

    async def close(self) -> None:
        for door in self._doors:
            door.shut()
        await asyncio.gather(*(door.close() for door in self._doors))
        for service in self._services.values():
            await service.close()

    def addresses(self) -> dict[str, str]:
        """By service, "HOST:PORT"."""
        told: dict[str, str] = {}
        for door in self._doors:
            host, port = door.address
            told[door.name] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return told

    def where(self, service: ServiceName) -> tuple[str, int] | None:
        """Where a service of this process listens."""
        return next((door.address for door in self._doors if service in door.services), None)

    def describe(self) -> dict[str, object]:
        """Counters, also of the services under their names."""
        of_services: dict[str, object] = {
            name: service.describe() for name, service in self._services.items()
        }
        sessions = Counter(user for door in self._doors for user in door.users)
        return {**self.counters.describe(), **of_services, "sessions_of": dict(sessions)}
