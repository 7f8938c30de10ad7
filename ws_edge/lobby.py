"""A socket that came without a proof: its first message is to be a GatewayLogin. No I/O.

{"MsgType":"GatewayLogin","GatewayLogin":{"Token":"…"},"RequestID":1}
{"MsgType":"GatewayLogin","GatewayLogin":{"User":"…","Password":"…"},"RequestID":1}
{"MsgType":"RspGatewayLogin","RspInfo":{"ErrorID":0,…},"IsLast":true,
 "RspGatewayLogin":{"User":"…"}}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from bus.secrets import Secret
from schemas.codec import FieldError
from schemas.errors import BAD_REQUEST, LOCAL_TEXTS, NOT_LOGGED_IN, text_of

from .admission import Offer, Visit
from .envelope import Head, Style, clock, message, request_error, rsp_info, unix_ms
from .gate import Closed, Gate
from .names import GATEWAY_LOGIN
from .requests import BadRequest, document_of, request_id_of
from .rights import Access

_MOST_MESSAGES: Final = 10
_LONGEST: Final = 4096  # characters
_CALLBACK: Final = f"OnRsp{GATEWAY_LOGIN}"
_KEY: Final = f"Rsp{GATEWAY_LOGIN}"


class Lobby:
    """One socket. ``send`` takes JSON; ``on_refused`` is told why a login failed."""

    def __init__(
        self,
        gate: Gate,
        visit: Visit,
        send: Callable[[bytes], None],
        on_refused: Callable[[Closed], None] = lambda why: None,
    ) -> None:
        self._gate, self._visit, self._send, self._on_refused = gate, visit, send, on_refused
        self._style = visit.options.style._replace(binary=False)

    async def wait(self, recv: Callable[[], Awaitable[str | bytes]]) -> Access:
        """What the socket may do. Raises Closed when it is to be closed, and what ``recv`` does."""
        for _ in range(_MOST_MESSAGES):
            text = await recv()
            if len(text) > _LONGEST:
                raise Closed("too long for a GatewayLogin")
            access = await self._take(text)
            if access is not None:
                return access
        raise Closed("no GatewayLogin")

    async def _take(self, text: str | bytes) -> Access | None:
        try:
            document = document_of(text, binary=self._visit.options.style.binary)
            name = document.get("MsgType")
            if not isinstance(name, str):
                raise BadRequest("MsgType: expected string")
        except BadRequest as bad:
            self._refuse(bad.name, bad.request_id, bad.error_id, bad.detail)
            return None
        number = request_id_of(document)
        if name == GATEWAY_LOGIN:
            return await self._log_in(document, number)
        if name == "Ping":
            self._send(clock("Pong", unix_ms()))
        elif name != "Pong":
            self._refuse(name, number, NOT_LOGGED_IN, "GatewayLogin comes first")
        return None

    async def _log_in(self, document: dict[str, Any], number: int) -> Access | None:
        try:
            offer = read_offer(document)
        except FieldError as error:
            self._refuse(GATEWAY_LOGIN, number, BAD_REQUEST, str(error))
            return None
        try:
            _, access = await self._gate.prove((offer,), self._visit.origin)
            if not access.side(self._visit.side):
                raise Closed("not for this path")
        except Closed as closed:
            self._on_refused(closed)
            info = rsp_info(NOT_LOGGED_IN, LOCAL_TEXTS[NOT_LOGGED_IN])
            head = Head(_CALLBACK, info, number, last=True)
            self._send(message(self._style, head, _KEY, detail=str(closed)))
            return None
        self._send(welcome(self._style, number, access.user))
        return access

    def _refuse(self, name: str, number: int, error_id: int, detail: str) -> None:
        info = rsp_info(error_id, LOCAL_TEXTS[error_id])
        head = Head("", info, number, self._style.full)
        self._send(request_error(self._style, name, head, "", detail))


def welcome(style: Style, request_id: int, user: str) -> bytes:
    head = Head(_CALLBACK, rsp_info(0, text_of(0)), request_id, last=True)
    return message(style, head, _KEY, msgspec.json.encode({"User": user}))


def read_offer(document: dict[str, Any]) -> Offer:
    """Raises FieldError, which quotes nothing."""
    payload = document.get(GATEWAY_LOGIN)
    if not isinstance(payload, dict):
        raise FieldError(GATEWAY_LOGIN, "expected object")
    values = {}
    for key in ("Token", "User", "Password"):
        value = payload.get(key)
        if value is not None and not isinstance(value, str):
            raise FieldError(f"{GATEWAY_LOGIN}.{key}", "expected string")
        values[key] = value or ""
    if bool(values["Token"]) == bool(values["User"]):
        raise FieldError(GATEWAY_LOGIN, "expected Token, or User and Password")
    return Offer(values["Token"], values["User"], Secret(values["Password"]))
