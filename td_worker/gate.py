"""The login: of our session at the counter, and of clients at our session."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bus.errors import request_failed
from bus.retry import Retry
from bus.rpc import Call
from bus.secrets import Secret
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.counter import Counter, Event
from schemas.errors import text_of

from .config import TdConfig
from .login import ANSWERS, State, after
from .numbers import RequestIds, error_id
from .replies import Replies

log = logging.getLogger("td_worker")

_STEP_S: Final = 5.0  # a step of the login without an answer is repeated after this
_INVALID_LOGIN: Final = 3


@dataclass(slots=True, eq=False)
class Attempt:
    """A client that wants to log in."""

    peer: bytes
    call: Call
    password: Secret
    deadline_ns: int


class Gate:
    """Keeps one account logged in and lets clients in by its password.

    The first client's password goes to the front. While the session stands, others are compared
    with the one that the front accepted and never reach it, so no client can lock the account.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        config: TdConfig,
        user: str,
        counter: Counter,
        replies: Replies,
        ids: RequestIds,
        *,
        on_ready: Callable[[Event], None],
        admit: Callable[[Attempt, Event], None],
    ) -> None:
        self._catalogue, self._config, self._user = catalogue, config, user
        self._counter, self._replies, self._ids = counter, replies, ids
        self._on_ready, self._admit = on_ready, admit
        self.state = State.DOWN
        self.reason: int | None = None  # CTP's disconnect reason, or the error of the login
        self.authentication: Event | None = None
        self._retry = Retry(config.retry_s)
        self._attempts: list[Attempt] = []
        self._trying: Attempt | None = None
        self._password: Secret | None = None  # what the front accepted
        self._login: Event | None = None
        self._step_id = 0

    @property
    def unused(self) -> bool:
        """Nobody tries to log in and nobody ever succeeded."""
        return not self._attempts and self._password is None

    def attach(self, attempt: Attempt, now: float) -> None:
        """A client logs in; it is answered now, or when the front has answered."""
        if self.state is State.READY:
            self._answer(attempt)
            return
        self._attempts.append(attempt)
        if self.state is State.REFUSED and self._retry.due is None:
            self._enter("again", now)
        elif self.state in ANSWERS and self._retry.due is None:
            self._step(now)  # connected, but until now nobody wanted to log in

    def new_password(self, password: Secret) -> None:
        """The counter changed it; the login after the next reconnect needs it."""
        self._password = password

    def timers(self, now: float, now_ns: int) -> None:
        """Repeat what is due and end what has waited for too long."""
        if self._retry.due is not None and self._retry.due <= now:
            self._retry.due = None
            if self.state is State.REFUSED:
                self._enter("again", now)
            else:
                self._step(now)
        for attempt in [a for a in self._attempts if a.deadline_ns < now_ns]:
            self._attempts.remove(attempt)
            error = request_failed(f"no login in time: the trading front is {self.state.value}")
            self._replies.refuse(attempt.peer, attempt.call, error)

    def connected(self, now: float) -> None:
        self._enter("OnFrontConnected", now)

    def disconnected(self, reason: int, now: float) -> None:
        self.reason = reason
        self._retry.reset()
        self._enter("OnFrontDisconnected", now)

    def on_reply(self, event: Event, now: float) -> bool:
        """Take the answer to a step of the login; whether it was one."""
        if event.request_id != self._step_id or self.state not in ANSWERS:
            return False
        error = error_id(self._catalogue, event)
        if error or event.name == "OnRspError":
            self._on_refused(event, error, now)
        elif event.name == ANSWERS[self.state]:
            self._on_accepted(event, now)
        return True

    # -- the steps ---------------------------------------------------------------------------

    def _enter(self, what: str, now: float) -> None:
        state = after(self.state, what)
        if state is self.state:
            return
        self.state = state
        fields = {"user": self._user, "state": state.value, "after": what}
        log.info("state", extra={"fields": fields})
        self._step(now)

    def _step(self, now: float) -> None:
        """Do what the state asks for, if there is a password to do it with."""
        if self.state is State.READY:
            self._ready()
        elif self.state in ANSWERS and self._choose():
            self._retry.unanswered(now + _STEP_S)
            if self.state is State.CONNECTED and not self._config.app_id:
                self._enter("OnRspAuthenticate", now)
            else:
                self._ask()

    def _choose(self) -> bool:
        """Whose password the front is asked with: the first client's that waits, else the accepted
        one. It stays the same through the steps of one login."""
        if self._trying is None and self._attempts:
            self._trying = self._attempts[0]
        return self._trying is not None or self._password is not None

    def _ask(self) -> None:
        name, raw = self._request()
        self._step_id = self._ids.next()
        status = self._counter.request(name, raw, self._step_id)
        if status != 0:
            fields = {"user": self._user, "request": name, "status": status}
            log.warning("login step not sent", extra={"fields": fields})

    def _request(self) -> tuple[str, bytes]:
        codec = self._catalogue.codec
        account: dict[str, Value] = {"BrokerID": self._config.broker_id, "UserID": self._user}
        program: dict[str, Value] = {"UserProductInfo": self._config.user_product_info}
        if self.state is State.CONNECTED:
            code = self._config.auth_code.reveal()
            values = account | program | {"AppID": self._config.app_id, "AuthCode": code}
            return "ReqAuthenticate", codec("ReqAuthenticate").pack(values)
        if self.state is State.LOGGED_IN:
            investor: dict[str, Value] = {
                "BrokerID": self._config.broker_id,
                "InvestorID": self._user,
            }
            return "ReqSettlementInfoConfirm", codec("SettlementInfoConfirm").pack(investor)
        if self._trying is not None and self._trying.call.method != "ReqUserLogin":
            # With a captcha, a text message or a one-time password, which only the client knows.
            name = self._trying.call.method
            struct = self._catalogue.td.requests[name].struct
            return name, codec(struct).patch(self._trying.call.body, account)
        password = self._trying.password if self._trying else self._password
        assert password is not None
        values = account | program | {"Password": password.reveal()}
        return "ReqUserLogin", codec("ReqUserLogin").pack(values)

    def _on_accepted(self, event: Event, now: float) -> None:
        if event.name == "OnRspAuthenticate":
            self.authentication = event
        elif event.name == "OnRspUserLogin":
            self._login = event
            if self._trying is not None:
                self._password = self._trying.password
        self._enter(event.name, now)

    def _on_refused(self, event: Event, error: int, now: float) -> None:
        """The counter says no; whoever asked with this password hears it as it is."""
        tried = self._trying.password if self._trying else self._password
        self._trying, self.reason = None, error
        self._enter("refused", now)
        told = [a for a in self._attempts if tried and _same(a.password, tried)]
        for attempt in told:
            self._attempts.remove(attempt)
            self._replies.event(attempt.peer, attempt.call, event, last=True)
        again = self._password is not None and self._retry.refused(error, now)
        fields = {"user": self._user, "error_id": error, "again": again}
        log.log(
            logging.WARNING if told or again else logging.ERROR,
            "login refused",
            extra={"fields": fields},
        )
        if not again:
            self._retry.reset()
            if self._attempts:
                self._enter("again", now)

    # -- clients -----------------------------------------------------------------------------

    def _ready(self) -> None:
        self._retry.reset()
        self._trying, self.reason = None, None
        assert self._login is not None
        self._on_ready(self._login)
        attempts, self._attempts = self._attempts, []
        for attempt in attempts:
            self._answer(attempt)

    def _answer(self, attempt: Attempt) -> None:
        """Answer a client from the standing session."""
        assert self._login is not None
        assert self._password is not None
        if _same(attempt.password, self._password):
            self._admit(attempt, self._login)
        else:
            error: dict[str, Value] = {
                "ErrorID": _INVALID_LOGIN,
                "ErrorMsg": text_of(_INVALID_LOGIN),
            }
            info = self._catalogue.codec("RspInfo").pack(error)
            refusal = Event("OnRspUserLogin", None, info, 0, True, 0, 0)
            self._replies.event(attempt.peer, attempt.call, refusal)


def _same(one: Secret, other: Secret) -> bool:
    return hmac.compare_digest(one.reveal().encode(), other.reveal().encode())
