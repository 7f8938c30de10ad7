"""The process: WebSocket clients on one side, the workers' sockets on the other."""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import msgspec
import zmq
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from bus.config import Loaded, open_calendar
from bus.endpoints import resolve
from bus.errors import Busy, ConfigError, Refused, Unavailable
from bus.frames import (
    BEAT,
    Flag,
    Message,
    Row,
    message_type,
    notice_topic,
    quote_topic,
    state_topic,
    tick_topic,
    unpack_message,
)
from bus.healing import answer_s
from bus.lock import hold
from bus.log import Sparing
from bus.orders import Place
from bus.process import announce
from bus.rpc import Caller, OnRow, OnSilence, refusal
from bus.secrets import private_file
from bus.security import keys_of
from bus.stats import STAT_S, Meter, Stat, StatSocket, age, program_name, stat_address
from bus.subscriber import Subscriber
from bus.users import UsersError
from schemas import catalogue as catalogues

from .admission import Door
from .calls import Calls
from .config import WsConfig, is_loopback
from .connection import Connection
from .counters import Counters
from .dialect import TickFrames
from .envelope import Style
from .freshness import CHECK_S, Freshness
from .gate import Closed, Gate, TooEarly
from .handshake import HANDSHAKE_S
from .limits import Limits, Share
from .lobby import Lobby
from .md_session import MdSession
from .names import methods
from .outbox import Outbox
from .pushes import Renderer, pushes
from .requests import Parser
from .returns import Returns
from .rights import NOTHING, Access, Rights
from .session import Services, Session
from .standstill import BEAT_S, Standstill
from .td_session import TdSession
from .ticks import QuoteBoard, TickBoard

log = logging.getLogger("ws_edge")

_TURN = 20  # requests of one client before the others have their turn
_LONG = 4096  # characters of a request that is a turn of its own
_NOTICE_S = 0.5  # between the notice of a stop and the stop
_STOP_S = 2.0  # for closing handshakes
_USERS_S = 0.5  # how often it is asked whether a user has changed
_TD_RETURNS = "td/"  # how the topics of all accounts begin
_TD_STATE = state_topic("td_worker")
_MD_STATE = state_topic("md_worker")
_DISCONNECTED = message_type("OnFrontDisconnected")


class _MdState(msgspec.Struct, frozen=True):
    """What matters here of md_worker's state message."""

    logged_in: bool


_decode_md_state = msgspec.msgpack.Decoder(_MdState).decode


class Edge:
    def __init__(self, loaded: Loaded[WsConfig]) -> None:
        self.config = loaded.own
        # One of several may take a port that is taken, so it needs something else that is its own.
        self.shares_port = bool(loaded.member)
        if self.shares_port:
            self._lock = hold(loaded.common.folder(f"ws_edge.{loaded.member}") / "lock")
        self.door = Door(self.config)
        self.gate = _gate(loaded)
        self.tls = _tls(self.config)
        self.catalogue = catalogues.load(loaded.common.binding)
        self.addresses = resolve(loaded.common.bus, loaded.common.data)
        self.returns_answer_s = answer_s(self.addresses.td_rpc)
        self.keys = keys_of(loaded.common.keys, "ws_edge")
        self.meter = Meter(program_name("ws_edge", loaded.member))
        self.stat_address = stat_address(self.addresses, loaded.common.data, self.meter.program)
        self.md_heard = self.td_heard = 0.0  # of the workers' states, on the loop's clock
        self.calendar = open_calendar(loaded.common)
        self.counters = Counters()
        self._strangers = Sparing(log)
        self.limits = Limits(self.config, time.monotonic)
        self.sessions: dict[Session, Connection] = {}
        self.accounts: dict[str, Returns] = {}
        self.td_epoch = self.md_epoch = 0

    async def run(self) -> None:
        """Serve until SIGTERM."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        context: zmq.Context[Any] = zmq.Context()
        self._connect(context)
        server = await self._listen()
        # Now that nobody else has our port.
        self.stat_socket = StatSocket(context, self.stat_address, self.keys, self.meter.program)
        port = server.sockets[0].getsockname()[1]
        scheme = "wss" if self.tls else "ws"
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        self._warn()
        announce({"ws": f"{scheme}://{host}:{port}"})
        watches = [
            asyncio.create_task(watch)
            for watch in (
                self._watch_standstill(),
                self._watch_stalled(),
                self._watch_freshness(),
                self._watch_users(),
                self._tell_stats(),
            )
        ]
        await stop.wait()
        for watch in watches:
            watch.cancel()
        await self._stop(server)
        self.gate.close()
        unhandled = self.md_sub.unhandled + self.td_sub.unhandled
        fields = asdict(self.counters) | {"unhandled": unhandled}
        log.info("totals", extra={"fields": fields})
        for part in (self.md_sub, self.td_sub, self.md_rpc, self.td_rpc, self.stat_socket):
            part.close()
        context.term()

    def _warn(self) -> None:
        fields = {"host": self.config.host}
        if self.config.in_the_clear:
            log.warning("clients speak in the clear: insecure", extra={"fields": fields})
        if self.gate.open and not is_loopback(self.config.host):
            text = "whoever reaches the port may do everything: neither tokens nor users"
            log.warning(text, extra={"fields": fields})

    # -- the bus -----------------------------------------------------------------------------

    def _connect(self, context: zmq.Context[Any]) -> None:
        """Workers need not be there: ZeroMQ connects when they are, and again after each loss."""
        loop = asyncio.get_running_loop()
        self.md_rpc = Caller(context, self.addresses.md_rpc, "md_worker", self.keys)
        self.td_rpc = Caller(context, self.addresses.td_rpc, "td_worker", self.keys)
        self.md_sub = Subscriber(
            context,
            self.addresses.md_pub,
            self._on_md,
            lambda: self.ticks.flush(),
            keys=self.keys,
            high_water=self.addresses.high_water,
        )
        self.td_sub = Subscriber(
            context,
            self.addresses.td_pub,
            self._on_td,
            keys=self.keys,
            worker="td_worker",
            high_water=self.addresses.high_water,
        )
        self.md_pushes = pushes(self.catalogue, "md")
        self.md_renderer = Renderer(self.catalogue, "md")
        self.ticks = TickBoard(
            tick_topic,
            self.md_sub.subscribe,
            self.md_sub.unsubscribe,
            TickFrames(self.catalogue),
            self.counters,
            fetch=self._fetch_ticks,
            first=lambda instrument, message: self.freshness.first(instrument, message),
        )
        self.quotes = QuoteBoard(
            quote_topic, self.md_sub.subscribe, self.md_sub.unsubscribe, self._quote_text
        )
        self.freshness = Freshness(
            self.calendar,
            self.config.feed_silence_s,
            self.catalogue.codec("DepthMarketData"),
            self.counters,
            self.ticks,
            self.quotes,
        )
        limit, sent_s = self.config.max_pending, self.config.sent_s
        self.standstill = Standstill()
        self.services = Services(
            catalogue=self.catalogue,
            config=self.config,
            later=loop.call_later,
            now=loop.time,
            waited_s=self.standstill.waited_s,
            counters=self.counters,
            md=self.md_rpc,
            td=self.td_rpc,
            md_parser=Parser(
                self.catalogue, methods(self.catalogue, "md"), self.config.max_subscriptions
            ),
            td_parser=Parser(
                self.catalogue, methods(self.catalogue, "td"), self.config.max_subscriptions
            ),
            md_rights=Rights(self.catalogue, "md"),
            td_rights=Rights(self.catalogue, "td"),
            ticks=self.ticks,
            quotes=self.quotes,
            freshness=self.freshness,
            md_pushes=self.md_pushes,
            td_pushes=pushes(self.catalogue, "td"),
            md_renderer=self.md_renderer,
            td_renderer=Renderer(self.catalogue, "td"),
            accounts=self._returns,
            td_epoch=lambda: self.td_epoch,
            md_background=Calls(self.md_rpc, loop.call_later, limit, sent_s),
            td_background=Calls(self.td_rpc, loop.call_later, limit, sent_s),
        )
        self.td_sub.subscribe(_TD_RETURNS.encode())
        self.td_sub.subscribe(_TD_STATE.encode())
        self.md_sub.subscribe(notice_topic("md_worker").encode())
        self.md_sub.subscribe(_MD_STATE.encode())

    def _returns(self, topic: str) -> Returns:
        returns = self.accounts.get(topic)
        if returns is None:
            loop = asyncio.get_running_loop()
            returns = Returns(
                topic,
                self._ask_returns,
                loop.call_later,
                self.counters,
                loop.time,
                self.returns_answer_s,
            )
            self.accounts[topic] = returns
            if not topic.startswith(_TD_RETURNS):
                self.td_sub.subscribe(topic.encode())
        return returns

    def _ask_returns(
        self, handle: bytes, place: Place, on_row: OnRow, on_silence: OnSilence
    ) -> None:
        body = msgspec.msgpack.encode(place)
        self.services.td_background.start(
            "Returns", on_row, on_silence, self.returns_answer_s, session=handle, body=body
        )

    def _on_td(self, frame: bytes) -> None:
        """A Beat says how far the returns of an account have come: the loss of the last ones shows
        in nothing else."""
        message = unpack_message(frame)
        if message.topic == _TD_STATE:
            self.td_heard = asyncio.get_running_loop().time()
            self._on_td_epoch(message.epoch)
        elif message.type == BEAT:
            if message.topic in self.accounts:
                self.accounts[message.topic].expect((message.epoch, message.seq))
        else:
            self._returns(message.topic).see(message)

    def _on_td_epoch(self, epoch: int) -> None:
        """A td_worker that was started anew knows none of the logins before."""
        if epoch <= self.td_epoch:
            return
        self.td_epoch = epoch
        for session in list(self.sessions):
            if isinstance(session, TdSession):
                account = session.account
                if account is not None and account.session.epoch < epoch:
                    session.send_away(account)

    def _fetch_ticks(
        self,
        names: Sequence[str],
        on_message: Callable[[bytes], None],
        done: Callable[[bool], None],
    ) -> None:
        def on_row(row: Row) -> None:
            try:
                if row.flags & Flag.HAS_FIELD:
                    on_message(row.body)
            finally:
                if row.flags & Flag.LAST:
                    done(refusal(row) is None)

        try:
            self.services.md_background.start(
                "Snapshot",
                on_row,
                lambda why: done(False),
                self.config.subscribe_s,
                body=msgspec.msgpack.encode(names),
            )
        except (Refused, Unavailable):
            done(False)

    def _on_md(self, frame: bytes) -> None:
        if frame.startswith(b"tick/"):
            self.ticks.take(frame)
            return
        self.ticks.flush()  # nothing overtakes the ticks before it
        if frame.startswith(b"quote/"):
            self.freshness.heard()
            self.quotes.on_message(frame)
        elif frame.startswith(b"state/"):
            self._on_md_state(unpack_message(frame))
        else:
            self._on_md_notice(unpack_message(frame))

    def _on_md_state(self, message: Message) -> None:
        """Once a second. It may also be the first news of a loss, or the last: an answer from
        before the loss may come here after the notice of it."""
        self.md_heard = asyncio.get_running_loop().time()
        logged_in = _decode_md_state(message.body).logged_in
        if message.epoch != self.md_epoch or not logged_in:
            self._forget_front()
        self.md_epoch = message.epoch
        self.freshness.state(logged_in)

    def _forget_front(self) -> None:
        self.ticks.forget_front()
        self.quotes.forget_front()

    def _quote_text(self, message: Message, style: Style) -> bytes | None:
        push = self.md_pushes.get(message.type)
        return None if push is None else self.md_renderer.text(push, message, style)

    def _on_md_notice(self, message: Message) -> None:
        if message.type == _DISCONNECTED:
            self._forget_front()
            self.freshness.front(False)
        push = self.md_pushes.get(message.type)
        for session in list(self.sessions):
            if push is not None and isinstance(session, MdSession):
                session.on_notice(push, message)

    # -- clients -----------------------------------------------------------------------------

    async def _listen(self) -> Server:
        config = self.config
        try:
            return await serve(
                self._serve,
                config.host,
                config.port,
                reuse_port=self.shares_port,
                process_request=self._admit,
                select_subprotocol=_confirm,
                compression=None,
                ping_interval=config.ping_interval_s,
                ping_timeout=config.ping_timeout_s,
                close_timeout=_STOP_S,
                max_size=config.max_message_bytes,
                write_limit=max(1, config.user_buffer_bytes),  # 0 would pause TLS for ever
                create_connection=self._connection_class(),
                open_timeout=HANDSHAKE_S,
            )
        except OSError as exc:
            raise Busy(f"cannot listen on {config.host}:{config.port}: {exc.strerror}") from None

    def _connection_class(self) -> type[Connection]:
        values = {
            "limits": self.limits,
            "counters": self.counters,
            "tls": self.tls,
            "kernel_buffer_bytes": self.config.kernel_buffer_bytes,
        }
        return type("Configured", (Connection,), values)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Connection)
        if not connection.share.handshake():
            return self._too_many(connection)
        headers = request.headers
        origins = headers.get_all("Origin")
        offered = ",".join(headers.get_all("Sec-WebSocket-Protocol")).split(",")
        knock = self.door.knock(
            request.path,
            ",".join(origins) if origins else None,
            ",".join(headers.get_all("Authorization")),
            [name.strip() for name in offered if name.strip()],
        )
        if knock is None:
            return connection.respond(403, "Forbidden\n")
        try:
            visit = await self.gate.admit(knock, connection.origin)
        except TooEarly as early:
            self._tell_refused(connection, early)
            return connection.respond(429, "Too Many Requests\n")
        except Closed as closed:
            self._tell_refused(connection, closed)
            return connection.respond(403, "Forbidden\n")
        if not self._hold_user(connection, visit.access):
            return self._too_many(connection)
        connection.visit = visit._replace(origin=connection.origin)
        return None

    def _hold_user(self, connection: Connection, access: Access) -> bool:
        """Whether the user may have one more connection."""
        use = self.limits.user(access.user)
        if use is None:
            return True
        connection.share.hold(use)
        return connection.share.handshake(use)

    def _tell_refused(self, connection: Connection, why: Closed) -> None:
        fields = {"peer": connection.origin, "reason": str(why)}
        self._strangers.warning("not let in", fields)

    def _too_many(self, connection: Connection) -> Response:
        self.counters.handshakes_refused += 1
        self._tell_refused(connection, Closed("too many connections or handshakes"))
        return connection.respond(429, "Too Many Requests\n")

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        connection.forget_handshake()
        config, visit = self.config, connection.visit
        outbox = connection.outbox = Outbox(
            connection.transport,
            connection,
            self.counters,
            config.send_limit_bytes,
            visit.options.style.number,
        )
        if visit.access is NOTHING:
            access = await self._wait_in_lobby(connection, outbox)
            if access is None:
                return
            if not self._hold_user(connection, access):
                self.counters.handshakes_refused += 1
                connection.give_up(1008, "too many connections of this user")
                await connection.wait_closed()
                return
            visit = visit._replace(access=access)
        kind = TdSession if visit.side == "td" else MdSession
        session = kind(self.services, visit, outbox, connection, connection.share)
        self.sessions[session] = connection
        fields = {"socket": str(connection.id), "side": visit.side, "user": visit.access.user}
        log.info("connected", extra={"fields": fields})
        try:
            await take_turns(connection.recv, session.receive, connection.share)
        except ConnectionClosed:
            pass
        finally:
            del self.sessions[session]
            session.close()
            log.info("closed", extra={"fields": fields | {"code": connection.close_code}})

    async def _wait_in_lobby(self, connection: Connection, outbox: Outbox) -> Access | None:
        """None: the socket is gone."""
        lobby = Lobby(
            self.gate,
            connection.visit,
            outbox.send,
            on_refused=partial(self._tell_refused, connection),
        )
        try:
            async with asyncio.timeout(self.config.gateway_login_s):
                return await lobby.wait(connection.recv)
        except TimeoutError:
            connection.give_up(1008, "no GatewayLogin in time")
        except Closed as closed:
            connection.give_up(1008, str(closed))
        except ConnectionClosed:
            return None
        await connection.wait_closed()  # who returns before it closes with 1000
        return None

    async def _watch_standstill(self) -> None:
        while True:
            stood_s = self.standstill.beat()
            if stood_s:
                fields = {"seconds": round(stood_s, 1)}
                log.warning("this process has stood still", extra={"fields": fields})
            await asyncio.sleep(BEAT_S)

    async def _watch_stalled(self) -> None:
        """Pings cannot tell: the library's own wait behind what the client does not take."""
        while True:
            await asyncio.sleep(self.config.stall_s)
            for connection in list(self.sessions.values()):
                if connection.outbox is not None and connection.outbox.stalled():
                    self.counters.stalls += 1
                    connection.outbox.too_slow()

    async def _watch_users(self) -> None:
        while True:
            await asyncio.sleep(_USERS_S)
            for session, connection in list(self.sessions.items()):
                if self.gate.ended(session.visit.access):
                    connection.give_up(1008, "the user has changed; log in again")

    async def _watch_freshness(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                self.freshness.check()
            except Exception:  # a watch that ended would be silent, as if all were well
                log.exception("the check of freshness failed")

    async def _tell_stats(self) -> None:
        while True:
            await asyncio.sleep(STAT_S)
            try:
                self.stat_socket.tell(self._stat(asyncio.get_running_loop().time()))
            except Exception:  # figures are no reason to end
                log.exception("no figures were told")

    def _stat(self, now: float) -> Stat:
        unhandled = self.md_sub.unhandled + self.td_sub.unhandled
        self.counters.logins_refused = self.gate.refused
        outboxes = [connection.outbox for connection in self.sessions.values()]
        return self.meter.stat(
            counters=asdict(self.counters) | {"unhandled": unhandled},
            queues={"slow_clients": sum(box is not None and not box.ready for box in outboxes)},
            levels={
                "md_clients": sum(isinstance(one, MdSession) for one in self.sessions),
                "td_clients": sum(isinstance(one, TdSession) for one in self.sessions),
                "instruments": len(self.ticks.instruments),
            },
            hops={"bus": self.ticks.bus_delays, "write": self.ticks.write_delays},
            ages={"md_worker": age(now, self.md_heard), "td_worker": age(now, self.td_heard)},
        )

    async def _stop(self, server: Server) -> None:
        told = [s for s in self.sessions if s.visit.options.wants("front")]
        for session in told:
            session.say_shutdown(int(_NOTICE_S * 1000))
        if told:
            await asyncio.sleep(_NOTICE_S)
        server.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await server.wait_closed()
        except TimeoutError:
            for connection in list(self.sessions.values()):
                connection.transport.abort()
            await server.wait_closed()


async def take_turns(
    recv: Callable[[], Awaitable[str | bytes]], receive: Callable[[str | bytes], None], share: Share
) -> None:
    """Hand over what a client sends until ``recv`` raises. It need not wait when much is there, so
    the loop gets a chance in between."""
    for number in itertools.count(1):
        text = await recv()
        receive(text)
        pause_s = share.pause_s
        if pause_s:
            await asyncio.sleep(pause_s)
        elif number % _TURN == 0 or len(text) > _LONG:
            await asyncio.sleep(0)


def _gate(loaded: Loaded[WsConfig]) -> Gate:
    try:
        return Gate(loaded.own, loaded.common.users_file, embedded=loaded.embedded)
    except UsersError as exc:
        raise ConfigError(f"ws_edge.users: {exc}") from None


def _confirm(connection: ServerConnection, offered: object) -> Subprotocol | None:
    assert isinstance(connection, Connection)
    name = connection.visit.subprotocol
    return None if name is None else Subprotocol(name)


def _tls(config: WsConfig) -> ssl.SSLContext | None:
    if not config.cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.cert_file, private_file(config.key_file))
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(f"ws_edge: cert_file, key_file: {exc}") from None
    return context
