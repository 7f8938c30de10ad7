"""What both kinds of sockets share: requests in, replies out, and errors that end nothing."""

from __future__ import annotations

import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from bus.errors import Refused, Unavailable, refused, request_failed
from bus.frames import Message, Row, split_body
from bus.timers import Later, Timer
from schemas.catalogue import Catalogue
from schemas.errors import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    LIMIT,
    LOCAL_TEXTS,
    NOT_IMPLEMENTED,
    NOT_LOGGED_IN,
    text_of,
)

from .admission import Visit
from .calls import Caller, Calls
from .config import WsConfig
from .counters import Counters
from .envelope import Head, clock, message, request_error, rsp_info, shutdown, unix_ms
from .freshness import Freshness
from .limits import Share
from .lobby import welcome
from .names import Kind
from .outbox import Outbox, Peer
from .pushes import Push, Renderer
from .requests import BadRequest, Parser, Request
from .returns import Returns
from .rights import Rights
from .ticks import Board, TickBoard

log = logging.getLogger("ws_edge")

# These carry the name of the request, all others that of its reply.
_NAMED_BY_REQUEST: Final = frozenset({BAD_REQUEST, NOT_LOGGED_IN, NOT_IMPLEMENTED, INTERNAL_ERROR})
_AGAIN_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all sockets of the process share. ``accounts`` gives the returns of a topic;
    ``td_epoch`` is td_worker's newest epoch, 0 when it is not known yet; ``now`` is the clock of
    ``later``; ``waited_s`` tells for how long, at the most, a request that is read now has waited
    for this process to run; the background calls are those that no socket waits for."""

    catalogue: Catalogue
    config: WsConfig
    later: Later
    now: Callable[[], float]
    waited_s: Callable[[], float]
    counters: Counters
    md: Caller
    td: Caller
    md_parser: Parser
    td_parser: Parser
    md_rights: Rights
    td_rights: Rights
    ticks: TickBoard
    quotes: Board
    freshness: Freshness
    md_pushes: dict[int, Push]
    td_pushes: dict[int, Push]
    md_renderer: Renderer
    td_renderer: Renderer
    accounts: Callable[[str], Returns]
    td_epoch: Callable[[], int]
    md_background: Calls
    td_background: Calls


class Session(ABC):
    """One socket. No I/O: it writes to its outbox and calls workers through ``Calls``."""

    def __init__(
        self,
        services: Services,
        visit: Visit,
        outbox: Outbox,
        peer: Peer,
        caller: Caller,
        parser: Parser,
        rights: Rights,
        share: Share,
    ) -> None:
        self.services, self.visit, self.outbox, self.peer = services, visit, outbox, peer
        self.config = services.config
        self.style = visit.options.style._replace(binary=False)  # the outbox translates
        self.closed = False
        self._parser, self._rights, self._share = parser, rights, share
        self._info = services.catalogue.codec("RspInfo")
        limit, sent_s = self.config.max_pending, self.config.sent_s
        self.calls = Calls(caller, services.later, limit, sent_s, visit.origin)
        self._heard_at = self.services.now()
        self._beat: Timer | None = None
        self._patience: Timer | None = None
        if visit.options.heartbeat:
            self._send_beat()
            if self.config.heartbeat_timeout_s:
                self._look_for_pong()

    # -- in ----------------------------------------------------------------------------------

    def receive(self, text: str | bytes) -> None:
        """One message of the client. Never raises."""
        limit = self._share.message()
        try:
            request = self._parser.parse(text, binary=self.visit.options.style.binary)
        except BadRequest as bad:
            if limit:
                self._count_early()
            self._answer_bad(bad)
        except Exception:
            self._fault("", 0, "")
        else:
            self.guard(request, self._take, request, limit)

    def guard(self, request: Request, act: Callable[..., None], *arguments: object) -> None:
        """Do something for a request; whatever goes wrong becomes its answer."""
        if self.closed:
            return
        try:
            act(*arguments)
        except Refused as refusal:
            self.refuse(request, refusal)
        except Unavailable as error:
            self.refuse(request, request_failed(str(error)))
        except Exception:
            self._fault(request.method.name, request.request_id, request.method.key)

    def patiently(self, request: Request, send: Callable[[], None], until: float) -> None:
        """Send a login, until ``until`` again and again while the worker is not there: a group
        that starts, or a worker that is started anew, is no reason to turn a client away."""
        try:
            send()
        except Unavailable:
            if self.services.now() >= until:
                raise
            again = partial(self.guard, request, self.patiently, request, send, until)
            self.services.later(_AGAIN_S, again)

    def _take(self, request: Request, limit: str) -> None:
        """``limit``: the one that is exceeded."""
        kind = request.method.kind
        if limit:
            self._count_early()
            # A late cancel may cost money, and who gives no Pong is closed.
            if not request.method.cancels and kind is not Kind.PONG:
                raise refused(LIMIT, limit)
        if kind is Kind.PING:
            self.outbox.send(clock("Pong", unix_ms()))
        elif kind is Kind.PONG:
            self._heard_at = self.services.now()
        elif kind is Kind.GATEWAY:
            self._greet(request)
        else:
            if kind is not Kind.LOGIN and self.needs_login(request):
                raise not_logged_in()
            self._check_rights(request)
            self.handle(request)

    def _check_rights(self, request: Request) -> None:
        try:
            self._rights.check(self.visit.access, request, self.user)
        except Refused:
            self.services.counters.forbidden += 1
            raise

    def _count_early(self) -> None:
        """It came beyond a limit."""
        self.services.counters.messages_early += 1
        if self._share.stubborn:
            self.peer.give_up(1008, "too many messages")

    def _greet(self, request: Request) -> None:
        """It may come to a gateway that asks nobody, and else only as the first message."""
        if self.visit.access.user:
            raise refused(BAD_REQUEST, "this connection has shown who it is already")
        self.outbox.send(welcome(self.style, request.request_id, ""))

    @abstractmethod
    def needs_login(self, request: Request) -> bool:
        """Whether one must come first."""

    @property
    def user(self) -> str:
        """The UserID of the account that it is logged in to, "" without one."""
        return ""

    @abstractmethod
    def handle(self, request: Request) -> None:
        """A request that is in order and allowed. May raise Refused."""

    # -- out ---------------------------------------------------------------------------------

    def reply(
        self, request: Request, info: bytes | None, *, last: bool, payload: bytes | None
    ) -> None:
        """One row. ``info`` is RspInfo as JSON, None is null."""
        head = Head(request.method.callback, info, request.request_id, last)
        self.outbox.send(message(self.style, head, request.method.key, payload))

    def refuse(self, request: Request, refused: Refused) -> None:
        """A local error."""
        method = request.method
        info = rsp_info(refused.error_id, refused.error_msg)
        if method.kind is Kind.LOGIN and refused.error_id not in _NAMED_BY_REQUEST:
            self.refuse_login(request, info, refused.detail)
            return
        head = Head(method.callback, info, request.request_id, self.style.full)
        if refused.error_id in _NAMED_BY_REQUEST:
            text = request_error(self.style, method.name, head, method.key, refused.detail)
        else:
            text = message(self.style, head, method.key, detail=refused.detail)
        self.outbox.send(text)

    def fall_silent(self, request: Request, more: str, why: str) -> None:
        """A worker did not answer, not even with an error."""
        self.guard(request, self.refuse, request, request_failed(why + more))

    @abstractmethod
    def refuse_login(self, request: Request, info: bytes, detail: str) -> None:
        """A login that failed here or in a worker."""

    def login_head(self, request: Request, callback: str, info: bytes | None) -> Head:
        """Logins are answered by one row, which carries no RequestID."""
        return Head(callback, info, request.request_id if self.style.full else 0, last=True)

    def split(self, flags: int, body: bytes) -> tuple[bytes | None, bytes | None]:
        """(struct bytes, RspInfo as JSON) of a row."""
        field, info = split_body(flags, body, self._info.size)
        return field, None if info is None else self._info.json(info)

    def raw_info(self, row: Row) -> bytes | None:
        """RspInfo of a row as struct bytes."""
        return split_body(row.flags, row.body, self._info.size)[1]

    def is_success(self, info: bytes | None) -> bool:
        """Whether this RspInfo, as struct bytes, reports no error; None is a NULL pointer."""
        return info is None or self._info.get(info, "ErrorID") == 0

    def no_error(self) -> bytes:
        """RspInfo of an answer in the counter's name; its text changed in 6.7.10."""
        modern = self.services.catalogue.layout_id >= 0x670A
        return rsp_info(0, "CTP:No Error" if modern else text_of(0))

    def push(self, push: Push, what: Message, renderer: Renderer) -> None:
        self.outbox.send(renderer.text(push, what, self.style))

    def say_shutdown(self, eta_ms: int) -> None:
        self.outbox.send(shutdown(eta_ms))

    # -- end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """The socket is gone: release everything it held."""
        self.closed = True
        for timer in (self._beat, self._patience):
            if timer is not None:
                timer.cancel()
        self.calls.close()

    def _answer_bad(self, bad: BadRequest) -> None:
        info = rsp_info(bad.error_id, bad.error_msg)
        head = Head("", info, bad.request_id, self.style.full)
        self.outbox.send(request_error(self.style, bad.name, head, "", bad.detail))

    def _fault(self, name: str, request_id: int, key: str) -> None:
        """A fault of our own: the client gets a number that finds the traceback in the log."""
        reference = secrets.token_hex(6)
        self.services.counters.faults += 1
        log.exception("fault", extra={"fields": {"reference": reference, "request": name}})
        info = rsp_info(INTERNAL_ERROR, LOCAL_TEXTS[INTERNAL_ERROR])
        head = Head("", info, request_id, self.style.full)
        self.outbox.send(request_error(self.style, name, head, key, f"reference {reference}"))

    # -- heartbeat ---------------------------------------------------------------------------

    def _send_beat(self) -> None:
        self.outbox.send(clock("Ping", unix_ms()))
        self._beat = self.services.later(self.config.heartbeat_interval_s, self._send_beat)

    def _look_for_pong(self) -> None:
        """Apart from the Pings: the time is over when it is over, not with the next of them."""
        left_s = self._heard_at + self.config.heartbeat_timeout_s - self.services.now()
        if left_s <= 0:
            self.peer.give_up(1001, "no Pong")
        else:
            self._patience = self.services.later(left_s, self._look_for_pong)


def not_logged_in() -> Refused:
    return Refused(NOT_LOGGED_IN, LOCAL_TEXTS[NOT_LOGGED_IN])
