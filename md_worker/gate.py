"""The login: of our session at the front, and of clients at our session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from bus.errors import request_failed
from bus.retry import Pauses, Retry
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.counter import Counter, Event
from schemas.errors import Action, login_action

from .config import MdConfig
from .login import State, after
from .replies import Replies

log = logging.getLogger("md_worker")

LOGIN_ID: Final = 1
LOGOUT_ID: Final = 2
LONGEST_WAIT_S: Final = 60.0
_MOST_WAITING: Final = 10_000


class Gate:
    """Keeps the session logged in. Clients share it: each gets the session's own answer."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: MdConfig,
        counter: Counter,
        replies: Replies,
        on_change: Callable[[], None],
    ) -> None:
        self._catalogue, self._config = catalogue, config
        self._counter, self._replies, self._on_change = counter, replies, on_change
        self.state = State.DOWN
        self.reason: int | None = None  # CTP's disconnect reason, or the error of the login
        self._retry = Retry(config.retry_s)
        self._patience = Pauses(config.step_s)
        self._silent = False  # the last login got no answer
        self._login: Event | None = None
        self._refusal: Event | None = None  # an answer after which no login may be tried again
        self._waiting: list[tuple[bytes, Call, float]] = []

    def connected(self, now: float) -> None:
        if self.state is not State.DOWN:  # it lost the connection without a word
            self.disconnected(0)
        self._enter("OnFrontConnected")
        self._silent = False
        if self._refusal is None:
            self._log_in(now)

    def disconnected(self, reason: int) -> None:
        self.reason = reason
        self._retry.reset()
        self._enter("OnFrontDisconnected")

    def on_event(self, event: Event, now: float) -> bool:
        """Take a callback about the login; whether it was one."""
        if event.name == "OnRspUserLogin" or (
            event.name == "OnRspError" and event.request_id == LOGIN_ID
        ):
            self._on_answer(event, now)
            return True
        if event.name == "OnRspUserLogout":
            self._on_logged_out(now)
            return True
        return event.request_id == LOGOUT_ID

    def attach(self, peer: bytes, call: Call, now: float) -> None:
        """A client logs in: answered now, or when the front has answered. Raises Refused."""
        if self._login is not None and self.state is State.READY:
            self._replies.event(peer, call, self._login, last=True)
        elif self._refusal is not None:
            self._replies.event(peer, call, self._refusal, last=True)
        elif len(self._waiting) >= _MOST_WAITING:
            raise request_failed("too many logins wait for the front")
        else:
            deadline = now + min(call.seconds_left, LONGEST_WAIT_S)
            self._waiting.append((peer, call, deadline))

    def timers(self, now: float) -> None:
        """Repeat what is due and end what has waited for too long."""
        if self._retry.due is not None and self._retry.due <= now:
            self._retry.due = None
            if self.state is State.CONNECTED:
                self._patience.take()  # that was too short
            self._enter("retry")
            self._log_in(now)
        expired = [entry for entry in self._waiting if entry[2] < now]
        if expired:
            self._waiting = [entry for entry in self._waiting if entry[2] >= now]
        for peer, call, _ in expired:
            self._replies.refuse(peer, call, request_failed(f"the front is {self.state.value}"))

    def _log_in(self, now: float) -> None:
        """Ask for the login. A front does not answer the login of a session that it takes for
        logged in, so after one without an answer the session is logged out first."""
        self._retry.unanswered(now + self._patience.next_s)
        if self._silent:
            self._silent = False
            self._send("ReqUserLogout", "UserLogout", LOGOUT_ID)
        else:
            self._silent = self._send("ReqUserLogin", "ReqUserLogin", LOGIN_ID)

    def _send(self, name: str, struct: str, number: int) -> bool:
        values: dict[str, Value] = {
            "BrokerID": self._config.broker_id,
            "UserID": self._config.user_id,
            "Password": self._config.password.reveal(),
        }
        status = self._counter.request(name, self._catalogue.codec(struct).pack(values), number)
        if status != 0:
            log.warning("login step not sent", extra={"fields": {"name": name, "status": status}})
        return status == 0

    def _on_answer(self, event: Event, now: float) -> None:
        error = self._error(event)
        if error or event.name == "OnRspError":
            self._on_refused(event, error, now)
        else:
            self._retry.reset()
            self._patience.reset()
            self._silent, self._refusal = False, None
            self._login, self.reason = event, None
            self._enter("accepted")
            self._answer_all(event)

    def _on_refused(self, event: Event, error: int, now: float) -> None:
        if self.state is not State.CONNECTED or login_action(error) is Action.WAIT:
            return  # of a login that was repeated while the first one was under way
        self.reason, self._silent = error, False
        again = self._retry.refused(error, now)
        self._enter("refused")
        level = logging.WARNING if again else logging.ERROR
        log.log(level, "login refused", extra={"fields": {"error_id": error, "again": again}})
        if not again:
            self._refusal = event
            self._answer_all(event)

    def _on_logged_out(self, now: float) -> None:
        """Usually the front hangs up now; if it does not, the login goes on here."""
        if self.state in (State.READY, State.CONNECTED):
            self._enter("OnRspUserLogout")
            self._silent = False
            self._log_in(now)

    def _answer_all(self, event: Event) -> None:
        waiting, self._waiting = self._waiting, []
        for peer, call, _ in waiting:
            self._replies.event(peer, call, event, last=True)

    def _enter(self, what: str) -> None:
        state = after(self.state, what)
        if state is not self.state:
            self.state = state
            log.info("state", extra={"fields": {"state": state.value, "after": what}})
            self._on_change()

    def _error(self, event: Event) -> int:
        if event.info is None:
            return 0
        return int(self._catalogue.codec("RspInfo").get(event.info, "ErrorID") or 0)
