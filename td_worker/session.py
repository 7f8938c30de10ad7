"""One account at the counter, shared by its clients. Everything here runs on the main thread."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

from bus.errors import Refused, request_failed
from bus.frames import answer_topic
from bus.publisher import Publisher
from bus.rpc import Call, Router, SessionBody
from bus.secrets import Secret
from bus.wake import Inbox
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.counter import Event

from .actions import Actions
from .config import TdConfig
from .connection import Connection, NotStarted, Stopped
from .day import open_book
from .disconnect import Disconnects
from .flows import Flows
from .lifecycle import Lifecycle
from .limits.session import SessionLimits
from .login.attempts import Attempt
from .login.gate import Gate
from .login.settlement import Settlement
from .login.states import State
from .numbers import RequestIds, error_id
from .orders.book import Book
from .presence import Idle
from .queries.day_cache import DayCache
from .queries.delivery import Deliveries
from .queries.desk import QueryDesk
from .queries.query import OnFailed, OnRow
from .queries.telling import Telling
from .recovery import Recovery
from .replies import Replies
from .returns.journal import Journal
from .returns.stream import Returns
from .unresolved import Unresolved
from .verbs import NAMES as VERBS
from .verbs import Verbs

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
        limits: SessionLimits,
    ) -> None:
        self.user = user = account.user
        self.slot = slot  # 0, or its number when each client has a session of his own
        self.folder = account.slot_folder(slot)  # of its orders and returns
        self._elsewhere = account.elsewhere
        self._siblings = account.sessions
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
        self.returns = Returns(catalogue, publisher, journal, config.broker_id, user, slot)
        self.replies = Replies(catalogue, router, self.returns)
        ids = RequestIds()
        self.settlement = Settlement(catalogue, config.settlement)
        self.gate = Gate(
            catalogue,
            config,
            user,
            self.connection,
            self.replies,
            ids,
            account.guard,
            account.wrongs,
            self.settlement,
            fits=self._fits,
            on_login=self._on_login,
            on_recovering=self._on_recovering,
            on_ready=lambda: None,
            admit=self._admit,
            on_lost=self._on_lost,
            on_logout=self._on_logout,
        )
        self.telling = Telling(
            catalogue, publisher, answer_topic(config.broker_id, user, slot), self._shown
        )
        self.queries = QueryDesk(
            catalogue, self.connection, ids, config.query_s, user, cache, deliveries, self.telling
        )
        self.recovery = Recovery(
            catalogue,
            config.quiet_s,
            ask=lambda method, *heard: self._ask(method, user, *heard),
            lost=lambda event: self._publish(event, time.monotonic()),
            done=lambda: self.gate.recovered(time.monotonic()),
        )
        self.limits = limits
        self.actions = Actions(
            catalogue, self.connection, self.replies, ids, config.answer_s, limits
        )
        self.unresolved = Unresolved(catalogue, config.unsent_s, ask=self._ask, learn=self._shown)
        self.disconnects = Disconnects(self.folder / "disconnect.json")
        self.handles: dict[bytes, bytes] = {}  # with the identity of the caller who uses it
        self.askers: dict[bytes, str] = {}  # names of handles that were given one
        self._clients: dict[bytes, int] = {}  # the virtual SessionID of each handle
        self._book: Book | None = None
        self._last_shown: tuple[Event | None, Event] = (None, Event("", None, None, 0, False, 0, 0))
        self.verbs = Verbs(
            self.replies,
            self.returns,
            self.disconnects,
            self._clients,
            lambda: self.book,
            lambda: self.actions.problem,
            limits,
        )
        self._idle_since: float | None = None
        self._idle = Idle(config.idle_s)

    def start(self) -> None:
        self._lifecycle.put(self.returns.journal.open)
        self.connection.start()

    def stop(self) -> None:
        self.gate.stop()
        self.connection.stop()
        self.close()

    def close(self) -> None:
        """Write what is not on the disk yet."""
        self.returns.journal.close()
        self._close_book()

    @property
    def repeated(self) -> int:
        """Returns that were left out, because they tell nothing new."""
        return self.returns.repeated + (self._book.stats.stale if self._book is not None else 0)

    @property
    def order_counts(self) -> dict[str, int]:
        """What the day's book counts; nothing before the first login."""
        return asdict(self._book.stats) if self._book is not None else {}

    @property
    def outcomes(self) -> dict[str, int]:
        """How often an order of the day came into each state."""
        return self._book.outcomes if self._book is not None else {}

    @property
    def doubts(self) -> int:
        """Orders that are UNKNOWN."""
        return self._book.doubts if self._book is not None else 0

    def disposable(self, now: float) -> bool:
        """Nobody uses it, nobody waits for it and the front does not know its password: whether it
        has been so for long enough. Names that somebody made up must not keep places."""
        if not self.gate.unused or self.handles:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = now
        if self.gate.ended and self.gate.state is not State.LEAVING:
            return True
        if self.gate.proven and not self.gate.ended:
            return now - self._idle_since >= _KEEP_S
        return self.gate.state is State.REFUSED or now - self._idle_since >= _GRACE_S

    def call(self, peer: bytes, call: Call, now: float) -> None:
        """A request of a client with a handle of this session. Raises Refused."""
        self.handles[call.session] = peer
        state = self.gate.state
        if call.method == "ReqAuthenticate":
            self.replies.event(peer, call, self._authentication(), last=True)
        elif call.method == "ReqUserLogout":
            self._log_out(peer, call)
        elif call.method in VERBS:
            self.verbs.answer(peer, call)
        elif self.actions.is_again(call):
            self.actions.accept(peer, call, self._clients[call.session])
        elif state not in (State.READY, State.RECOVERING):
            raise request_failed(f"the trading front is {state.value}; nothing was sent")
        elif self._catalogue.td.requests[call.method].only_asks:
            on_row, on_failed = (
                partial(self._on_row, peer, call),
                partial(self._on_failed, peer, call),
            )
            asker = self.askers.get(call.session, "")
            self.queries.accept(call, on_row, on_failed, now, asker)
        elif state is State.RECOVERING and self.actions.is_insertion(call.method):
            detail = "recovering: not all is known of earlier orders yet; nothing was sent"
            raise request_failed(detail)
        else:
            if self.actions.is_insertion(call.method):
                self.settlement.check()
            self.actions.accept(peer, call, self._clients[call.session])
            if call.method == "ReqSettlementInfoConfirm":
                self.queries.spent(now)

    def detach(self, handle: bytes, clean: bool = False) -> None:
        """A client leaves; ``clean`` when it logged out. The counter's session stays."""
        self.handles.pop(handle, None)
        self._registry.pop(handle, None)
        self.queries.left(handle)
        self.askers.pop(handle, None)
        session_id = self._clients.pop(handle, None)
        if session_id is not None:
            self.disconnects.ended(session_id, self.book.day, clean)

    def forget(self, peers: set[bytes]) -> None:
        """Detach everything of callers that are gone."""
        for handle in [handle for handle, peer in self.handles.items() if peer in peers]:
            self.detach(handle)

    def not_started(self, why: str, now: float) -> None:
        """There is no API object; it is tried again for as long as the session stays."""
        self.gate.not_started(why)
        self.connection.not_started(now + self._config.retry_s)

    def timers(self, now: float) -> None:
        self.connection.poll(now)
        self.gate.timers(now)
        self.queries.expire(now)
        self.queries.pump(now)
        self.returns.journal.flush(now)
        self.recovery.poll(now)
        self._order_timers(now)
        if self._idle.over(self._busy(), now) and not self.gate.ended:
            self.gate.quit(now)
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
            self._publish(event, now)
        elif not self.gate.on_reply(event, now):
            self._on_reply(event, now)

    def _on_disconnected(self, reason: int) -> None:
        self.gate.disconnected(reason)
        self._front_lost()
        self.returns.notice("OnFrontDisconnected", reason)

    def _front_lost(self) -> None:
        self.recovery.stop()
        self.queries.front_lost()
        if self._book is not None:
            self._book.disconnected()
        self.unresolved.lost(time.monotonic())

    def _busy(self) -> bool:
        """Whether the session at the counter is needed."""
        waits = self.gate.wanted or not self.gate.proven
        doubt = self._book is not None and bool(self._book.unresolved())
        killed = self._book is not None and self.limits.cancels_all and bool(self._book.live())
        return bool(self.handles) or waits or doubt or killed or self.disconnects.pending

    def _order_timers(self, now: float) -> None:
        book = self._book
        if book is None:
            return
        self.actions.timers()
        for event in book.due(now):
            self.returns.publish(event)
        book.flush(now)
        if self.gate.state is State.READY:
            self.unresolved.poll(now)
            everything = self.limits.cancels_all
            self.disconnects.poll(book, now, self.actions.end, everything)

    def _publish(self, event: Event, now: float) -> None:
        """A return as the counter gave it."""
        events = [event] if self._book is None else self._book.returned(event, now)
        for shown in events:
            self.limits.returned(shown)
            self.returns.publish(shown)

    def _shown(self, event: Event) -> Event:
        """A row of a query with the identities of clients. If it tells what became of an order that
        was in doubt, it is a return as well: the one that did not come."""
        if event is self._last_shown[0]:  # for several who have asked the same
            return self._last_shown[1]
        book = self.book
        before = book.doubts
        shown = book.reply(event)
        self._last_shown = event, shown
        if book.doubts < before:
            name = event.name.replace("OnRspQry", "OnRtn")
            if name in self._catalogue.td.callbacks:
                self._publish(event._replace(name=name, request_id=0), time.monotonic())
        return shown

    def _on_row(self, peer: bytes, call: Call, event: Event, last: bool) -> None:
        self.replies.event(peer, call, self._shown(event), last)

    def _on_failed(self, peer: bytes, call: Call, error: Refused) -> None:
        self.replies.refuse(peer, call, error)

    def _on_reply(self, event: Event, now: float) -> None:
        if self.queries.on_reply(event, now):
            return
        if self._book is not None:
            event = self._book.reply(event)
        call = self.actions.on_reply(event)
        if call is None and event.name == "OnRspError":
            self.returns.publish(event)
        if event.name == "OnRspSettlementInfoConfirm" and not error_id(self._catalogue, event):
            self.settlement.confirm()
        changed = event.name == "OnRspUserPasswordUpdate"
        if call is not None and changed and not error_id(self._catalogue, event):
            codec = self._catalogue.codec("UserPasswordUpdate")
            if codec.get(call.body, "UserID") == self.user:
                new = Secret(str(codec.get(call.body, "NewPassword")))
                for session in self._siblings.values():
                    session.gate.new_password(new)

    def _fits(self, login: Event) -> bool:
        """Whether this API object is for the trading day that the login tells; if not, another one
        follows, and until then there is no connection."""
        fits = self.connection.fits(self._day(login))
        if not fits:
            self._front_lost()
            self.returns.notice("OnFrontDisconnected", 0)
        return fits

    @property
    def book(self) -> Book:
        """Of the trading day. Whoever has a handle has come after a login that told the day."""
        assert self._book is not None
        return self._book

    def _on_login(self, login: Event) -> None:
        """The replay begins right behind the answer to the login, so the day is known before it."""
        now = time.monotonic()
        day = self._day(login)
        self.returns.new_day(day)
        if day:
            self.queries.new_day(day)
        self._open_book(day, now)
        if login.field is not None:
            values = self._catalogue.codec("RspUserLogin").unpack(login.field)
            front, session = values["FrontID"], values["SessionID"]
            assert isinstance(front, int)
            assert isinstance(session, int)
            self.book.login(front, session, str(values["MaxOrderRef"]))
        self.recovery.listen(now)

    def _open_book(self, day: str, now: float) -> None:
        same = self._book is not None and day in ("", self._book.day)
        if same and not (day and self.actions.problem):  # else its file may have become usable
            return
        self._close_book()
        keep_days = self._config.keep_days
        self._book, problem = open_book(
            self._catalogue, self.folder / "orders", day, keep_days, self.slot, self._elsewhere
        )
        self.actions.opened(self._book, problem)
        self.limits.new_day(day)
        self.limits.recovered(self._book.live())
        self.unresolved.opened(self._book, now)
        self.disconnects.begin(day)

    def _close_book(self) -> None:
        if self._book is not None:
            self._book.close()
            self._elsewhere.closed(self.folder / "orders")

    def _day(self, login: Event) -> str:
        """Its TradingDay, "" when it does not tell."""
        codec = self._catalogue.codec("RspUserLogin")
        return "" if login.field is None else str(codec.get(login.field, "TradingDay"))

    def _on_recovering(self) -> None:
        # The front's own word on the pace counts; it is in the API since 6.7.7.
        per_s = self._config.queries_per_s or float(self.connection.query_freq()) or 1.0
        self.queries.pace(per_s)
        if self.settlement.policy != "never":
            self.queries.spent(time.monotonic())  # the confirm, which counts like a query
        self.recovery.start(time.monotonic())

    def _ask(self, method: str, investor: str, on_row: OnRow, on_failed: OnFailed) -> None:
        """A query of our own of all that an investor has."""
        struct = self._catalogue.td.requests[method].struct
        values = {"BrokerID": self._config.broker_id, "InvestorID": investor}
        body = self._catalogue.codec(struct).pack(values)
        query_s = self._config.query_s
        self.queries.ask(method, body, on_row, on_failed, time.monotonic(), query_s)

    def _on_logout(self) -> None:
        """Of us. Behind it nothing is answered; the connection may yet stand for a while."""
        self.recovery.stop()
        self.queries.front_lost()
        if self._book is not None:
            self._book.disconnected()
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
        session_id = self.book.new_session()
        self.handles[handle] = attempt.peer
        self._registry[handle], self._clients[handle] = self, session_id
        if attempt.name:
            self.askers[handle] = attempt.name
        self.returns.notice("Mark")
        body = SessionBody(
            handle, self._config.broker_id, self.user, self._epoch, self.returns.topic
        )
        self.replies.own(attempt.peer, attempt.call, "Session", body, last=False)
        self.replies.event(attempt.peer, attempt.call, self._as_own(login, session_id), last=True)

    def _as_own(self, login: Event, session_id: int) -> Event:
        """The counter's login as that of a session in which nothing was ordered yet."""
        if login.field is None:
            return login
        values: dict[str, Value] = {"SessionID": session_id, "MaxOrderRef": "0"}
        field = self._catalogue.codec("RspUserLogin").patch(login.field, values)
        return login._replace(field=field)

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
        self.detach(call.session, clean=True)

    def _no_error(self) -> bytes:
        return self._catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
