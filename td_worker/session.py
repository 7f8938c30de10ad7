"""One account at the counter: login, requests, returns."""

from __future__ import annotations

import hmac
import logging
import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bus.errors import Refused, bad_parameters, request_failed
from bus.frames import Flag, Row, join_body, message_type
from bus.publisher import Publisher
from bus.retry import Retry
from bus.rpc import Call, Router, SessionBody
from bus.secrets import Secret
from bus.wake import Inbox
from schemas.catalogue import Catalogue
from schemas.counter import Counter, Event

from .config import TdConfig
from .login import ANSWERS, State, after
from .queries import QueryQueue
from .returns import Returns

log = logging.getLogger("td_worker")

_STEP_S: Final = 5.0  # a step of the login without an answer is repeated after this
_NOT_READY: Final = frozenset({90, 154})  # "query not ready", "query core busy"
_NOT_READY_PAUSE_S: Final = 1.0
# Requests whose only sure answer is a return keep their number this long in memory, so that a late
# refusal finds its caller.
_MAX_OPEN: Final = 100_000


@dataclass(slots=True, eq=False)
class Attempt:
    """A client that wants to log in."""

    peer: bytes
    call: Call
    password: Secret
    deadline_ns: int


@dataclass(slots=True, eq=False)
class Pending:
    """A request of a client on its way through the counter."""

    peer: bytes
    call: Call
    deadline_ns: int
    is_query: bool
    number: int = 0  # nRequestID at the counter, new for each attempt


class Session:
    """One counter session. Everything runs on the worker's main thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: TdConfig,
        user: str,
        publisher: Publisher,
        router: Router,
        inbox: Inbox[tuple[Session, Event] | None],
        registry: dict[bytes, Session],
    ) -> None:
        self.catalogue, self.config, self.user = catalogue, config, user
        self.router, self.epoch = router, publisher.epoch
        self.returns = Returns(publisher, config.broker_id, user)
        self.counter = Counter(
            catalogue, "td", config.fronts, lambda event: inbox.put((self, event))
        )
        self.state = State.DOWN
        self.reason: int | None = None
        self.handles: set[bytes] = set()
        self._registry = registry
        self.queries: QueryQueue[Pending] = QueryQueue()
        self.unused_since = time.monotonic()
        self._retry = Retry(config.retry_s)
        self._attempts: list[Attempt] = []
        self._trying: Attempt | None = None
        self._password: Secret | None = None  # what the front accepted
        self._login: Event | None = None
        self._authentication: Event | None = None
        self._open: OrderedDict[int, Pending] = OrderedDict()
        self._last_id = 0
        self._step_id = 0

    def start(self, flow: Path) -> None:
        self.counter.start(flow)

    def stop(self) -> None:
        self.counter.stop()

    # -- clients -----------------------------------------------------------------------------

    def attach(self, attempt: Attempt, now: float) -> None:
        """A login of a client. The first one goes to the front; while the session stands, others
        are compared with the password that the front accepted and never reach it, so that no
        client can lock the account."""
        if self.state is State.READY:
            self._answer(attempt)
            return
        self._attempts.append(attempt)
        if self.state is State.REFUSED and self._retry.due is None:
            self._enter("again", now)

    def detach(self, handle: bytes) -> None:
        self.handles.discard(handle)
        self._registry.pop(handle, None)
        self.unused_since = time.monotonic()

    def request(self, peer: bytes, call: Call, now: float) -> None:
        """Hand a request to the counter, or refuse it. Raises Refused."""
        request = self.catalogue.td.requests[call.method]
        size = self.catalogue.layouts[request.struct].size
        if len(call.body) != size:
            raise bad_parameters(f"{call.method}: {len(call.body)} bytes instead of {size}")
        if self.state is not State.READY:
            raise request_failed(f"the trading front is {self.state.value}")
        deadline_ns = call.deadline_ns
        if request.is_query:
            limit = time.time_ns() + int(self.config.query_s * 1e9)
            pending = Pending(peer, call, min(deadline_ns, limit), is_query=True)
            self.queries.add(pending)
            self.pump(now)
        else:
            self._act(Pending(peer, call, deadline_ns, is_query=False))

    def pump(self, now: float) -> None:
        """Hand the next query to the API when its time has come."""
        while (pending := self.queries.take(now)) is not None:
            status = self._send(pending)
            if status in (-2, -3):
                self.queries.again(now)
                return
            if status != 0:
                self.queries.done(pending)
                self._close(pending)
                self._refuse(pending, status)

    def expire(self, now_ns: int) -> None:
        """End what has waited for too long."""
        for pending in self.queries.expired(now_ns):
            self._close(pending)
            error = request_failed("no full answer from the counter within the time limit")
            self.router.refuse(pending.peer, pending.call, error)
        for attempt in [a for a in self._attempts if a.deadline_ns < now_ns]:
            self._attempts.remove(attempt)
            error = request_failed(f"no login in time: the trading front is {self.state.value}")
            self.router.refuse(attempt.peer, attempt.call, error)

    def retry(self, now: float) -> None:
        """Repeat a login, or a step of it, when its time has come."""
        if self._retry.due is not None and self._retry.due <= now:
            self._retry.due = None
            if self.state is State.REFUSED:
                self._enter("again", now)
            elif self.state in ANSWERS:
                self._step(now)

    @property
    def idle(self) -> bool:
        """Nobody is logged in or tries to, and the counter does not have us logged in."""
        return not (self._attempts or self.handles or self.state is State.READY or self._password)

    # -- the counter -------------------------------------------------------------------------

    def on_event(self, event: Event, now: float) -> None:
        callback = self.catalogue.td.callbacks[event.name]
        if event.name == "OnFrontConnected":
            self.returns.notice(event.name)
            self._enter(event.name, now)
        elif event.name == "OnFrontDisconnected":
            self._on_disconnected(event, now)
        elif event.name == "OnHeartBeatWarning":
            self.returns.notice(event.name, event.number)
        elif not callback.has_id:
            self.returns.publish(event)
        elif event.request_id == self._step_id and self.state in ANSWERS:
            self._on_step(event, now)
        else:
            self._on_reply(event, now)

    def _on_disconnected(self, event: Event, now: float) -> None:
        self.reason = event.number
        self._enter(event.name, now)
        self._retry.reset()
        # What was never handed to the API, or only asks, ends here. An order that was handed over
        # may have reached the counter: it stays open and the private stream will tell.
        for pending in self.queries.clear():
            self._close(pending)
            error = request_failed("the trading front disconnected before it answered")
            self.router.refuse(pending.peer, pending.call, error)
        self.returns.notice(event.name, event.number)

    def _on_reply(self, event: Event, now: float) -> None:
        pending = self._open.get(event.request_id)
        if pending is None:
            if event.name == "OnRspError":
                self.returns.publish(event)
            return
        if pending.is_query and self._error_id(event) in _NOT_READY:
            self._close(pending)
            self.queries.again(now, _NOT_READY_PAUSE_S)
            return
        if event.name == "OnRspUserPasswordUpdate" and not self._error_id(event):
            self._password_changed(pending.call)
        self._row(pending.peer, pending.call, event)
        if event.last:
            self._close(pending)
            self.queries.done(pending)
            self.pump(now)

    # -- login -------------------------------------------------------------------------------

    def _enter(self, what: str, now: float) -> None:
        state = after(self.state, what)
        if state is self.state:
            return
        self.state = state
        fields = {"user": self.user, "state": state.value, "after": what}
        log.info("state", extra={"fields": fields})
        self._step(now)

    def _step(self, now: float) -> None:
        """Do what the state asks for."""
        if self.state is State.READY:
            self._on_ready(now)
        elif self.state in ANSWERS and (self._trying or self._next_password()):
            self._retry.unanswered(now + _STEP_S)
            if self.state is State.CONNECTED and not self.config.app_id:
                self._enter("OnRspAuthenticate", now)
            else:
                name, raw = self._step_request()
                self._step_id = self._next_id()
                status = self.counter.request(name, raw, self._step_id)
                if status != 0:
                    fields = {"user": self.user, "request": name, "status": status}
                    log.warning("login step not sent", extra={"fields": fields})

    def _next_password(self) -> bool:
        """Choose whose password the front is asked: a client's, else the accepted one."""
        if self._attempts:
            self._trying = self._attempts[0]
        return self._trying is not None or self._password is not None

    def _step_request(self) -> tuple[str, bytes]:
        account = {"BrokerID": self.config.broker_id, "UserID": self.user}
        program = {"UserProductInfo": self.config.user_product_info}
        if self.state is State.CONNECTED:
            values = {"AppID": self.config.app_id, "AuthCode": self.config.auth_code.reveal()}
            codec = self.catalogue.codec("ReqAuthenticate")
            return "ReqAuthenticate", codec.pack(account | program | values)
        if self.state is State.LOGGED_IN:
            codec = self.catalogue.codec("SettlementInfoConfirm")
            investor = {"BrokerID": self.config.broker_id, "InvestorID": self.user}
            return "ReqSettlementInfoConfirm", codec.pack(investor)
        if self._trying is not None and self._trying.call.method != "ReqUserLogin":
            name = self._trying.call.method
            codec = self.catalogue.codec(self.catalogue.td.requests[name].struct)
            return name, codec.patch(self._trying.call.body, account)
        password = self._trying.password if self._trying else self._password
        assert password is not None
        codec = self.catalogue.codec("ReqUserLogin")
        return "ReqUserLogin", codec.pack(account | program | {"Password": password.reveal()})

    def _on_step(self, event: Event, now: float) -> None:
        error_id = self._error_id(event)
        if error_id or event.name == "OnRspError":
            self._on_refused(event, error_id, now)
            return
        if event.name != ANSWERS[self.state]:
            return
        if event.name == "OnRspAuthenticate":
            self._authentication = event
        elif event.name == "OnRspUserLogin":
            self._on_login(event)
        self._enter(event.name, now)

    def _on_login(self, event: Event) -> None:
        self._login = event
        if self._trying is not None:
            self._password = self._trying.password
        if event.field is not None:
            day = self.catalogue.codec("RspUserLogin").get(event.field, "TradingDay")
            self.returns.new_day(str(day))

    def _on_ready(self, now: float) -> None:
        self._retry.reset()
        self._trying, self.reason = None, None
        self.queries.pace(self._pace())
        for attempt in self._attempts:
            self._answer(attempt)
        self._attempts.clear()
        self.pump(now)

    def _pace(self) -> float:
        """Queries a second. The front's own word counts; it is in the API since 6.7.7."""
        return self.config.queries_per_s or float(self.counter.query_freq()) or 1.0

    def _on_refused(self, event: Event, error_id: int, now: float) -> None:
        """The counter said no: whoever asked with this password hears it as it is."""
        tried = self._trying.password if self._trying else self._password
        self._trying, self.reason = None, error_id
        self._enter("refused", now)
        told = [a for a in self._attempts if tried and _same(a.password, tried)]
        for attempt in told:
            self._attempts.remove(attempt)
            self._row(attempt.peer, attempt.call, event, last=True)
        again = bool(self._password) and self._retry.refused(error_id, now)
        fields = {"user": self.user, "error_id": error_id, "again": again}
        log.log(logging.WARNING if told or again else logging.ERROR, "login refused",
                extra={"fields": fields})  # fmt: skip
        if not again:
            self._retry.reset()
            if self._attempts:
                self._enter("again", now)

    def _answer(self, attempt: Attempt) -> None:
        """Answer a login from the standing session."""
        assert self._login is not None
        assert self._password is not None
        if not _same(attempt.password, self._password):
            info = self.catalogue.codec("RspInfo").pack(
                {"ErrorID": 3, "ErrorMsg": "CTP:不合法的登录"}
            )
            refusal = Event("OnRspUserLogin", None, info, 0, True, 0, 0)
            self._row(attempt.peer, attempt.call, refusal)
            return
        handle = os.urandom(16)
        self.handles.add(handle)
        self._registry[handle] = self
        self.returns.notice("Mark")
        body = SessionBody(handle, self.config.broker_id, self.user, self.epoch)
        self._row_own(attempt.peer, attempt.call, "Session", body, last=False)
        self._row(attempt.peer, attempt.call, self._login, last=True)

    def _password_changed(self, call: Call) -> None:
        """The next login, after a reconnect, needs the new one."""
        codec = self.catalogue.codec("UserPasswordUpdate")
        if codec.get(call.body, "UserID") == self.user:
            self._password = Secret(str(codec.get(call.body, "NewPassword")))

    # -- requests ----------------------------------------------------------------------------

    def _act(self, pending: Pending) -> None:
        """An order or another request that is no query: now or never."""
        if pending.deadline_ns < time.time_ns():
            raise request_failed("expired before it was sent; it was not sent")
        status = self._send(pending)
        if status != 0:
            self._close(pending)
            raise _status_error(pending.call.method, status)
        body = b""
        flags = Flag.SENT | Flag.LOCAL
        self._put(pending.peer, pending.call, "Sent", flags, body)

    def _send(self, pending: Pending) -> int:
        pending.number = self._next_id()
        self._open[pending.number] = pending
        if len(self._open) > _MAX_OPEN:
            self._open.popitem(last=False)
        return self.counter.request(pending.call.method, pending.call.body, pending.number)

    def _close(self, pending: Pending) -> None:
        self._open.pop(pending.number, None)

    def _refuse(self, pending: Pending, status: int) -> None:
        self.router.refuse(pending.peer, pending.call, _status_error(pending.call.method, status))

    def own_reply(self, peer: bytes, call: Call) -> bool:
        """Answer a request that never goes to the front of a shared session: whether it was one."""
        account = {"BrokerID": self.config.broker_id, "UserID": self.user}
        info = self.catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
        if call.method == "ReqAuthenticate":
            codec = self.catalogue.codec("RspAuthenticate")
            field = codec.pack(account | {"AppID": self.config.app_id})
            known = self._authentication
            event = known or Event("OnRspAuthenticate", field, info, 0, True, 0, 0)
            self._row(peer, call, event, last=True)
            return True
        if call.method == "ReqUserLogout":
            field = self.catalogue.codec("UserLogout").pack(account)
            self._row(peer, call, Event("OnRspUserLogout", field, info, 0, True, 0, 0))
            self.detach(call.session)
            return True
        if call.method == "Mark":
            self.returns.notice("Mark")
            self._row_own(peer, call, "Mark", None, last=True)
            return True
        return False

    # -- rows --------------------------------------------------------------------------------

    def _row(self, peer: bytes, call: Call, event: Event, last: bool | None = None) -> None:
        flags, body = join_body(event.field, event.info)
        ends = event.last if last is None else last
        self._put(peer, call, event.name, flags | (Flag.LAST if ends else 0), body)

    def _row_own(self, peer: bytes, call: Call, name: str, message: object, last: bool) -> None:
        flags = Flag.MSGPACK | Flag.LOCAL | (Flag.LAST if last else 0)
        self._put(peer, call, name, flags, msgspec.msgpack.encode(message))

    def _put(self, peer: bytes, call: Call, name: str, flags: int, body: bytes) -> None:
        row = Row(
            call.id,
            self.returns.seq,
            call.request_id,
            message_type(name),
            self.catalogue.layout_id,
            flags,
            body,
        )
        self.router.send(peer, row)

    def _error_id(self, event: Event) -> int:
        if event.info is None:
            return 0
        return int(self.catalogue.codec("RspInfo").get(event.info, "ErrorID") or 0)

    def _next_id(self) -> int:
        self._last_id = self._last_id % 0x7FFFFFFF + 1
        return self._last_id


def _same(one: Secret, other: Secret) -> bool:
    return hmac.compare_digest(one.reveal().encode(), other.reveal().encode())


def _status_error(method: str, status: int) -> Refused:
    """A Req* call that returned non-zero: nothing was sent."""
    texts = {-2: "CTP:未处理请求超过许可数", -3: "CTP:每秒发送请求数超过许可数"}
    text = texts.get(status, "CTP:请求失败")
    return Refused(status, text, f"{method} returned {status}; nothing was sent")
