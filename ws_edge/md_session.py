"""One socket on /md/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from bus.frames import Flag, Message, Row, message_type, unpack_message
from bus.rpc import refusal

from .admission import Visit
from .envelope import message
from .limits import Share
from .names import Kind
from .outbox import Outbox, Peer
from .pushes import Push
from .requests import Request
from .session import Services, Session
from .subscriptions import Subscriptions

_ERROR: Final = message_type("OnRspError")


class MdSession(Session):
    """Logs in to the shared market data session and has instruments of its own."""

    def __init__(
        self, services: Services, visit: Visit, outbox: Outbox, peer: Peer, share: Share
    ) -> None:
        parser, rights = services.md_parser, services.md_rights
        super().__init__(services, visit, outbox, peer, services.md, parser, rights, share)
        if visit.options.style.binary:
            self.outbox.send(services.ticks.frames.announcement)
        self.logged_in = False
        outbox.tells_gaps = visit.options.wants("gap")
        self._subscriptions = Subscriptions(self)
        self._handlers: dict[Kind, Callable[[Request], None]] = {
            Kind.LOGOUT: self._log_out,
            Kind.QUERY: self._ask,
            Kind.ACTION: self._ask,
            Kind.SUBSCRIBE: self._subscriptions.add,
            Kind.UNSUBSCRIBE: self._subscriptions.remove,
            Kind.SNAPSHOT: self._snapshot,
        }

    def handle(self, request: Request) -> None:
        if request.method.kind is Kind.LOGIN:
            login_s = self.config.login_s
            send = partial(self._call, request, self._on_login_row, login_s)
            self.patiently(request, send, self.services.now() + login_s)
            return
        self._handlers[request.method.kind](request)

    def needs_login(self, request: Request) -> bool:
        return not self.logged_in

    def close(self) -> None:
        super().close()
        self.services.freshness.leave(self.outbox)
        self._subscriptions.clear()

    # -- login, plain requests ---------------------------------------------------------------

    def _call(
        self, request: Request, on_row: Callable[[Request, Row], None], timeout_s: float
    ) -> None:
        self.calls.start(
            request.method.name,
            lambda row: self.guard(request, on_row, request, row),
            partial(self.fall_silent, request, ""),
            timeout_s,
            request_id=request.request_id,
            body=request.body,
        )

    def _on_login_row(self, request: Request, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            raise refused
        field, info = self.split(row.flags, row.body)
        accepted = row.type != _ERROR and self.is_success(self.raw_info(row))
        if accepted:
            self.logged_in = True
        head = self.login_head(request, request.method.callback, info)
        text = message(self.style, head, request.method.key, self._login_payload(field))
        self.outbox.send(text)
        if accepted and self.visit.options.wants("stale"):
            self.services.freshness.join(self.outbox)

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
        self.services.freshness.leave(self.outbox)
        self._subscriptions.clear()
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

    # -- snapshots ---------------------------------------------------------------------------

    def _snapshot(self, request: Request) -> None:
        self.calls.start(
            "Snapshot",
            lambda row: self.guard(request, self._on_snapshot_row, request, row),
            partial(self.fall_silent, request, ""),
            self.config.subscribe_s,
            request_id=request.request_id,
            body=msgspec.msgpack.encode(request.instruments),
        )

    def _on_snapshot_row(self, request: Request, row: Row) -> None:
        refused = refusal(row)
        if refused is not None:
            raise refused
        has = row.flags & Flag.HAS_FIELD
        if has:
            name = unpack_message(row.body).topic.removeprefix("tick/").removesuffix("/")
            self.services.freshness.before(name, row.body, self.outbox)
        payload = self.services.ticks.payload(row.body) if has else b"null"
        self.reply(request, None, last=bool(row.flags & Flag.LAST), payload=payload)

    # -- notices -----------------------------------------------------------------------------

    def on_notice(self, push: Push, what: Message) -> None:
        """Something about the front; for a logged-in socket that asked for it."""
        if self.logged_in and push.notice and self.visit.options.wants(push.notice):
            self.push(push, what, self.services.md_renderer)
