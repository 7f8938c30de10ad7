"""One listening port: which commands it takes, and how many may come."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from bus.errors import ConfigError
from bus.secrets import private_file
from bus.tries import network

from .commands import SERVICE_OF
from .config import ServiceName, TcpConfig
from .connection import Connection
from .counters import Counters, strangers
from .guarded import GuardedConnection
from .handshake import Handshake
from .reply import Shape
from .service import Client, Command, Service
from .stat import Failed, Stat
from .wire.wire import Wire


class Door:
    """What the connections of one port have in common.

    name       of the listener
    services   whose commands it takes
    """

    def __init__(
        self,
        name: ServiceName,
        config: TcpConfig,
        services: Mapping[ServiceName, Service],
        make_wire: Callable[[], Wire],
        counters: Counters,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name, self.config, self.counters, self.tls = name, config, counters, tls
        self.make_wire = make_wire
        self._own = config.listener(name)
        self.services = services
        self._commands: dict[int, Command] = {}
        for service in services.values():
            self._commands.update(service.commands)
        self._connections: dict[Connection, None] = {}
        self._peers: Counter[str] = Counter()
        self._inside = 0  # connections, and those that still shake hands
        self._handshakes: dict[asyncio.Task[None], None] = {}
        # Have shown no credentials yet; the oldest comes first.
        self._strangers: dict[Connection, None] = {}
        self._server: asyncio.Server | None = None

    @property
    def pushes(self) -> bool:
        return self._own.wire != "v1"

    @property
    def shape(self) -> Shape:
        return self._own.shape

    @property
    def address(self) -> tuple[str, int]:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    @property
    def users(self) -> Iterator[str]:
        """Of each connection that has shown an authcode."""
        for connection in self._connections:
            if connection.client.grant is not None:
                yield connection.client.grant.user

    async def open(self) -> None:
        """Raises ConfigError when the port cannot be had."""
        host, port = self._own.host, self._own.port
        loop = asyncio.get_running_loop()
        # The key of v1 cannot be tried so fast, and belongs to no user.
        plain = GuardedConnection if self._own.wire == "psk" else Connection
        try:
            self._server = await loop.create_server(
                lambda: plain(self) if self.tls is None else Handshake(self),
                host or None,
                port,
                backlog=1024,
            )
        except OSError as exc:
            raise ConfigError(f"tcp_edge.{self.name}: {host}:{port}: {exc}") from None

    def shut(self) -> None:
        """Nobody new comes in."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        self.shut()
        for task in list(self._handshakes):
            task.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        await asyncio.gather(*(connection.leave() for connection in list(self._connections)))
        if self._server is not None:
            await self._server.wait_closed()

    # -- what a connection asks --------------------------------------------------------------

    def enter(self, peer: str) -> bool:
        """Whether one more of this address may come in; ``leave`` is its end."""
        config = self.config
        crowd = self._peers[network(peer)] >= config.max_connections_per_peer
        full = self._inside >= config.max_connections
        if crowd or (full and not self._make_room()):
            self.counters.refused += 1
            strangers.warning("refused", {"peer": peer, "full": full})
            return False
        self._inside += 1
        self._peers[network(peer)] += 1
        return True

    def _make_room(self) -> bool:
        """A flood from many addresses must not keep clients out: who has been here for the longest
        without credentials goes."""
        if self._handshakes:
            task = next(iter(self._handshakes))
            del self._handshakes[task]
            task.cancel()
        elif self._strangers:
            stranger = next(iter(self._strangers))
            del self._strangers[stranger]
            stranger.late()
        else:
            return False
        return True

    def leave(self, peer: str) -> None:
        self._inside -= 1
        peer = network(peer)
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    def shakes(self, task: asyncio.Task[None]) -> None:
        """A handshake is on its way."""
        self._handshakes[task] = None
        task.add_done_callback(lambda _: self._handshakes.pop(task, None))

    def admit(self, connection: Connection) -> bool:
        """With TLS it has entered before its handshake."""
        if self.tls is None and not self.enter(connection.client.peer):
            return False
        self._connections[connection] = None
        self._strangers[connection] = None
        self.counters.accepted += 1
        self.counters.connections += 1
        return True

    def trusts(self, connection: Connection) -> None:
        """It has shown credentials."""
        self._strangers.pop(connection, None)

    def guessed(self, connection: Connection) -> None:
        """Nothing that it sent could be read."""
        if isinstance(connection, GuardedConnection):
            connection.wrong()

    def gone(self, connection: Connection) -> None:
        del self._connections[connection]
        self._strangers.pop(connection, None)
        self.leave(connection.client.peer)
        self.counters.connections -= 1
        for service in self.services.values():
            service.gone(connection.client)

    def command(self, cmd: int) -> Command:
        """Raises Failed."""
        command = self._commands.get(cmd)
        if command is not None:
            return command
        if cmd in SERVICE_OF and SERVICE_OF[cmd] not in self.services:
            service = SERVICE_OF[cmd]
            raise Failed(Stat.FORBIDDEN, f"cmd {cmd} belongs to the {service} port")
        raise Failed(Stat.NOT_FOUND, f"there is no cmd {cmd}")

    def counted(self, cmd: int) -> int:
        """Commands that do not exist share a counter, so that nobody can fill the memory."""
        return cmd if cmd in SERVICE_OF else 0

    def has_shown_credentials(self, client: Client, stat: Stat) -> bool:
        """On a quote port that wants no authcode, a request that could be read is enough."""
        if client.grant is not None:
            return True
        if "quote" in self.services and not self.config.quote_needs_authcode:
            return stat is Stat.ACCEPTED
        return "login" in self.services and stat is Stat.ACCEPTED


def tls_context(config: TcpConfig, names: Sequence[ServiceName]) -> ssl.SSLContext | None:
    """None where no listener speaks TLS. Raises ConfigError."""
    if all(config.listener(name).wire != "tls" for name in names):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(config.cert_file, private_file(config.key_file))
        if config.client_ca_file:
            context.load_verify_locations(config.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(f"tcp_edge: cert_file, key_file, client_ca_file: {exc}") from None
    return context
