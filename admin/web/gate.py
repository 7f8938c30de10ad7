"""What stands before the web page. Nothing behind it is reached without a session, neither by HTTP
nor by the websocket, except the login page and what programs ask for.

A browser sends cookies with whatever a strange site makes it ask for, so the session's cookie is
SameSite=Strict, and what changes something has to come from a page of ours: it carries an Origin
that is the host asked for. A host that is a name must be one of ours, else a strange name could be
made to lead here (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import login
from .frame import HOME, SESSION
from .sessions import Session, Sessions

OPEN: Final = ("/healthz", "/readyz", "/metrics")
_SOCKET: Final = "/_nicegui_ws/"
_STATIC: Final = "/_nicegui/"
# What socket.io calls an event, and NiceGUI something that the user did.
_DID: Final = '42["event"'
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NO_STORE: Final = (b"cache-control", b"no-store")


class Gate:
    """``names``: of this machine, besides localhost and addresses."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        login_page: login.Login,
        cookie: str,
        names: tuple[str, ...],
    ) -> None:
        self._app, self._sessions, self._login = app, sessions, login_page
        self._cookie, self._names = cookie, {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        static = path.startswith(_STATIC)

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = _HEADERS if static else (*_HEADERS, _NO_STORE)
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        request = Request(scope, receive)
        session = self._session(request.headers)
        answer = self._refusal(request)
        if answer is None and path == login.PATH:
            answer = await self._login.answer(request) if session is None else _to(HOME)
        elif answer is None and session is None:
            answer = PlainTextResponse("log in first\n", 401) if static else _to(login.PATH)
        elif answer is None and path == "/":
            answer = _to(HOME)
        if answer is not None:
            await answer(scope, receive, hardened)
            return
        assert session is not None
        if not static:
            self._sessions.use(session)
        await self._app({**scope, SESSION: session}, receive, hardened)

    def _refusal(self, request: Request) -> Response | None:
        if not self._ours(request.headers):
            return PlainTextResponse("this host is not served here: admin.names\n", 421)
        if request.url.path.startswith(_SOCKET):
            return PlainTextResponse("websocket only\n", 403)
        if request.method in ("GET", "HEAD"):
            return None
        if request.method != "POST" or request.url.path != login.PATH:
            return PlainTextResponse("method not allowed\n", 405)
        if not _same_origin(request.headers):
            return PlainTextResponse("from another site\n", 403)
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        session = self._session(headers)
        if session is None or not self._ours(headers) or not _same_origin(headers):
            await receive()  # its connect
            await send({"type": "websocket.close", "code": 4403})  # HTTP 403
            return

        async def watched() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            if not self._sessions.alive(session):
                return {"type": "websocket.disconnect", "code": 4401}
            if (message.get("text") or "").startswith(_DID):
                self._sessions.use(session)
            return message

        async def bounded(message: Message) -> None:
            # The page has a moment to go to the login by itself.
            if message["type"] == "websocket.send" and self._sessions.long_over(session):
                return
            await send(message)

        await self._app(scope, watched, bounded)

    def _session(self, headers: Headers) -> Session | None:
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            return None
        found = cookies.get(self._cookie)
        return None if found is None else self._sessions.find(found.value)

    def _ours(self, headers: Headers) -> bool:
        host = _hostname(f"//{headers.get('host', '')}")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in self._names
        return True


def _same_origin(headers: Headers) -> bool:
    """Whatever the scheme: there may be a TLS proxy before us."""
    origins = headers.getlist("origin")
    host = headers.get("host", "").lower()
    return len(origins) == 1 and origins[0].lower() in (f"http://{host}", f"https://{host}")


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _to(path: str) -> Response:
    return RedirectResponse(path, 303)
