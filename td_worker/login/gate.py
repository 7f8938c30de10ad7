"""The login: of our session at the counter, and of clients at our session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from bus.errors import Refused, request_failed
from bus.retry import Pauses, Retry
from bus.rpc import Call
from bus.secrets import Secret
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.counter import Event
from schemas.errors import Action, login_action, text_of

from ..config import TdConfig
from ..connection import Requests
from ..numbers import RequestIds, error_id
from ..replies import Replies
from .attempts import Attempt, Attempts, origin_of, same
from .change import Change, WrongOld
from .guard import WRONG_PASSWORD, Guard
from .settlement import Settlement
from .states import ANSWERS, State, after
from .steps import Steps
from .wrongs import Wrongs

log = logging.getLogger("td_worker")

# A front may hang up instead of refusing a login, so a password is not tried at once more often.
_MOST_HANGUPS: Final = 2
# Another session of the account logs in, or a password is being changed: look again after this.
_TURN_S: Final = 0.1
_OWN_AGAIN_S: Final = 2.0  # the guard keeps the configured password back: look again after this
_ANSWER_FIRST_S: Final = 0.2  # a slowed answer comes so long before the deadline of the call


class _Asked(NamedTuple):
    """What a step was asked with. ``plain``: the password alone decides, no captcha or the like."""

    password: Secret | None
    plain: bool


class Gate:
    """Keeps one account logged in and lets clients in by its password.

    The first client's password goes to the front. From the moment that the front has accepted one,
    others are compared with it and never reach the front, so no client can lock the account. A
    refusal for good makes the worker forget the password: it never repeats such a login by itself.

    With a password of the configuration (``keep``) it logs in as if a client with it were always
    there, and lets in those who may come without one.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        config: TdConfig,
        user: str,
        counter: Requests,
        replies: Replies,
        ids: RequestIds,
        guard: Guard,
        wrongs: Wrongs,
        settlement: Settlement,
        *,
        fits: Callable[[Event], bool],
        on_login: Callable[[Event], None],
        on_recovering: Callable[[], None],
        on_ready: Callable[[], None],
        admit: Callable[[Attempt, Event], None],
        on_lost: Callable[[int], None],
        on_logout: Callable[[], None],
    ) -> None:
        self._catalogue, self._config, self._user = catalogue, config, user
        self._counter, self._replies, self._ids = counter, replies, ids
        self._guard, self._wrongs, self._settlement = guard, wrongs, settlement
        self._change = Change(catalogue, config, user, counter, replies, ids)
        self._fits = fits
        self._on_login, self._on_recovering, self._on_ready = on_login, on_recovering, on_ready
        self._admit, self._on_lost, self._on_logout = admit, on_lost, on_logout
        self.state = State.DOWN
        self.reason: int | None = None  # CTP's disconnect reason, or the error of the login
        self.authentication: Event | None = None
        self.proven = False  # the front has accepted a login of this account
        self.ended = False  # we have left it, and nobody has come since
        self._retry = Retry(config.retry_s)
        self._patience = Pauses(config.step_s)
        self._attempts = Attempts()
        self._guests = Attempts()  # who need no password
        self._own: Secret | None = None  # the configuration's
        self._own_refused = 0  # by this error, for good
        self._steps = Steps(catalogue, config, user)
        self._trying: Attempt | None = None  # the client with whose login the front is asked
        self._tried: Secret | None = None  # the password of the login that is under way
        self._password: Secret | None = None  # what the front accepted
        self._login: Event | None = None
        # nRequestIDs of the present step, which may have been repeated, and the password then. An
        # answer counts for the password that was sent, not for the one that is tried now.
        self._asked: dict[int, _Asked] = {}
        self._silent = False  # a login got no answer
        self._hangups = 0

    @property
    def unused(self) -> bool:
        """Nobody tries to log in and the front accepts nobody."""
        known = self._password is not None or self._own is not None
        return not (self._attempts or known or self._change.possible)

    @property
    def wanted(self) -> bool:
        """A client waits to be let in, or one is always there."""
        return bool(self._attempts) or self._own is not None

    @property
    def may_change_password(self) -> bool:
        """The front lets nobody in until the password is changed."""
        return self._change.possible

    def keep(self, password: Secret, now: float) -> None:
        """From now on the account is to be logged in."""
        self._own = password
        self._go_on(now)

    def attach_trusted(self, attempt: Attempt, now: float) -> None:
        """A client who needs no password; answered now, or when the session is ready, or as soon
        as it recovers when he is early. Raises Refused."""
        early = attempt.early and self.state is State.RECOVERING
        if early or self.state is State.READY:
            assert self._login is not None
            self._admit(attempt, self._login)
        elif self._own_refused and self._password is None:
            raise Refused(
                self._own_refused,
                text_of(self._own_refused),
                "the login with the configured password was refused and is not repeated",
            )
        else:
            self._guests.add(attempt)
            self._go_on(now)

    def attach(self, attempt: Attempt, now: float) -> None:
        """A client logs in; answered now, or when the front has answered. Raises Refused."""
        self.ended = False
        if self._password is not None and not same(attempt.password, self._password):
            self._refuse(attempt, now)
        elif self.state is State.READY:
            self._answer(attempt, now)
        else:
            self._attempts.add(attempt)
            self._go_on(now)

    def change_password(self, peer: bytes, call: Call, now: float) -> None:
        """From a client whom the front does not let in until he has changed it: sent over the same
        connection. Raises Refused, -401 unless it begins with the password of that login."""
        try:
            self._change.accept(peer, call, now)
        except WrongOld as wrong:
            give = partial(self._replies.refuse, peer, call, wrong.refusal)
            key, deadline = (self._user, origin_of(peer, call)), now + call.seconds_left
            self._wrongs.wrong(key, give, now, deadline - _ANSWER_FIRST_S)

    def new_password(self, password: Secret) -> None:
        """The counter changed it; the login after the next reconnect needs it."""
        if self._password is not None:
            self._password = password
            self._guard.accepted(password)
        if self._own is not None:
            self._own, self._own_refused = password, 0

    def renew(self, now: float) -> None:
        """Log out, whereupon the front hangs up, and in again. Nothing is sent meanwhile: an order
        behind our own logout would be lost."""
        self._enter("renew")
        self._log_out(now)

    def quit(self, now: float) -> None:
        """Nobody needs the session: log out, and forget the password."""
        self.ended, self._password, self._retry.due = True, None, None
        if self.state in (State.READY, State.RECOVERING):
            self.renew(now)
        else:
            self._start_over()

    def stop(self) -> None:
        """The session ends."""
        self._guard.end(self)

    def timers(self, now: float) -> None:
        """End what has waited for too long and repeat what is due."""
        for attempt in (*self._attempts.expired(now), *self._guests.expired(now)):
            error = request_failed(f"no login in time: the trading front is {self.state.value}")
            self._replies.refuse(attempt.peer, attempt.call, error)
        self._change.timers(now)
        if self._retry.due is not None and self._retry.due <= now:
            self._retry.due = None
            self._on_due(now)

    def recovered(self, now: float) -> None:
        """What became of the orders is known: whoever waits gets in. Nothing unless recovering, for
        the front may have gone meanwhile."""
        if self.state is State.RECOVERING:
            self._enter("recovered")
            self._ready(now)

    def connected(self, now: float) -> None:
        self._enter("OnFrontConnected")
        if self._hangups >= _MOST_HANGUPS:
            self._retry.unanswered(now + self._patience.take())
        else:
            self._step(now)

    def not_started(self, why: str) -> None:
        """There is no API object; a login that comes later may have more luck."""
        for attempt in (*self._attempts.all(), *self._guests.all()):
            self._replies.refuse(attempt.peer, attempt.call, request_failed(why))

    def disconnected(self, reason: int) -> None:
        self.reason = reason
        if self.state is State.AUTHENTICATED and self._asked and self._tried is not None:
            self._hangups += 1
            if self._password is None:
                self._guard.refused(None, WRONG_PASSWORD, time.time())
            if self._hangups >= _MOST_HANGUPS:
                error = request_failed("the trading front hangs up when asked for the login")
                for attempt in self._attempts.of(self._tried):
                    self._replies.refuse(attempt.peer, attempt.call, error)
        self._retry.due = None
        self._change.end("the trading front disconnected")
        self._enter("OnFrontDisconnected")
        self._start_over()

    def on_reply(self, event: Event, now: float) -> bool:
        """Take a callback about the login; whether it was one."""
        if event.name == "OnRspUserLogout":
            self._on_logged_out(event, now)
            return True
        if self._change.on_reply(event):
            return True
        if event.request_id not in self._asked or self.state not in ANSWERS:
            return False
        error = error_id(self._catalogue, event)
        if error or event.name == "OnRspError":
            self._on_refused(event, error, now)
        elif event.name in ANSWERS[self.state]:
            self._on_accepted(event, now)
        return True

    # -- the steps ---------------------------------------------------------------------------

    def _enter(self, what: str) -> None:
        state = after(self.state, what)
        if state is not self.state:
            self.state = state
            self._asked.clear()
            fields = {"user": self._user, "state": state.value, "after": what}
            log.info("state", extra={"fields": fields})

    def _start_over(self) -> None:
        """The next login may be another client's."""
        self._trying = self._tried = None
        self._silent = False
        self._guard.end(self)

    def _go_on(self, now: float) -> None:
        """Somebody wants to be logged in; nothing when something is under way."""
        if self._retry.due is None and self.state is State.REFUSED:
            self._enter("again")
        if self._retry.due is None:
            self._step(now)

    def _step(self, now: float) -> None:
        """Do what the state asks for, if there is a password to do it with."""
        if self.state is State.LOGGED_IN and self._settlement.policy == "never":
            self._enter("OnRspSettlementInfoConfirm")
            self._recover()
        if self.state not in ANSWERS or not self._choose(now):
            return
        if self.state is State.CONNECTED and not self._config.app_id:
            self._enter("OnRspAuthenticate")
        self._silent = self.state is State.AUTHENTICATED
        self._ask(*self._steps.request(self.state, self._trying, self._tried), now)

    def _choose(self, now: float) -> bool:
        """The password that the front accepted, else that of the client who has waited longest. It
        stays the same through the steps of one login."""
        known = self._password is not None or self._has_own
        if self._tried is None and (self._attempts or known):
            if self._change.under_way or not self._guard.begin(self, now):
                self._retry.unanswered(now + _TURN_S)
                return False
            self._take(now)
            if self._tried is None:
                self._guard.end(self)
        return self._tried is not None

    def _take(self, now: float) -> None:
        if self._password is not None:
            if wait_s := self._guard.wait_s(time.time()):
                self._retry.unanswered(now + wait_s)
                return
            if not self._guard.has_refused(self._password):
                self._tried = self._password
                return
            # Another session of the account has been told so, and one more is one more in a row.
            self.reason, self._password = WRONG_PASSWORD, None
            self._on_lost(WRONG_PASSWORD)
        if self._has_own:
            self._take_own(now)
        while self._tried is None and self._attempts:
            self._try(self._attempts.first, now)

    @property
    def _has_own(self) -> bool:
        return self._own is not None and not self._own_refused

    def _take_own(self, now: float) -> None:
        assert self._own is not None
        objection = self._guard.objection(self._own, time.time())
        if objection is None:
            self._tried = self._own
        elif objection.error_id == WRONG_PASSWORD:
            self._own_ends(WRONG_PASSWORD)
            for guest in self._guests.all():
                self._replies.refuse(guest.peer, guest.call, objection)
        else:
            self._retry.unanswered(now + _OWN_AGAIN_S)

    def _own_ends(self, error: int) -> None:
        """Somebody has to look after it: only a client's login, or another configuration, helps."""
        self._own_refused = self.reason = error
        fields = {"user": self._user, "error_id": error}
        log.critical("the configured password is refused, no more logins", extra={"fields": fields})

    def _try(self, attempt: Attempt, now: float) -> None:
        """Take his password, or turn him away with all who have the same."""
        objection = self._guard.objection(attempt.password, time.time())
        if objection is None:
            self._trying, self._tried = attempt, attempt.password
            return
        for other in self._attempts.of(attempt.password):
            if objection.error_id == WRONG_PASSWORD:
                self._refuse(other, now)
            else:
                give = partial(self._replies.refuse, other.peer, other.call, objection)
                self._slow(other, now, give)

    def _ask(self, name: str, raw: bytes, now: float) -> None:
        self._retry.unanswered(now + self._patience.next_s)
        number = self._ids.next()
        self._asked[number] = _Asked(self._tried, name == "ReqUserLogin")
        if self.state is State.AUTHENTICATED:
            self._change.end("another login has begun")
        status = self._counter.request(name, raw, number)
        if status != 0:
            fields = {"user": self._user, "request": name, "status": status}
            log.warning("login step not sent", extra={"fields": fields})

    def _on_due(self, now: float) -> None:
        """A pause is over, or a step got no answer."""
        if self.state is State.REFUSED:
            self._enter("again")
        elif self._asked:
            self._patience.take()  # that was too short
        if self._trying is not None and self._trying not in self._attempts:
            self._trying = self._tried = None  # he has given up
        if self._silent or self.state is State.LEAVING:
            # A front does not answer the login of a session that it takes for logged in.
            self._silent = False
            self._log_out(now)
        else:
            self._step(now)

    def _log_out(self, now: float) -> None:
        self._ask(*self._steps.logout(), now)

    def _on_logged_out(self, event: Event, now: float) -> None:
        """Usually the front hangs up now; if it does not, the login goes on here."""
        error = error_id(self._catalogue, event)
        if error and event.request_id not in self._asked:
            return
        self._retry.due = None
        self._enter("OnRspUserLogout")
        self._on_logout()
        self._start_over()
        self._step(now)

    def _on_accepted(self, event: Event, now: float) -> None:
        self._retry.due = None
        if event.name == "OnRspAuthenticate":
            self.authentication = event
        elif event.name == "OnRspUserLogin":
            self._login, self._password = event, self._asked[event.request_id].password
            assert self._password is not None
            self._guard.accepted(self._password)
            self._silent, self._hangups, self.proven = False, 0, True
            if self._own is not None and same(self._own, self._password):
                self._own_refused = 0
            if not self._fits(event):
                self._enter("OnFrontDisconnected")
                self._start_over()
                return
            self._settlement.logged_in(event)
            self._on_login(event)
        elif event.name == "OnRspQrySettlementInfoConfirm":
            self._settlement.row(event)
            if not event.last:
                return
        self._enter(event.name)
        if self.state is State.RECOVERING:
            self._recover()
        else:
            self._step(now)

    def _recover(self) -> None:
        self._start_over()
        self._on_recovering()
        assert self._login is not None
        for guest in self._guests.early():
            self._admit(guest, self._login)

    def _on_refused(self, event: Event, error: int, now: float) -> None:
        """The counter says no; whoever asked with this password hears it as it is."""
        action = login_action(error)
        if action is Action.WAIT:
            return  # of a repetition, while the first is under way
        confirming = self.state is State.LOGGED_IN
        if confirming and self._retry.refused(error, now):
            self.reason = error
            return  # the login stands; the same step again after a pause
        tried, plain = self._asked[event.request_id]
        at_login = self.state is State.AUTHENTICATED
        if not confirming:
            self._guard.refused(tried if at_login and plain else None, error, time.time())
        self._start_over()
        self.reason, self._hangups = error, 0
        self._enter("refused")
        own = tried is not None and tried is self._own
        again = (self._password is not None or own) and self._retry.refused(error, now)
        told = self._attempts.of(tried) if tried is not None else []
        for attempt in told:
            if at_login and error == WRONG_PASSWORD:
                self._refuse(attempt, now, event)
            else:
                self._replies.event(attempt.peer, attempt.call, event, last=True)
        fields = {"user": self._user, "error_id": error, "again": again}
        level = logging.WARNING if told or again else logging.ERROR
        log.log(level, "login refused", extra={"fields": fields})
        if at_login and action is Action.PASSWORD and tried is not None:
            self._guard.accepted(tried)
            self._change.allow(tried, now)
        if own and not again:
            self._own_ends(error)
            for guest in self._guests.all():
                self._replies.event(guest.peer, guest.call, event, last=True)
        if not again:
            self._on_lost(error)
            self._give_up(confirming, now)

    def _give_up(self, logged_in: bool, now: float) -> None:
        """No more of this password; whoever brings another one is next."""
        self._password = None
        self._retry.due = None
        if logged_in:
            self._log_out(now)
        elif self._attempts or self._has_own:
            self._go_on(now)

    # -- clients -----------------------------------------------------------------------------

    def _ready(self, now: float) -> None:
        self._retry.reset()
        self._patience.reset()
        self.reason = None
        self._on_ready()
        for attempt in self._attempts.all():
            self._answer(attempt, now)
        assert self._login is not None
        for guest in self._guests.all():
            self._admit(guest, self._login)

    def _answer(self, attempt: Attempt, now: float) -> None:
        """Answer a client from the standing session."""
        assert self._login is not None
        assert self._password is not None
        if same(attempt.password, self._password):
            self._wrongs.right((self._user, attempt.origin))
            self._admit(attempt, self._login)
        else:
            self._refuse(attempt, now)

    def _refuse(self, attempt: Attempt, now: float, event: Event | None = None) -> None:
        """A wrong password, by the front's word or ours: the answer takes its time."""
        refusal = event or self._wrong_password()
        give = partial(self._replies.event, attempt.peer, attempt.call, refusal, last=True)
        self._slow(attempt, now, give)

    def _slow(self, attempt: Attempt, now: float, give: Callable[[], None]) -> None:
        """Nothing more is heard of his origin meanwhile: each guess may cost a slow hash."""
        deadline = attempt.deadline - _ANSWER_FIRST_S
        self._wrongs.wrong((self._user, attempt.origin), give, now, deadline)

    def _wrong_password(self) -> Event:
        """As the counter would say it, without asking it."""
        error: dict[str, Value] = {"ErrorID": WRONG_PASSWORD, "ErrorMsg": text_of(WRONG_PASSWORD)}
        info = self._catalogue.codec("RspInfo").pack(error)
        return Event("OnRspUserLogin", None, info, 0, True, 0, 0)
