"""One socket on /td/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from bus.errors import Refused, request_failed
from bus.frames import Flag, Message, Row, message_type, split_body
from bus.orders import NOT_ON_RECORD, Place
from bus.rpc import refusal
from schemas.errors import NOT_LOGGED_IN

from .admission import Visit
from .envelope import message, placed
from .limits import Share
from .names import Kind
from .notices import gap
from .outbox import Outbox, Peer
from .outcomes import OUTCOME, SENT, Outcomes
from .pushes import Push, family
from .requests import Request
from .resume import Resume
from .returns import SESSION_LOST
from .rights import only_asks
from .session import Services, Session
from .statement import METHOD as STATEMENT
from .statement import Statements
from .td_detach import detach, is_outdated
from .td_login import Account, Login
from .verbs import VERBS

_AUTHENTICATED: Final = message_type("OnRspAuthenticate")
_ERROR: Final = message_type("OnRspError")
# The counter may demand it before it takes a login (errors 131, 140, 141).
_NEW_PASSWORD: Final = "ReqUserPasswordUpdate"
_decode_number: Final = msgspec.msgpack.Decoder(int).decode
# A late cancel does no harm, and its order may live. The answer comes after ``action_s`` all the
# same. Not for ever, because the numbers of a day's orders come again.
_CANCEL_S: Final = 600.0
# A td_worker that does not know the login says so at once.
_ANSWERS_S: Final = 1.0
_LOOK_S: Final = 0.05


class TdSession(Session):
    """Logs in, hands requests to td_worker, and views the returns of its account.

    A login on a logged-in socket binds it to the account now named; while it is under way, and if
    it fails, the socket stays what it was.
    """

    def __init__(
        self, services: Services, visit: Visit, outbox: Outbox, peer: Peer, share: Share
    ) -> None:
        parser, rights = services.td_parser, services.td_rights
        super().__init__(services, visit, outbox, peer, services.td, parser, rights, share)
        self.account: Account | None = None
        self._logins = 0
        self._bound = 0
        self._unfinished: set[Login] = set()
        self._families: set[str] = set()
        self._outcomes = Outcomes(self)
        self._statements = Statements()
        self._resume: Resume | None = None

    def handle(self, request: Request) -> None:
        method = request.method
        if method.kind is Kind.LOGIN:
            self._log_in(request)
            return
        account = self.account
        if account is not None and method.kind is Kind.LOGOUT:
            self._log_out(request, account)
            return
        self._families.add(family(method.name))
        self._call(request, account)

    def needs_login(self, request: Request) -> bool:
        return self.account is None and request.method.name != _NEW_PASSWORD

    @property
    def user(self) -> str:
        return "" if self.account is None else self.account.session.user

    def close(self) -> None:
        super().close()
        for login in list(self._unfinished):
            login.abandon()
        self._leave(clean=False)

    # -- requests ----------------------------------------------------------------------------

    def _call(self, request: Request, account: Account | None) -> None:
        method = request.method
        timeout_s = self._timeout_s(request)
        unknown = "" if only_asks(method) else "; whether it was sent is not known"
        self.calls.start(
            method.name,
            partial(self._on_row, request, account),
            partial(self.fall_silent, request, unknown),
            timeout_s,
            session=b"" if account is None else account.session.handle,
            request_id=request.request_id,
            body=request.body if account is None else self._filled(request, account),
            extras=request.extras,
            deadline_s=self._deadline_s(request, timeout_s),
        )

    def _deadline_s(self, request: Request, timeout_s: float) -> float:
        """Until when td_worker may act on it. What has come too late is told so by td_worker, which
        knows whether it has the order from before."""
        if request.method.cancels:
            return _CANCEL_S
        if request.method.kind is Kind.ACTION:
            return timeout_s - self.services.waited_s()
        return timeout_s

    def _timeout_s(self, request: Request) -> float:
        if request.extras.deadline_ms:
            return request.extras.deadline_ms / 1000
        return self.config.query_s if request.method.kind is Kind.QUERY else self.config.action_s

    def _filled(self, request: Request, account: Account) -> bytes:
        """The request with the account's names where the client left them out."""
        if request.method.kind is Kind.VERB:
            return request.body
        codec = self.services.catalogue.codec(request.method.struct)
        own = {"BrokerID": account.session.broker, "InvestorID": account.session.user}
        own["UserID"] = account.session.user
        names = {field.name for field in codec.layout.fields}
        missing = {
            name: value
            for name, value in own.items()
            if name in names and not codec.get(request.body, name)
        }
        return codec.patch(request.body, missing) if missing else request.body

    def _log_out(self, request: Request, account: Account) -> None:
        """Ends what this socket has; the session at the counter is everybody's."""
        self._leave(clean=True)
        codec = self.services.catalogue.reply_codec("td", request.method.callback)
        payload = codec.json(self._filled(request, account))
        self.reply(request, self.no_error(), last=True, payload=payload)

    def _on_row(self, request: Request, account: Account | None, row: Row) -> None:
        if row.type == SENT and not self._outcomes.wanted(request):
            return
        deliver = partial(self.guard, request, self._deliver, request, account, row)
        if account is None:
            deliver()
        else:
            place = (account.session.epoch, row.after_seq)
            account.returns.in_order(place, partial(self._after_missed, deliver))

    def _deliver(self, request: Request, account: Account | None, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            self._deliver_refusal(request, account, refused)
        elif request.method.kind is Kind.VERB:
            payload = VERBS[request.method.name].payload(row.body)
            self.reply(request, self.no_error(), last=True, payload=payload)
        elif row.type in (SENT, OUTCOME):
            self._outcomes.tell(request, row)
        else:
            self._deliver_callback(request, row)

    def _deliver_refusal(self, request: Request, account: Account | None, refused: Refused) -> None:
        if refused.error_id == NOT_LOGGED_IN and account is not None:
            self.send_away(account)
        if request.method.kind is not Kind.VERB or refused.detail != NOT_ON_RECORD:
            raise refused
        self.reply(request, self.no_error(), last=True, payload=request.method.empty)

    def send_away(self, account: Account) -> None:
        """td_worker does not know this login, so nothing comes of it any more, and who only listens
        would never notice: he connects again, logs in, and asks for his orders. What is under way
        is answered first."""
        self.services.later(0, self._send_away, account, self.services.now() + _ANSWERS_S)

    def _send_away(self, account: Account, until: float) -> None:
        if self.closed or self.account is not account:
            return
        if len(self.calls) and self.services.now() < until:
            self.services.later(_LOOK_S, self._send_away, account, until)
        else:
            self.peer.give_up(1012, "td_worker does not know the login; log in again")

    def _deliver_callback(self, request: Request, row: Row) -> None:
        field, info = self.split(row.flags, row.body)
        last = bool(row.flags & Flag.LAST)
        if row.type == _ERROR:
            self.reply(request, info, last=True, payload=request.method.empty)
        elif row.type == _AUTHENTICATED:
            self._answer_authentication(request, field, info)
        elif request.method.name == STATEMENT and field is not None:
            codec = self.services.catalogue.reply_codec("td", request.method.callback)
            payload = self._statements.payload(request, codec, field, last)
            self.reply(request, info, last=last, payload=payload)
        else:
            self.reply(request, info, last=last, payload=self._payload(request, field))

    def _payload(self, request: Request, field: bytes | None) -> bytes:
        method = request.method
        if field is None:
            return method.empty
        return self.services.catalogue.reply_codec("td", method.callback).json(field)

    def _answer_authentication(
        self, request: Request, field: bytes | None, info: bytes | None
    ) -> None:
        head = self.login_head(request, request.method.callback, info)
        text = message(self.style, head, request.method.key, self._payload(request, field))
        self.outbox.send(text)

    # -- login -------------------------------------------------------------------------------

    def _log_in(self, request: Request) -> None:
        self._logins += 1
        give_back = partial(detach, self.services, clean=True)  # nothing was done with it
        login = Login(self, request, self._logins, self._unfinished, self._arrive, give_back)
        login.start()

    def refuse_login(self, request: Request, info: bytes, detail: str) -> None:
        head = self.login_head(request, request.method.callback, info)
        self.outbox.send(message(self.style, head, request.method.key, detail=detail))

    def _arrive(self, login: Login, account: Account, reply: Row) -> None:
        """A login has succeeded; returns may follow its reply at once. Raises Refused when the
        socket must not be bound to it."""
        if login.number < self._bound:
            detach(self.services, account, clean=True)
            raise request_failed("replaced by a later login of this socket")
        if is_outdated(self.services, account):
            raise request_failed("td_worker was started anew meanwhile; log in again")
        if (account.session.epoch, reply.after_seq) < account.returns.lost_at:
            raise request_failed("the session at the counter has ended meanwhile; log in again")
        self._leave(clean=True)
        self._bound, self.account = login.number, account
        account.returns.viewers[self] = account.session.handle
        request = login.request
        field, info = self.split(reply.flags, reply.body)
        payload = None if field is None else self._payload(request, field)
        head = self.login_head(request, request.method.callback, info)
        text = message(self.style, head, request.method.key, payload)
        after, live = request.extras.resume, Place(*account.returns.place)
        self._send_placed(text, after or live)
        if after is not None and account.own:
            self.on_gap(live)  # the place is of another stream, in which its numbers meant others
        elif after is not None:
            self._resume = Resume(self.services, account.session.handle, after, live, self)
            self._resume.start()

    # -- the account -------------------------------------------------------------------------

    def on_return(self, what: Message) -> None:
        if what.type == SESSION_LOST:
            error_id = _decode_number(what.body)
            self.peer.give_up(1012, f"the counter refuses the login: {error_id}; log in again")
        elif self._resume is not None:
            self._resume.wait(partial(self.show, what))
        else:
            self.show(what)

    def show(self, what: Message) -> None:
        """A return, if it is one that this client gets."""
        push = self.services.td_pushes.get(what.type)
        if push is None:
            return  # a mark
        options = self.visit.options
        if (
            push.always
            or (push.notice and options.wants(push.notice))
            or push.family in self._families
            or "all" in options.notices
        ):
            self._show(push, what)

    def _show(self, push: Push, what: Message) -> None:
        foreign = what.layout != self.services.catalogue.layout_id
        if foreign and not what.flags & Flag.MSGPACK:
            self.on_loss()  # td_worker has another version of the API's structs than this process
        elif self._may_see(push, what):
            renderer = self.services.td_renderer
            self.outbox.send(renderer.text(push, what, self.style, self.visit.options.seq))

    def _may_see(self, push: Push, what: Message) -> bool:
        access = self.visit.access
        if access.everything or what.flags & Flag.MSGPACK or not push.key:
            return True
        field, _ = split_body(what.flags, what.body, self._info.size)
        return self._rights.sees(access, self.user, push.key, field)

    def on_loss(self) -> None:
        # Nothing else would show a client that it lacks a trade.
        self.peer.give_up(1012, "returns were lost; log in again, query orders and trades")

    # -- what was missed ---------------------------------------------------------------------

    def on_gap(self, place: Place) -> None:
        if not self.closed:
            self._send_placed(gap("", None, "lost"), place)

    def on_resumed(self) -> None:
        self._resume = None

    def _after_missed(self, deliver: Callable[[], None]) -> None:
        """A reply, which never overtakes the returns before it."""
        if self._resume is not None:
            self._resume.wait(deliver)
        else:
            deliver()

    def _send_placed(self, text: bytes, place: Place) -> None:
        seq = self.visit.options.seq
        self.outbox.send(placed(text, place.epoch, place.seq) if seq else text)

    def _leave(self, clean: bool) -> None:
        """Give the session handle back, if there is one."""
        account = self.account
        if account is not None:
            detach(self.services, account, clean)
            if self._resume is not None:
                self._resume.give_up()
            self.account = None
            account.returns.viewers.pop(self, None)
