"""The edge's core without I/O: sessions over scripted workers and a clock that a test moves.

core = Core()
client = core.td()
client.send({"MsgType": "ReqUserLogin", ...})
core.td_worker.answer("ReqUserLogin", row("Session", ...), row("OnRspUserLogin", ...))
assert client.texts() == [...]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from bus.errors import Unavailable
from bus.frames import (
    HEADER,
    Flag,
    Message,
    Row,
    account_topic,
    join_body,
    message_type,
    quote_topic,
    tick_topic,
    unpack_message,
)
from bus.healing import HEAL_S
from bus.orders import Outcome, Place
from bus.rpc import ErrorBody, OnRow, OnSilence, SessionBody
from schemas import catalogue as catalogues
from schemas.calendar import Calendar, always_open
from schemas.catalogue import Side
from ws_edge.admission import Visit
from ws_edge.calls import Calls
from ws_edge.config import WsConfig
from ws_edge.counters import Counters
from ws_edge.dialect import TickFrames
from ws_edge.envelope import Style
from ws_edge.freshness import Freshness
from ws_edge.limits import Limits
from ws_edge.md_session import MdSession
from ws_edge.names import methods
from ws_edge.options import Options
from ws_edge.outbox import Outbox
from ws_edge.pushes import Renderer, pushes
from ws_edge.requests import Parser
from ws_edge.returns import Returns
from ws_edge.rights import Access, Rights
from ws_edge.session import Services
from ws_edge.td_session import TdSession
from ws_edge.ticks import QuoteBoard, TickBoard

CATALOGUE = catalogues.load()
ALWAYS = always_open()
BROKER, USER, HANDLE = "9999", "028742", b"0123456789abcdef"
ORIGIN = "192.0.2.7"


def pack(struct: str, **values: Any) -> bytes:
    return CATALOGUE.codec(struct).pack(values)


def info(error_id: int = 0, error_msg: str = "CTP:No Error") -> bytes:
    return pack("RspInfo", ErrorID=error_id, ErrorMsg=error_msg)


class Line(NamedTuple):
    """One row of an answer, without the number of its call."""

    name: str
    flags: int
    body: bytes
    after_seq: int = 0


def row(
    name: str,
    field: bytes | None = None,
    rsp_info: bytes | None = None,
    *,
    last: bool = False,
    after_seq: int = 0,
) -> Line:
    """A row with structs, as a callback gave them."""
    flags, body = join_body(field, rsp_info)
    return Line(name, flags | (Flag.LAST if last else 0), body, after_seq)


def sent(outcome: Outcome | None = None) -> Line:
    if outcome is None:
        return Line("Sent", Flag.SENT | Flag.LOCAL, b"")
    return own("Sent", outcome)._replace(flags=Flag.SENT | Flag.LOCAL | Flag.MSGPACK)


def own(name: str, message: object, *, last: bool = False, after_seq: int = 0) -> Line:
    """A row of the worker's own."""
    flags = Flag.MSGPACK | Flag.LOCAL | (Flag.LAST if last else 0)
    return Line(name, flags, msgspec.msgpack.encode(message), after_seq)


def error(error_id: int, error_msg: str, detail: str = "") -> Line:
    return own("Error", ErrorBody(error_id, error_msg, detail), last=True)


def session_row(handle: bytes = HANDLE, user: str = USER, epoch: int = 1, topic: str = "") -> Line:
    return own("Session", SessionBody(handle, BROKER, user, epoch, topic))


def published(
    topic: str,
    name: str,
    seq: int,
    field: bytes | None = None,
    rsp_info: bytes | None = None,
    epoch: int = 1,
) -> bytes:
    flags, body = join_body(field, rsp_info)
    header = HEADER.pack(epoch, seq, 0, 0, message_type(name), CATALOGUE.layout_id, flags)
    return topic.encode() + b"\0" + header + body


class Timer:
    def __init__(self, due: float, act: Callable[[], None]) -> None:
        self.due, self.act, self.cancelled = due, act, False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """``call_later`` on a time that only ``advance`` moves."""

    def __init__(self) -> None:
        self.now = self.start = 1000.0
        self._timers: list[Timer] = []

    def later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Timer:
        timer = Timer(self.now + delay, lambda: callback(*args))
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [t for t in self._timers if not t.cancelled and t.due <= until]:
            timer = min(due, key=lambda timer: timer.due)
            self.now = max(self.now, timer.due)
            timer.cancelled = True
            timer.act()
        self.now = until
        self._timers = [timer for timer in self._timers if not timer.cancelled]


class Asked(NamedTuple):
    number: int
    method: str
    deadline_ns: int
    session: bytes
    request_id: int
    body: bytes
    client_order_id: str
    origin: str
    fresh: bool
    on_row: Callable[[Row], None]
    on_lost: Callable[[], None]


class Worker:
    """A ``Caller`` whose other side is the test."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.there = True
        self.calls: list[Asked] = []
        self.told: list[Asked] = []
        self.forgotten: set[int] = set()
        self.count = 0

    def call(
        self,
        method: str,
        on_row: Callable[[Row], None],
        on_lost: Callable[[], None],
        *,
        deadline_ns: int,
        session: bytes = b"",
        request_id: int = 0,
        body: bytes = b"",
        client_order_id: str = "",
        origin: str = "",
        fresh: bool = False,
    ) -> int:
        if not self.there:
            raise Unavailable(self.worker)
        self.count += 1
        head = (self.count, method, deadline_ns, session, request_id, body)
        self.calls.append(Asked(*head, client_order_id, origin, fresh, on_row, on_lost))
        return self.count

    def forget(self, number: int) -> None:
        self.forgotten.add(number)

    def take(self, method: str) -> Asked:
        """The oldest call of this method that was not taken."""
        asked = next(call for call in self.calls if call.method == method)
        self.calls.remove(asked)
        return asked

    def answer(self, method: str, *lines: Line) -> Asked:
        asked = self.take(method)
        self.tell(asked, *lines)
        return asked

    def tell(self, asked: Asked, *lines: Line) -> None:
        self.told.append(asked)
        for line in lines:
            if asked.number not in self.forgotten:
                kind = message_type(line.name)
                number = asked.request_id
                header = (asked.number, line.after_seq, number, kind, CATALOGUE.layout_id)
                asked.on_row(Row(*header, int(line.flags), line.body))

    def die(self) -> None:
        """All that was asked, and what was answered only in part, gets no more answer."""
        asked, self.calls = [*self.told, *self.calls], []
        for call in asked:
            if call.number not in self.forgotten:
                call.on_lost()

    def methods(self) -> list[str]:
        return [call.method for call in self.calls]


class Pipe:
    """The client's end: all frames, and how much of them "waits" when the test says so."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.waiting = 0
        self.open = True
        self.given_up: tuple[int, str] | None = None
        self.outbox: Outbox | None = None
        self.on_write: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        self.frames.append(data)
        self.on_write()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def give_up(self, code: int, reason: str) -> None:
        self.given_up = (code, reason)
        self.open = False
        if self.outbox is not None:
            self.outbox.finish()


def text_of(frame: bytes) -> str:
    """The payload of a whole unmasked text frame."""
    return payload_of(frame, 0x81).decode()


def payload_of(frame: bytes, first: int) -> bytes:
    """That of a whole frame that begins with this byte."""
    assert frame[0] == first
    size, start = frame[1], 2
    if size == 126:
        size, start = int.from_bytes(frame[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(frame[2:10], "big"), 10
    assert len(frame) == start + size
    return frame[start:]


class Client:
    """One socket of the core."""

    def __init__(self, core: Core, side: Side, options: Options, access: Access) -> None:
        self.pipe = Pipe()
        visit = Visit(side, options, access, origin=ORIGIN)
        self.outbox = self.pipe.outbox = Outbox(
            self.pipe,
            self.pipe,
            core.counters,
            core.config.send_limit_bytes,
            options.style.number,
        )
        kind = TdSession if side == "td" else MdSession
        self.share = core.limits.share()
        self.session = kind(core.services, visit, self.outbox, self.pipe, self.share)

    def send(self, message: object) -> None:
        self.session.receive(json.dumps(message, ensure_ascii=False))

    def texts(self) -> list[str]:
        """What has come since the last call."""
        frames, self.pipe.frames = self.pipe.frames, []
        return [text_of(frame) for frame in frames]

    def heard(self) -> list[Any]:
        """The same, of either dialect."""
        frames, self.pipe.frames = self.pipe.frames, []
        return [
            msgspec.msgpack.decode(payload_of(frame, 0x82))
            if frame[0] == 0x82
            else json.loads(text_of(frame))
            for frame in frames
        ]

    def ask(self, message: object) -> str:
        """The one answer that comes at once."""
        self.send(message)
        (text,) = self.texts()
        return text


class Core:
    """The edge without its sockets."""

    def __init__(
        self,
        config: WsConfig | None = None,
        calendar: Calendar = ALWAYS,
        wall_ns: int = 1_795_000_000_000_000_000,
    ) -> None:
        self.config = config or WsConfig()
        self.waited_s = 0.0  # of the process for its turn
        self.wall_ns = wall_ns  # when the clock starts
        self.clock = Clock()
        self.counters = Counters()
        self.limits = Limits(self.config, lambda: self.clock.now)
        self.td_worker, self.md_worker = Worker("td_worker"), Worker("md_worker")
        self.subscribed: list[str] = []
        self.accounts: dict[str, Returns] = {}
        self.td_epoch = 0
        md_pushes, md_renderer = pushes(CATALOGUE, "md"), Renderer(CATALOGUE, "md")

        def subscribe(topic: bytes) -> None:
            self.subscribed.append(topic.decode())

        def unsubscribe(topic: bytes) -> None:
            self.subscribed.remove(topic.decode())

        def quote(message: Message, style: Style) -> bytes:
            return md_renderer.text(md_pushes[message.type], message, style)

        frames = TickFrames(CATALOGUE)
        self.ticks = TickBoard(
            tick_topic,
            subscribe,
            unsubscribe,
            frames,
            self.counters,
            first=lambda instrument, message: self.freshness.first(instrument, message),
            now=lambda: self.clock.now,
        )
        self.quotes = QuoteBoard(quote_topic, subscribe, unsubscribe, quote)
        self.freshness = Freshness(
            calendar,
            self.config.feed_silence_s,
            CATALOGUE.codec("DepthMarketData"),
            self.counters,
            self.ticks,
            self.quotes,
            now=lambda: self.clock.now,
            wall_ns=lambda: self.wall_ns + round((self.clock.now - self.clock.start) * 1e9),
        )
        self.services = Services(
            catalogue=CATALOGUE,
            config=self.config,
            later=self.clock.later,
            now=lambda: self.clock.now,
            waited_s=lambda: self.waited_s,
            counters=self.counters,
            md=self.md_worker,
            td=self.td_worker,
            md_parser=Parser(CATALOGUE, methods(CATALOGUE, "md"), self.config.max_subscriptions),
            td_parser=Parser(CATALOGUE, methods(CATALOGUE, "td"), self.config.max_subscriptions),
            md_rights=Rights(CATALOGUE, "md"),
            td_rights=Rights(CATALOGUE, "td"),
            ticks=self.ticks,
            quotes=self.quotes,
            freshness=self.freshness,
            md_pushes=md_pushes,
            td_pushes=pushes(CATALOGUE, "td"),
            md_renderer=md_renderer,
            td_renderer=Renderer(CATALOGUE, "td"),
            accounts=self.topic,
            td_epoch=lambda: self.td_epoch,
            md_background=Calls(self.md_worker, self.clock.later, 1000, 1.0),
            td_background=Calls(self.td_worker, self.clock.later, 1000, 1.0),
        )

    def returns(self, broker: str = BROKER, user: str = USER) -> Returns:
        return self.topic(account_topic(broker, user))

    def topic(self, topic: str) -> Returns:
        if topic not in self.accounts:
            later, clock = self.clock.later, self.clock
            self.accounts[topic] = Returns(
                topic, self.ask_returns, later, self.counters, lambda: clock.now
            )
        return self.accounts[topic]

    def ask_returns(
        self, handle: bytes, place: Place, on_row: OnRow, on_silence: OnSilence
    ) -> None:
        body = msgspec.msgpack.encode(place)
        background = self.services.td_background
        background.start("Returns", on_row, on_silence, HEAL_S, session=handle, body=body)

    def publish(
        self,
        name: str,
        seq: int,
        field: bytes | None = None,
        rsp_info: bytes | None = None,
        epoch: int = 1,
        user: str = USER,
    ) -> None:
        """A message of an account's topic arrives."""
        topic = account_topic(BROKER, user)
        frame = published(topic, name, seq, field, rsp_info, epoch)
        self.returns(BROKER, user).see(unpack_message(frame))

    def tick(self, seq: int, instrument: str = "rb2610", epoch: int = 1, **values: Any) -> bytes:
        """A tick arrives; also its bytes."""
        field = pack("DepthMarketData", InstrumentID=instrument, **values)
        name = "OnRtnDepthMarketData"
        frame = published(tick_topic(instrument), name, seq, field, epoch=epoch)
        self.ticks.on_message(frame)
        return frame

    def td(self, options: Options = Options(), access: Access = Access()) -> Client:  # noqa: B008
        return Client(self, "td", options, access)

    def md(self, options: Options = Options(), access: Access = Access()) -> Client:  # noqa: B008
        return Client(self, "md", options, access)

    def td_in(self, options: Options = Options(), access: Access = Access()) -> Client:  # noqa: B008
        """A /td/ socket that is logged in, its login reply read."""
        client = self.td(options, access)
        self.log_in(client)
        return client

    def log_in(self, client: Client, handle: bytes = HANDLE) -> None:
        """Its reply is read."""
        client.send(login())
        if not self.returns().place[1]:
            self.publish("Mark", 1)
        reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True, after_seq=1)
        self.td_worker.answer("ReqUserLogin", session_row(handle), reply)
        assert client.heard()[-1]["MsgType"].endswith("RspUserLogin")

    def md_in(self, options: Options = Options(), access: Access = Access()) -> Client:  # noqa: B008
        client = self.md(options, access)
        client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "", "Password": ""}})
        self.md_worker.answer(
            "ReqUserLogin", row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True)
        )
        assert client.heard()[-1]["MsgType"].endswith("RspUserLogin")
        return client


def login(user: str = USER, password: str = "123456") -> dict[str, Any]:
    payload = {"UserID": user, "Password": password}
    return {"MsgType": "ReqUserLogin", "ReqUserLogin": payload, "RequestID": 0}
