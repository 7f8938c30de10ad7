"""The exchange's process: clients, the market's clock, and the ways between them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter as Tally
from typing import Final

from schemas.catalogue import Catalogue

from .. import wire
from ..config import SimConfig
from ..exchange.counter import Counter
from ..wire import (
    SUBSCRIPTIONS,
    Call,
    CodesSeen,
    CodeUsed,
    Command,
    Hello,
    Subscribe,
    ToServer,
    Welcome,
)
from .clock import Clock
from .commands import Commands
from .connection import Connection
from .delivery import Delivery
from .faults import Armed, Fault, FaultError
from .gates import Gates
from .injector import Injector
from .outside import Outside
from .packing import Packer
from .quotes import QuoteFront
from .record import Record
from .request_faults import Request, RequestFaults
from .trading import TradingFront

log = logging.getLogger("sim")

HOUSEKEEPING_S: Final = 0.25


class Server:
    """One exchange: its counter and both fronts. Everything runs in one event loop."""

    def __init__(self, config: SimConfig, catalogue: Catalogue) -> None:
        self.config = config
        self.max_output_bytes = config.max_output_bytes
        self._layout = catalogue.layout_id
        self._clock = Clock(config.speed)
        record = Record(config.ledger_file)
        self._counter = Counter(config.settings(), self._clock.now_ns(), record.append)
        self._day = self._counter.trading_day
        self._clients: set[Connection] = set()
        self._tally: Tally[str] = Tally()
        self._gates = Gates()
        self._armed = Armed()
        packer = self._packer = Packer(catalogue)
        delivery = self._delivery = Delivery(self._armed, packer)
        self._quotes = QuoteFront(
            self._counter, self._clock, packer, delivery, config.max_subscriptions
        )
        self._trading = TradingFront(
            self._counter, self._clock, packer, delivery, self._quotes.quote_requested
        )
        self._request_faults = RequestFaults(
            self._armed,
            packer,
            delivery,
            self._handle,
            self._trading.take_later,
            self._trading.of_user,
        )
        self._injector = Injector(
            self._counter,
            packer,
            self._armed,
            self._gates,
            delivery,
            self._clients,
            self._begin_day,
        )
        self._commands = Commands(
            self._injector,
            self._armed,
            self._counter,
            self._clients,
            self._tally,
            Outside(self._counter, self._clock, self._trading.tell),
        )
        self._running: set[asyncio.Task[None]] = set()

    def client(self) -> Connection:
        """The protocol of a new connection."""
        return Connection(self)

    def figures(self) -> tuple[dict[str, int], dict[str, int]]:
        """Counters, and what is there now."""
        counters = {name: self._tally[name] for name in ("slow", "silent", "bad")}
        sides = [client.side for client in self._clients]
        levels = {f"{side}_clients": sides.count(side) for side in ("md", "td")}
        return counters | {"requests": self._tally.total() - sum(counters.values())}, levels

    async def run(self, script: list[Fault]) -> None:
        """Let the market go on until cancelled."""
        loop = asyncio.get_running_loop()
        for fault in script:
            loop.call_later(fault.at_s, self._fire, fault)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._move_market())
            tasks.create_task(self._keep_house())

    async def _move_market(self) -> None:
        while True:
            await asyncio.sleep(self._clock.until_s(self._counter.next_step_ns))
            ticks, events = self._counter.advance(self._clock.now_ns())
            if self._counter.trading_day != self._day:
                self._begin_day()
            self._quotes.ticks(ticks)
            self._trading.tell(events)

    def _begin_day(self) -> None:
        """The counter has come back for another trading day: nobody is logged in any more."""
        self._day = self._counter.trading_day
        for client in list(self._clients):
            if client.side in ("md", "td"):
                client.hang_up(wire.READ_FAILED)

    async def _keep_house(self) -> None:
        """Heartbeats, and an end to connections that have become silent."""
        beaten = time.monotonic()
        while True:
            await asyncio.sleep(min(HOUSEKEEPING_S, self.config.heartbeat_s / 2))
            now = time.monotonic()
            silent = [
                client
                for client in self._clients
                if client.side in ("md", "td")
                and now - client.heard > self.config.client_silence_s
                and not self._gates.frozen(client.side, now)
            ]
            for client in silent:
                self._tally["silent"] += 1
                client.hang_up(wire.NO_HEARTBEAT)
            if now - beaten >= self.config.heartbeat_s:
                beaten = now
                for client in list(self._clients):
                    client.send(wire.Beat())

    def _fire(self, fault: Fault) -> None:
        try:
            self._injector.apply(fault)
        except FaultError as exc:
            log.error("a fault of the script failed", extra={"fields": {"why": str(exc)}})

    # What the connections report

    def opened(self, connection: Connection) -> None:
        self._clients.add(connection)

    def closed(self, connection: Connection) -> None:
        self._clients.discard(connection)
        self._tally["slow"] += connection.slow
        self._delivery.forget(connection)
        if connection.side == "td":
            self._trading.disconnect(connection)
        elif connection.side == "md":
            self._quotes.disconnect(connection)

    def received(self, connection: Connection, message: ToServer) -> None:
        side = connection.side
        match message:
            case Hello() if not side:
                self._greet(connection, message)
            case Command() if side == "control":
                task = asyncio.ensure_future(self._commands.run(connection, message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            case Call() if self._fits(connection, message):
                self._take(connection, message)
            case Subscribe() if side == "md" and message.name in SUBSCRIPTIONS:
                self._take(connection, message)
            case CodesSeen():
                connection.codes_seen = message.version
            case CodeUsed():
                self._armed.code_used(message.name)
                connection.codes_seen, _ = self._armed.codes
                self._injector.send_codes(self._clients - {connection})
            case wire.Beat():
                pass
            case _:
                self._tally["bad"] += 1
                connection.hang_up(wire.BAD_PACKET)

    def _fits(self, connection: Connection, call: Call) -> bool:
        greeted = connection.side in ("md", "td")
        return greeted and self._packer.fits(connection.api_side, call.name, call.body)

    def _take(self, connection: Connection, request: Request) -> None:
        self._tally[request.name] += 1
        if isinstance(request, Call):
            connection.asked[request.name] = request.request_id
        self._request_faults.take(connection, request)

    def _greet(self, connection: Connection, hello: Hello) -> None:
        connection.hello = hello
        if hello.side == "control":
            return
        now = time.monotonic()
        if hello.layout != self._layout:
            fields = {"ours": hex(self._layout), "client": hex(hello.layout)}
            log.error("a client with another version of the API", extra={"fields": fields})
            connection.hang_up(wire.BAD_PACKET)
            return
        if self._gates.closed(hello.side, now):
            connection.cut()
            return
        if self._gates.frozen(hello.side, now):
            connection.freeze()
        (self._trading if hello.side == "td" else self._quotes).connect(connection)
        # Before the welcome: no call can be made earlier, so they are as good as acknowledged.
        self._injector.send_codes([connection])
        connection.codes_seen, _ = self._armed.codes
        config = self.config
        connection.send(Welcome(config.queries_per_second, config.heartbeat_s, config.silence_s))

    def _handle(self, connection: Connection, request: Request) -> None:
        """A request that has come through to its front."""
        if isinstance(request, Subscribe):
            self._quotes.subscribe(connection, request)
        elif connection.side == "td":
            self._trading.call(connection, request)
        else:
            self._quotes.call(connection, request)
