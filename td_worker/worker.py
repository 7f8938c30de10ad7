"""The process: sessions at the counter on one side, the bus on the other.

The API's threads copy each callback into the inbox; the main thread does everything else, so
returns are published and replies sent in the order of the callbacks.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from bus.beats import Beats
from bus.bodies import Bodies
from bus.config import Loaded
from bus.endpoints import resolve
from bus.epoch import next_epoch
from bus.errors import Refused, bad_parameters, refused, request_failed
from bus.frames import Flag, Row, message_type, state_topic
from bus.lock import hold
from bus.orders import After, Attach, Detached
from bus.process import announce, leave
from bus.publisher import Publisher
from bus.roles import HEARS_ALL
from bus.rpc import Call, Router
from bus.secrets import Secret
from bus.security import keys_of
from bus.wake import Inbox
from schemas import catalogue as catalogues
from schemas.counter import Event, module
from schemas.errors import INTERNAL_ERROR, NOT_IMPLEMENTED, NOT_LOGGED_IN

from .accounts import Account, Accounts
from .config import TdConfig
from .connection import NotStarted, Stopped
from .lifecycle import Lifecycle
from .limits.desk import Limits
from .login.attempts import Attempt, origin_of
from .login.states import State
from .presence import Presence
from .queries.day_cache import DayCache
from .queries.delivery import Deliveries
from .returns.replays import Replays
from .session import Session
from .stats import Stats
from .verbs import NAMES as VERBS

log = logging.getLogger("td_worker")

_NEW_ORDER: Final = "ReqOrderInsert"
_POLL_MS: Final = 50
_STATE_S: Final = 1.0
# Calls taken before callbacks and timers get their turn again: one caller may not take it all.
_CALLS_AT_ONCE: Final = 256
# And callbacks before calls get theirs, or as long as the last calls took if that was longer: an
# answer of 20,000 rows must not keep an order waiting, nor a flood of orders their returns.
_CALLBACKS_S: Final = 0.003


class TdWorker:
    def __init__(self, loaded: Loaded[TdConfig]) -> None:
        os.umask(0o077)  # what SQLite and the API write of accounts is nobody else's business
        self.config = loaded.own
        self._own = {account.user: account.secret() for account in loaded.own.accounts}
        self.folder = loaded.common.folder("td_worker")
        self._lock = hold(self.folder / "lock")
        accounts = Path(self.config.accounts_folder or self.folder / "accounts").absolute()
        # Before anything else: of those that the configuration names it must have every one.
        self.accounts = Accounts(self.config, accounts, self._make_session)
        self.catalogue = catalogues.load(loaded.common.binding)
        # Now, because it takes 0.2 s and the first login should not wait for it.
        module(self.config.fronts[0], "td", loaded.common.binding)
        self.addresses = resolve(loaded.common.bus, loaded.common.data)
        self.keys = keys_of(loaded.common.keys, "td_worker")
        self.context: zmq.Context[Any] = zmq.Context()
        self.poller = zmq.Poller()
        self.limits = Limits(
            self.catalogue,
            self.config.limits_file,
            self.context,
            self.addresses,
            self.poller,
            self.keys,
        )
        layout_id = self.catalogue.layout_id
        # Where the journals are: a place names one message among all workers that write there.
        accounts.mkdir(mode=0o700, parents=True, exist_ok=True)
        epoch = next_epoch(accounts)
        self.publisher = Publisher(
            self.context,
            self.addresses.td_pub,
            epoch,
            layout_id,
            keys=self.keys,
            high_water=self.addresses.high_water,
        )
        self.router = Router(self.context, self.addresses.td_rpc, layout_id, self.keys)
        self.inbox: Inbox[tuple[Session, int, Event | NotStarted | Stopped] | None] = Inbox()
        # Taken out of the inbox, in the same order.
        self._callbacks: deque[tuple[Session, int, Event | NotStarted | Stopped] | None] = deque()
        self._calls_took_s = 0.0
        self.bodies = Bodies(self.catalogue)
        self.lifecycle = Lifecycle()
        self.replays = Replays(self.router, layout_id)
        self.cache = DayCache(self.config.cache_mb << 20)
        self.deliveries = Deliveries()
        self.stats = Stats(
            self.config.broker_id, self.publisher, self.router, self.cache, self.deliveries
        )
        self.presence = Presence(self.router, self.config.gone_s)
        self.beats = Beats(
            self.publisher, lambda: [s.returns.topic for s in self.accounts.sessions()]
        )
        self.handles: dict[bytes, Session] = {}
        self.next_state = 0.0
        self.running = True

    def run(self) -> None:
        """Work until SIGTERM, which ends the process here."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.inbox.put(None))
        try:
            self._work()
        except Exception:
            log.critical("td_worker failed", exc_info=True)
            leave(1)
        for session in self.accounts.sessions():
            session.close()
        leave(0)

    def _work(self) -> None:
        announce({"pub": self.addresses.td_pub, "rpc": self.addresses.td_rpc})
        for user, password in self._own.items():
            self.accounts.keep(user).gate.keep(password, time.monotonic())
        for source in (self.router.socket, self.publisher.fd, self.inbox.fd):
            self.poller.register(source, zmq.POLLIN)
        while self.running:
            self.poller.poll(self._patience_ms(time.monotonic()))
            self._step(time.monotonic())

    def _step(self, now: float) -> None:
        self._take_callbacks(now)
        self.publisher.subscriptions()  # nothing follows from them here, but they pile up
        self._take_calls(now)
        self.replays.pump(now)
        self.deliveries.step(now)
        self._timers(now)

    def _take_callbacks(self, now: float) -> None:
        self._callbacks += self.inbox.take()
        end = time.monotonic() + max(_CALLBACKS_S, self._calls_took_s)
        while self._callbacks and time.monotonic() < end:
            item = self._callbacks.popleft()
            if item is None:
                self.running = False
            else:
                self._on_event(*item, now)

    def _take_calls(self, now: float) -> None:
        began = time.monotonic()
        for _ in range(_CALLS_AT_ONCE):
            received = self.router.receive()
            if received is None:
                break
            taken_ns = time.monotonic_ns()
            self._on_call(*received, now)
            if received[1].method == _NEW_ORDER:
                self.stats.orders[(time.monotonic_ns() - taken_ns).bit_length()] += 1
        self._calls_took_s = time.monotonic() - began

    def _patience_ms(self, now: float) -> int:
        """Until the next query may be sent or the next rows be handed out, 50 ms at the most, and
        not at all while something is left to do."""
        if self._callbacks:
            return 0
        dues = [due for session in self.accounts.sessions() if (due := session.queries.due())]
        dues += [due for due in (self.replays.due(), self.deliveries.due()) if due]
        return min([_POLL_MS, *(max(0, int((due - now) * 1000) + 1) for due in dues)])

    def _on_event(
        self, session: Session, generation: int, event: Event | NotStarted | Stopped, now: float
    ) -> None:
        if isinstance(event, Stopped):
            self.accounts.stopped(session)
            return
        if not self.accounts.knows(session) or session.connection.generation != generation:
            return  # released meanwhile, or of an API object that was ended
        before = session.gate.state
        try:
            if isinstance(event, NotStarted):
                session.not_started(event.text, now)
            else:
                session.on_event(event, now)
        except Exception:
            fields = {"user": session.user, "callback": type(event).__name__}
            if isinstance(event, Event):
                fields["callback"] = event.name
            log.exception("a callback was not handled", extra={"fields": fields})
        if session.gate.state is not before:
            self._tell_state()

    # -- the bus -----------------------------------------------------------------------------

    def _on_call(self, peer: bytes, call: Call, now: float) -> None:
        try:
            if call.seconds_left < 0 and not self._is_again(call):
                raise request_failed("expired before the worker saw it; nothing was sent")
            self._dispatch(peer, call, now)
        except Refused as refusal:
            self.router.refuse(peer, call, refusal)
        except Exception:
            log.exception("a call was not handled", extra={"fields": {"method": call.method}})
            self.router.refuse(peer, call, refused(INTERNAL_ERROR, "see td_worker's log"))

    def _is_again(self, call: Call) -> bool:
        """A repetition sends nothing, so it is never too late; to say that nothing was sent would
        make its client order anew."""
        session = self.handles.get(call.session)
        return session is not None and session.actions.is_again(call)

    def _dispatch(self, peer: bytes, call: Call, now: float) -> None:
        if call.method == "State":
            self._reply_state(peer, call)
        elif call.method.startswith("ReqUserLogin"):
            self._log_in(peer, call, now)
        elif call.method == "ReqUserPasswordUpdate" and not call.session:
            self._change_password(peer, call, now)
        elif call.method == "Attach":
            self._attach(peer, call, now)
        elif call.method == "Detach":
            self._detach(peer, call)
        else:
            session = self.handles.get(call.session)
            if session is None and call.method == "Returns" and not call.session:
                session = self._recorded(call)
            if session is None:
                raise refused(NOT_LOGGED_IN, "no such session; log in again")
            if call.method == "Returns":
                self.replays.accept(peer, call, session.returns.journal)
            elif call.method in self.catalogue.td.requests or call.method in VERBS:
                session.call(peer, call, now)
            else:
                raise refused(NOT_IMPLEMENTED, f"td_worker has no {call.method}")

    def _recorded(self, call: Call) -> Session | None:
        """The session whose returns are asked for without a handle: by who may hear all of them
        anyway, this user over ipc and a recorder. None when it is not there, or does not know its
        day yet. Raises Refused."""
        if self.router.role not in HEARS_ALL:
            raise refused(NOT_LOGGED_IN, "log in first")
        try:
            topic = msgspec.msgpack.decode(call.body, type=After).topic
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise bad_parameters(f"Returns: {exc}") from None
        for session in self.accounts.sessions():
            if session.returns.topic == topic and session.returns.journal.begun:
                return session
        return None

    def _log_in(self, peer: bytes, call: Call, now: float) -> None:
        request = self.catalogue.td.requests.get(call.method)
        if request is None:
            raise refused(NOT_IMPLEMENTED, f"td_worker has no {call.method}")
        self.bodies.check(call.method, request.struct, call.body)
        codec = self.catalogue.codec(request.struct)
        user = str(codec.get(call.body, "UserID"))
        if not user or user != user.strip():  # with a blank it would be an account of its own here
            raise bad_parameters(f"{call.method}: UserID is empty, or begins or ends with a blank")
        password = Secret(str(codec.get(call.body, "Password")))
        deadline = now + min(self.config.login_s, call.seconds_left)
        origin = origin_of(peer, call)
        self.accounts.wrongs.check((user, origin), now)
        attempt = Attempt(peer, call, password, deadline, origin)
        self.accounts.session(user).gate.attach(attempt, now)

    def _attach(self, peer: bytes, call: Call, now: float) -> None:
        """A login without the password; bus/roles.py says for whose keys."""
        try:
            wanted = msgspec.msgpack.decode(call.body, type=Attach)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise bad_parameters(f"Attach: {exc}") from None
        if not wanted.name.isprintable():
            raise bad_parameters("Attach: the name has characters that cannot be printed")
        session = self.accounts.find(wanted.user) if wanted.user in self._own else None
        if session is None:
            text = "td_worker's configuration has no password of this account; log in with it"
            raise refused(NOT_LOGGED_IN, text)
        deadline = now + min(self.config.login_s, call.seconds_left)
        origin = origin_of(peer, call)
        attempt = Attempt(peer, call, Secret(""), deadline, origin, wanted.name, wanted.early)
        session.gate.attach_trusted(attempt, now)

    def _change_password(self, peer: bytes, call: Call, now: float) -> None:
        """Without a handle: of an account that the front does not let in before."""
        self.bodies.check(call.method, "UserPasswordUpdate", call.body)
        user = str(self.catalogue.codec("UserPasswordUpdate").get(call.body, "UserID"))
        sessions = [s for s in self.accounts.of(user) if s.gate.may_change_password]
        if not sessions:
            raise refused(NOT_LOGGED_IN, "log in first")
        self.accounts.wrongs.check((user, origin_of(peer, call)), now)
        sessions[-1].gate.change_password(peer, call, now)

    def _make_session(self, account: Account, slot: int) -> Session:
        return Session(
            self.catalogue,
            self.config,
            account,
            slot,
            self.publisher,
            self.router,
            self.inbox,
            self.handles,
            self.lifecycle,
            self.cache,
            self.deliveries,
            self.limits.session(account.user, account.folder),
        )

    def _release(self, session: Session) -> None:
        self.accounts.release(session)
        self.publisher.drop(session.telling.topic)
        if not session.returns.journal.exists:  # a name that somebody made up
            self.publisher.drop(session.returns.topic)

    def _detach(self, peer: bytes, call: Call) -> None:
        try:
            clean = msgspec.msgpack.decode(call.body, type=Detached).clean if call.body else True
        except msgspec.MsgspecError as exc:
            raise bad_parameters(f"Detach: {exc}") from None
        session = self.handles.get(call.session)
        if session is not None:
            session.detach(call.session, clean)
        self._reply_own(peer, call, "Detach", session is not None)

    def _reply_state(self, peer: bytes, call: Call) -> None:
        self._reply_own(peer, call, "State", self._describe())

    def _reply_own(self, peer: bytes, call: Call, name: str, message: object) -> None:
        flags = Flag.MSGPACK | Flag.LOCAL | Flag.LAST
        body = msgspec.msgpack.encode(message)
        layout = self.catalogue.layout_id
        self.router.send(
            peer, Row(call.id, 0, call.request_id, message_type(name), layout, flags, body)
        )

    # -- time --------------------------------------------------------------------------------

    def _timers(self, now: float) -> None:
        for session in self.accounts.sessions():
            session.timers(now)
            if session.disposable(now):
                self._release(session)
        self.beats.step(now)
        self.accounts.wrongs.timers(now)
        self.limits.timers(now)
        self._forget_gone(now)
        if now >= self.next_state:
            self._tell_state()
        self.stats.tell(self.accounts.sessions(), len(self._callbacks), now)

    def _forget_gone(self, now: float) -> None:
        """A client that died did not say Detach."""
        if not self.presence.due(now):
            return
        users = {peer for session in self.accounts.sessions() for peer in session.handles.values()}
        if gone := self.presence.gone(users, now):
            log.info("clients are gone", extra={"fields": {"count": len(gone)}})
            for session in self.accounts.sessions():
                session.forget(gone)

    def _tell_state(self) -> None:
        self.next_state = time.monotonic() + _STATE_S
        self.publisher.tell(state_topic("td_worker"), "State", self._describe())

    def _describe(self) -> dict[str, object]:
        """What the state message says. ``front`` is about all accounts together: "unknown" before
        the first login, because only a login opens a connection."""
        sessions = self.accounts.sessions()
        down = [session for session in sessions if session.gate.state is State.DOWN]
        return {
            "front": "unknown" if not sessions else "disconnected" if down else "connected",
            "logged_in": bool(sessions) and all(s.gate.state is State.READY for s in sessions),
            "reason": next((session.gate.reason for session in down), None),
            "epoch": self.publisher.epoch,
            "rows_dropped": self.router.dropped,
            "connections_refused": self.router.refused,
            "calls_forbidden": self.router.forbidden,
            "wrong_passwords": self.accounts.wrongs.total,
            "malformed_calls": self.router.malformed,
            "limits": self.limits.describe(),
            "accounts": [
                {
                    "broker": self.config.broker_id,
                    "user": session.user,
                    "slot": session.slot,
                    "topic": session.returns.topic,
                    "settlement_confirmed": session.settlement.confirmed,
                    "state": session.gate.state.value,
                    "reason": session.gate.reason,
                    "clients": len(session.handles),
                    "queries_waiting": len(session.queries),
                    "returns": session.returns.seq,
                    "repeated": session.repeated,
                    "limits": session.limits.describe(),
                    "journal_failing": session.returns.journal.failing,
                }
                for session in sessions
            ],
        }
