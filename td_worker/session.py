"""One account at the counter, shared by its clients. Everything here runs on the main thread."""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from bus.errors import Refused, request_failed
from bus.publisher import Publisher
from bus.rpc import Call, Router, SessionBody
from bus.secrets import Secret
from bus.wake import Inbox
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .actions import Actions
from .attempts import Attempt
from .config import TdConfig
from .connection import Connection, NotStarted, Stopped
from .flows import Flows
from .gate import Gate
from .journal import Journal
from .lifecycle import Lifecycle
from .login import State
from .numbers import RequestIds, error_id
from .queries.day_cache import DayCache
from .queries.delivery import Deliveries
from .queries.desk import QueryDesk
from .queries.query import OnFailed, OnRow
from .recovery import Recovery
from .replies import Replies
from .returns import Returns

if TYPE_CHECKING:
    from .accounts import Account

log = logging.getLogger("td_worker")

_MOST_HANDLES: Final = 10_000
# An unused session stays for so long: of an account that the front has accepted before, and of one
# whose last login got no answer.
_KEEP_S: Final = 30.0
_GRACE_S: Final = 2.0


class Session:
    """Ties the parts of one account together: gate, requests and returns."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: TdConfig,
        account: Account,
        slot: int,
        publisher: Publisher,
        router: Router,
        inbox: Inbox[tuple[Session, int, Event | NotStarted | Stopped] | None],
        registry: dict[bytes, Session],
        lifecycle: Lifecycle,
        cache: DayCache,
        deliveries: Deliveries,
    ) -> None:
        self.user = user = account.user
        self.slot = slot  # 0, or its number when each client has a session of his own
        self.folder = account.slot_folder(slot)  # of its orders and returns
        self._catalogue, self._config, self._registry = catalogue, config, registry
        self._epoch, self._lifecycle = publisher.epoch, lifecycle
        self.connection = Connection(
            catalogue,
            config.fronts,
            Flows(account.flow, slot),
            lifecycle,
            lambda generation, event: inbox.put((self, generation, event)),
        )
        journal = Journal(self.folder / "returns", config.keep_days)
        self.returns = Returns(catalogue, publisher, journal, config.broker_id, user)
        self.replies = Replies(catalogue, router, self.returns)
        ids = RequestIds()
        self.gate = Gate(
            catalogue,
            config,
            user,
            self.connection,
            self.replies,
            ids,
            fits=self._fits,
            on_login=self._on_login,
            on_recovering=self._on_recovering,
            on_ready=lambda: None,
            admit=self._admit,
            on_lost=self._on_lost,
            on_logout=self._on_logout,
        )
        self.queries = QueryDesk(
            catalogue, self.connection, ids, config.query_s, user, cache, deliveries
        )
        self.recovery = Recovery(
            catalogue,
            config.quiet_s,
            ask=self._ask_everything,
            lost=self.returns.publish,
            done=lambda: self.gate.recovered(time.monotonic()),
        )
        self.actions = Actions(catalogue, self.connection, self.replies, ids)
        self.handles: dict[bytes, bytes] = {}  # with the identity of the caller who uses it
        self._idle_since: float | None = None

    def start(self) -> None:
        self._lifecycle.put(self.returns.journal.open)
        self.connection.start()

    def stop(self) -> None:
        self.connection.stop()
        self.returns.journal.close()

    def disposable(self, now: float) -> bool:
        """Nobody uses it, nobody waits for it and the front does not know its password: whether it
        has been so for long enough. Names that somebody made up must not keep places."""
        if not self.gate.unused or self.handles:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = now
        if self.gate.proven:
            return now - self._idle_since >= _KEEP_S
        return self.gate.state is State.REFUSED or now - self._idle_since >= _GRACE_S

    def call(self, peer: bytes, call: Call, now: float) -> None:
        """A request of a client with a handle of this session. Raises Refused."""
        self.handles[call.session] = peer
        if call.method == "ReqAuthenticate":
            self.replies.event(peer, call, self._authentication(), last=True)
        elif call.method == "ReqUserLogout":
            self._log_out(peer, call)
        elif call.method == "Mark":
            self.returns.notice("Mark")
            self.replies.own(peer, call, "Mark", None)
        elif self.gate.state not in (State.READY, State.RECOVERING):
            raise request_failed(f"the trading front is {self.gate.state.value}")
        elif self._catalogue.td.requests[call.method].only_asks:
            on_row, on_failed = (
                partial(self._on_row, peer, call),
                partial(self._on_failed, peer, call),
            )
            self.queries.accept(call, on_row, on_failed, now)
        else:
            self.actions.accept(peer, call)

    def detach(self, handle: bytes) -> None:
        """A client leaves. The counter's session stays."""
        self.handles.pop(handle, None)
        self._registry.pop(handle, None)
        self.queries.left(handle)

    def forget(self, peers: set[bytes]) -> None:
        """Detach everything of callers that are gone."""
        for handle in [handle for handle, peer in self.handles.items() if peer in peers]:
            self.detach(handle)

    def timers(self, now: float) -> None:
        self.gate.timers(now)
        self.queries.expire(now)
        self.queries.pump(now)
        self.returns.journal.flush(now)
        self.recovery.poll(now)
        if self.gate.state in (State.READY, State.RECOVERING) and self.queries.stuck(now):
            log.error("queries are stuck, reconnecting", extra={"fields": {"user": self.user}})
            self.queries.front_lost()
            self.gate.renew(now)

    def on_event(self, event: Event, now: float) -> None:
        """A callback of the counter."""
        if event.name == "OnFrontConnected":
            if self.gate.state is not State.DOWN:  # it lost the connection without a word
                self._on_disconnected(0)
            self.returns.reconnected()
            self.returns.notice(event.name)
            self.gate.connected(now)
        elif event.name == "OnFrontDisconnected":
            self._on_disconnected(event.number)
        elif event.name == "OnHeartBeatWarning":
            self.returns.notice(event.name, event.number)
        elif not self._catalogue.td.callbacks[event.name].has_id:
            self.recovery.heard(event, now)
            self.returns.publish(event)
        elif not self.gate.on_reply(event, now):
            self._on_reply(event, now)

    def _on_disconnected(self, reason: int) -> None:
        self.gate.disconnected(reason)
        self.recovery.stop()
        self.queries.front_lost()
        self.returns.notice("OnFrontDisconnected", reason)

    def _on_row(self, peer: bytes, call: Call, event: Event, last: bool) -> None:
        self.replies.event(peer, call, event, last)

    def _on_failed(self, peer: bytes, call: Call, error: Refused) -> None:
        self.replies.refuse(peer, call, error)

    def _on_reply(self, event: Event, now: float) -> None:
        if self.queries.on_reply(event, now):
            return
        call = self.actions.on_reply(event)
        if call is None and event.name == "OnRspError":
            self.returns.publish(event)
        changed = event.name == "OnRspUserPasswordUpdate"
        if call is not None and changed and not error_id(self._catalogue, event):
            codec = self._catalogue.codec("UserPasswordUpdate")
            if codec.get(call.body, "UserID") == self.user:
                self.gate.new_password(Secret(str(codec.get(call.body, "NewPassword"))))

    def _fits(self, login: Event) -> bool:
        """Whether this API object is for the trading day that the login tells; if not, another one
        follows, and until then there is no connection."""
        fits = self.connection.fits(self._day(login))
        if not fits:
            self.queries.front_lost()
            self.returns.notice("OnFrontDisconnected", 0)
        return fits

    def _on_login(self, login: Event) -> None:
        """The replay begins right behind the answer to the login, so the day is known before it."""
        day = self._day(login)
        self.returns.new_day(day)
        if day:
            self.queries.new_day(day)
        self.recovery.listen(time.monotonic())

    def _day(self, login: Event) -> str:
        """Its TradingDay, "" when it does not tell."""
        codec = self._catalogue.codec("RspUserLogin")
        return "" if login.field is None else str(codec.get(login.field, "TradingDay"))

    def _on_recovering(self) -> None:
        # The front's own word on the pace counts; it is in the API since 6.7.7.
        per_s = self._config.queries_per_s or float(self.connection.query_freq()) or 1.0
        self.queries.pace(per_s)
        self.recovery.start(time.monotonic())

    def _ask_everything(self, method: str, on_row: OnRow, on_failed: OnFailed) -> None:
        struct = self._catalogue.td.requests[method].struct
        values = {"BrokerID": self._config.broker_id, "InvestorID": self.user}
        body = self._catalogue.codec(struct).pack(values)
        query_s = self._config.query_s
        self.queries.ask(method, body, on_row, on_failed, time.monotonic(), query_s)

    def _on_logout(self) -> None:
        self.recovery.stop()
        self.returns.reconnected()  # the next login brings the replay again

    def _on_lost(self, error: int) -> None:
        """Nobody logs in again by himself now, so whoever listens must: his handle ends here."""
        if self.handles:
            for handle in list(self.handles):
                self.detach(handle)
            self.returns.notice("SessionLost", error)

    def _admit(self, attempt: Attempt, login: Event) -> None:
        """Give a client a handle, and a mark in the returns by which it can tell that it receives
        them before it takes the login for done."""
        if len(self.handles) >= _MOST_HANDLES:
            error = request_failed("too many clients of this account are logged in")
            self.replies.refuse(attempt.peer, attempt.call, error)
            return
        handle = os.urandom(16)
        self.handles[handle] = attempt.peer
        self._registry[handle] = self
        self.returns.notice("Mark")
        body = SessionBody(handle, self._config.broker_id, self.user, self._epoch)
        self.replies.own(attempt.peer, attempt.call, "Session", body, last=False)
        self.replies.event(attempt.peer, attempt.call, login, last=True)

    def _authentication(self) -> Event:
        """A client's ReqAuthenticate is answered from our own authentication of the account."""
        if self.gate.authentication is not None:
            return self.gate.authentication
        values = {"BrokerID": self._config.broker_id, "UserID": self.user}
        field = self._catalogue.codec("RspAuthenticate").pack(values)
        return Event("OnRspAuthenticate", field, self._no_error(), 0, True, 0, 0)

    def _log_out(self, peer: bytes, call: Call) -> None:
        """The session is shared, so a client's logout only ends the client's part."""
        values = {"BrokerID": self._config.broker_id, "UserID": self.user}
        field = self._catalogue.codec("UserLogout").pack(values)
        event = Event("OnRspUserLogout", field, self._no_error(), 0, True, 0, 0)
        self.replies.event(peer, call, event)
        self.detach(call.session)

    def _no_error(self) -> bytes:
        return self._catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
