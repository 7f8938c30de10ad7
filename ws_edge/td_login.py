"""One login on /td/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from bus.errors import Refused, Unavailable, request_failed
from bus.frames import Row, account_topic, message_type
from bus.rpc import SessionBody, refusal

from .envelope import message
from .requests import Request
from .returns import Returns, Watch
from .session import Session

_SESSION: Final = message_type("Session")
_LOGGED_IN: Final = message_type("OnRspUserLogin")
_AUTHENTICATED: Final = message_type("OnRspAuthenticate")
_PROOF_S: Final = 0.1
_decode_session: Final = msgspec.msgpack.Decoder(SessionBody).decode


class Account(NamedTuple):
    """What a login binds a socket to."""

    session: SessionBody
    returns: Returns

    @property
    def own(self) -> bool:
        """Whether the session at the counter, and the stream of its returns, is of this login alone
        and ends with it."""
        return self.returns.topic != account_topic(self.session.broker, self.session.user)


class Login:
    """Asks the worker, and when it agrees waits until the account's topic is proven to arrive here:
    no return may be missed after the reply. Ends in ``arrive``, or in an answer that says why not.
    What it holds at the worker is given back unless it arrives.

    number   which login of the socket it is
    holders  the logins that hold something at the worker, this one while it does
    """

    def __init__(
        self,
        session: Session,
        request: Request,
        number: int,
        holders: set[Login],
        arrive: Callable[[Login, Account, Row], None],
        give_back: Callable[[Account], None],
    ) -> None:
        self.number = number
        self._session, self.request = session, request
        self._holders, self._arrive, self._give_back = holders, arrive, give_back
        self._services = session.services
        self._until = session.services.now() + session.config.login_s
        self._account: Account | None = None
        self._watch: Watch | None = None

    def start(self) -> None:
        self._session.patiently(self.request, self._send, self._until)

    def abandon(self) -> None:
        """The socket is gone, or the login failed late. A call on its way goes on; what it brings
        is given back then."""
        if self._account is not None and self in self._holders:
            self._holders.discard(self)
            self._unwatch(self._account)
            self._give_back(self._account)

    def _send(self) -> None:
        self._session.calls.start(
            self.request.method.name,
            self._on_row,
            self._on_silence,
            max(_PROOF_S, self._until - self._services.now()),
            request_id=self.request.request_id,
            body=self.request.body,
            outlives=True,
        )

    def _on_row(self, row: Row) -> None:
        if row.type == _SESSION:
            session = _decode_session(row.body)
            topic = session.topic or account_topic(session.broker, session.user)
            returns = self._services.accounts(topic)
            self._account = Account(session, returns)
            self._holders.add(self)
        elif self._session.closed:
            self.abandon()
        elif self._account is not None and row.type == _LOGGED_IN:
            self._prove(self._account, row, row.after_seq)
        else:
            self._session.guard(self.request, self._answer_refused, row)

    def _answer_refused(self, row: Row) -> None:
        """The counter said no, at whatever step; only a failed authentication shows which."""
        refused = refusal(row)
        if refused is not None:
            raise refused
        session, method = self._session, self.request.method
        _, info = session.split(row.flags, row.body)
        failed = row.type == _AUTHENTICATED
        callback = "OnRspAuthenticate" if failed else method.callback
        head = session.login_head(self.request, callback, info)
        key = "RspAuthenticate" if failed else method.key
        session.outbox.send(message(session.style, head, key))

    def _prove(self, account: Account, reply: Row, seq: int) -> None:
        """Wait for the topic's message ``seq``; if it does not come, ask for another one."""
        timer = self._services.later(_PROOF_S, self._on_no_proof, account, reply)

        def proven() -> None:
            timer.cancel()
            self._holders.discard(self)
            self._session.guard(self.request, self._arrive, self, account, reply)

        place = (account.session.epoch, max(seq, 1))
        self._watch = account.returns.watch(place, proven)

    def _on_no_proof(self, account: Account, reply: Row) -> None:
        if self not in self._holders:
            return
        self._unwatch(account)
        remaining_s = self._until - self._services.now()
        if remaining_s <= 0:
            self._fail(request_failed("the returns of the account do not arrive"))
            return
        try:
            self._session.calls.start(
                "Mark",
                partial(self._on_mark, account, reply),
                self._on_silence,
                remaining_s,
                session=account.session.handle,
            )
        except Refused as refused:
            self._fail(refused)
        except Unavailable as error:
            self._fail(request_failed(str(error)))

    def _on_mark(self, account: Account, reply: Row, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            self._fail(refused)
        else:
            self._prove(account, reply, row.after_seq)

    def _on_silence(self, why: str) -> None:
        self._fail(request_failed(why))

    def _fail(self, refused: Refused) -> None:
        self.abandon()
        self._session.guard(self.request, self._session.refuse, self.request, refused)

    def _unwatch(self, account: Account) -> None:
        if self._watch is not None:
            account.returns.unwatch(self._watch)
