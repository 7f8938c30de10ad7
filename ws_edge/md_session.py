"""One socket on /md/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from bus.errors import Refused, Unavailable, request_failed
from bus.frames import Flag, Message, Row, message_type, split_body
from bus.rpc import refusal
from schemas.errors import BAD_REQUEST, LOCAL_TEXTS

from .admission import Visit
from .envelope import message
from .names import Kind
from .outbox import Outbox, Peer
from .pushes import Push
from .requests import Request
from .session import Services, Session, not_logged_in
from .ticks import Board, Instrument

_ERROR: Final = message_type("OnRspError")


class MdSession(Session):
    """Logs in to the shared market data session and has instruments of its own.

    The first socket that wants an instrument makes the edge subscribe it and gets the front's own
    answer; later ones are answered from here. Unsubscribing is always answered from here.
    """

    def __init__(self, services: Services, visit: Visit, outbox: Outbox, peer: Peer) -> None:
        super().__init__(services, visit, outbox, peer, services.md, services.md_parser)
        self.logged_in = False
        self._own: dict[Board, dict[str, Instrument]] = {services.ticks: {}, services.quotes: {}}
        # Asked for and not given up again; some of them still wait for the front's answer.
        self._wanted: dict[Board, set[str]] = {services.ticks: set(), services.quotes: set()}
        self._handlers: dict[Kind, Callable[[Request], None]] = {
            Kind.LOGOUT: self._log_out,
            Kind.QUERY: self._ask,
            Kind.ACTION: self._ask,
            Kind.SUBSCRIBE: self._subscribe,
            Kind.UNSUBSCRIBE: self._unsubscribe,
            Kind.SNAPSHOT: self._snapshot,
        }

    def handle(self, request: Request) -> None:
        if request.method.kind is Kind.LOGIN:
            login_s = self.config.login_s
            send = partial(self._call, request, self._on_login_row, login_s)
            self.patiently(request, send, self.services.now() + login_s)
            return
        if not self.logged_in:
            raise not_logged_in()
        self._handlers[request.method.kind](request)

    def close(self) -> None:
        super().close()
        self._leave_all()

    # -- login, plain requests ---------------------------------------------------------------

    def _call(
        self, request: Request, on_row: Callable[[Request, Row], None], timeout_s: float
    ) -> None:
        self.calls.start(
            request.method.name,
            lambda row: self.guard(request, on_row, request, row),
            partial(
                self.guard, request, self.refuse, request, self.silence("md_worker", timeout_s)
            ),
            timeout_s,
            request_id=request.request_id,
            body=request.body,
        )

    def _on_login_row(self, request: Request, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            raise refused
        field, info = self.split(row.flags, row.body)
        self.logged_in = self.logged_in or row.type != _ERROR
        head = self.login_head(request, request.method.callback, info)
        text = message(self.style, head, request.method.key, self._login_payload(field))
        self.outbox.send(text)

    def _login_payload(self, field: bytes | None) -> bytes:
        """Clients read it without a look at RspInfo, so it is always there."""
        codec = self.services.catalogue.reply_codec("md", "OnRspUserLogin")
        return codec.json(field if field is not None else bytes(codec.size))

    def refuse_login(self, request: Request, info: bytes, detail: str) -> None:
        head = self.login_head(request, request.method.callback, info)
        payload = self._login_payload(None)
        self.outbox.send(message(self.style, head, request.method.key, payload, detail))

    def _log_out(self, request: Request) -> None:
        """Ends what this socket has; the session at the front is everybody's."""
        self.logged_in = False
        self._leave_all()
        codec = self.services.catalogue.reply_codec("md", request.method.callback)
        self.reply(request, self.no_error(), last=True, payload=codec.json(request.body))

    def _ask(self, request: Request) -> None:
        self._call(request, self._on_row, self.config.query_s)

    def _on_row(self, request: Request, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            raise refused
        field, info = self.split(row.flags, row.body)
        method = request.method
        if field is None or row.type == _ERROR:
            payload = method.empty
        else:
            payload = self.services.catalogue.reply_codec("md", method.callback).json(field)
        last = row.type == _ERROR or bool(row.flags & Flag.LAST)
        self.reply(request, info, last=last, payload=payload)

    # -- subscriptions -----------------------------------------------------------------------

    def _board(self, request: Request) -> Board:
        is_quote = request.method.name.endswith("ForQuoteRsp")
        return self.services.quotes if is_quote else self.services.ticks

    def _subscribe(self, request: Request) -> None:
        board = self._board(request)
        names = list(dict.fromkeys(request.instruments))
        self._check_room(board, names)
        claims = {name: board.claim(name) for name in names}
        self._wanted[board].update(names)
        unknown = [name for name in names if not claims[name].answered]
        if not unknown:
            self.answer_subscribe(request, claims)
            return
        asked = _Asked(self, request, claims, unknown)
        timeout_s = self.config.subscribe_s
        try:
            self.calls.start(
                request.method.name,
                asked.on_row,
                partial(asked.fail, self.silence("md_worker", timeout_s)),
                timeout_s,
                request_id=request.request_id,
                body=msgspec.msgpack.encode(unknown),
                outlives=True,  # the claims must be given back
            )
        except Refused as refused:
            asked.fail(refused)
        except Unavailable as error:
            asked.fail(request_failed(str(error)))

    def _check_room(self, board: Board, names: Sequence[str]) -> None:
        count = len(self._wanted[board].union(names))
        if count > self.config.max_subscriptions:
            limit = self.config.max_subscriptions
            detail = f"InstrumentID: more than {limit} subscriptions of one socket"
            raise Refused(BAD_REQUEST, LOCAL_TEXTS[BAD_REQUEST], detail)

    def fail_subscribe(
        self, request: Request, claims: dict[str, Instrument], refused: Refused
    ) -> None:
        """The call failed: those that the edge had anyway are there, the rest is not."""
        board = self._board(request)
        for name, instrument in claims.items():
            if not instrument.answered:
                self._wanted[board].discard(name)
        known = [name for name in request.instruments if claims[name].answered]
        self.guard(request, self._answer_names, request, claims, known, False)
        self.guard(request, self.refuse, request, refused)
        self._settle(board, claims)

    def answer_subscribe(self, request: Request, claims: dict[str, Instrument]) -> None:
        """The front has answered for all of them, now or earlier."""
        self.guard(request, self._answer_names, request, claims, request.instruments, True)
        self._settle(self._board(request), claims)

    def _answer_names(
        self,
        request: Request,
        claims: dict[str, Instrument],
        names: Sequence[str],
        complete: bool,
    ) -> None:
        for index, name in enumerate(names):
            info = claims[name].info
            self.reply(
                request,
                None if info is None else self._info.json(info),
                last=complete and index + 1 == len(names),
                payload=self._specific(name),
            )

    def _settle(self, board: Board, claims: dict[str, Instrument]) -> None:
        """Join the instruments that the front accepted, with the last tick of each."""
        ticks = self.services.ticks
        missing = []
        for name, instrument in claims.items():
            if self._accepted(instrument) and name in self._wanted[board] and not self.closed:
                self._own[board][name] = instrument
                instrument.outboxes[self.outbox] = None
                if board is ticks and instrument.last is None:
                    missing.append(name)
                elif board is ticks:
                    ticks.send_last(instrument, self.outbox)
            else:
                self._wanted[board].discard(name)
            board.unclaim(instrument)
        if missing:
            self._fetch_last(missing)

    def _accepted(self, instrument: Instrument) -> bool:
        if not instrument.answered:
            return False
        return instrument.info is None or self._info.get(instrument.info, "ErrorID") == 0

    def _fetch_last(self, names: list[str]) -> None:
        """The worker may have a tick from before; the board takes it unless a newer one came."""

        def on_row(row: Row) -> None:
            if row.flags & Flag.HAS_FIELD:
                self.services.ticks.on_message(row.body)

        try:
            self.services.md_background.start(
                "Snapshot",
                on_row,
                lambda: None,
                self.config.subscribe_s,
                body=msgspec.msgpack.encode(names),
            )
        except (Refused, Unavailable):
            return  # md_worker is away; live ticks will come with it

    def _unsubscribe(self, request: Request) -> None:
        board = self._board(request)
        last = len(request.instruments) - 1
        for index, name in enumerate(request.instruments):
            self._wanted[board].discard(name)
            instrument = self._own[board].pop(name, None)
            if instrument is not None:
                board.leave(instrument, self.outbox)
            self.reply(request, self.no_error(), last=index == last, payload=self._specific(name))

    def _leave_all(self) -> None:
        for board, own in self._own.items():
            self._wanted[board].clear()
            for instrument in own.values():
                board.leave(instrument, self.outbox)
            own.clear()

    def split_raw(self, row: Row) -> tuple[bytes | None, bytes | None]:
        """(struct bytes, RspInfo bytes) of a row."""
        return split_body(row.flags, row.body, self._info.size)

    def _specific(self, name: str) -> bytes:
        return msgspec.json.encode({"InstrumentID": name})

    # -- snapshots ---------------------------------------------------------------------------

    def _snapshot(self, request: Request) -> None:
        timeout_s = self.config.subscribe_s
        self.calls.start(
            "Snapshot",
            lambda row: self.guard(request, self._on_snapshot_row, request, row),
            partial(
                self.guard, request, self.refuse, request, self.silence("md_worker", timeout_s)
            ),
            timeout_s,
            request_id=request.request_id,
            body=msgspec.msgpack.encode(request.instruments),
        )

    def _on_snapshot_row(self, request: Request, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            raise refused
        has = row.flags & Flag.HAS_FIELD
        payload = self.services.ticks.payload(row.body) if has else b"null"
        self.reply(request, None, last=bool(row.flags & Flag.LAST), payload=payload)

    # -- notices -----------------------------------------------------------------------------

    def on_notice(self, push: Push, what: Message) -> None:
        """Something about the front; for a logged-in socket that asked for it."""
        if self.logged_in and push.notice and self.visit.options.wants(push.notice):
            self.push(push, what, self.services.md_renderer)


class _Asked:
    """A subscription that the front is asked for."""

    def __init__(
        self,
        session: MdSession,
        request: Request,
        claims: dict[str, Instrument],
        unknown: list[str],
    ) -> None:
        self._session, self._request, self._claims = session, request, claims
        self._unknown = iter(unknown)

    def on_row(self, row: Row) -> None:
        """The front's answers come in the order in which it was asked."""
        refused = refusal(row)
        if refused is not None:
            self.fail(refused)
            return
        instrument = self._claims[next(self._unknown)]
        _, instrument.info = self._session.split_raw(row)
        instrument.answered = True
        if row.flags & Flag.LAST:
            self._session.answer_subscribe(self._request, self._claims)

    def fail(self, refused: Refused) -> None:
        self._session.fail_subscribe(self._request, self._claims, refused)
