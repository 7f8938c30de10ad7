"""Each rule of the web page's gate, and that the same request gets in where that rule is off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from admin.web import gate
from admin.web.gate import Gate
from admin.web.sessions import Session, Sessions

COOKIE: Final = "ctpbus_admin"
HOST: Final = "127.0.0.1:8088"
ORIGIN: Final = f"http://{HOST}"
PAGE: Final = "/services"
SOCKET: Final = "/_nicegui_ws/socket.io/"
EVENT: Final = '42["event",{}]'


class LoginPage:
    async def answer(self, request: Request) -> Response:
        return PlainTextResponse("inside")


class Site:
    """The gate before an app that lets in whatever reaches it. ``now``: the sessions' clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sessions = Sessions(idle_s=60, clock=lambda: self.now)
        self.token = self.sessions.start("admin", "127.0.0.1", "en")
        self.heard: list[Message] = []
        login: Any = LoginPage()
        self.gate = Gate(self._inside, self.sessions, login, COOKIE, ())

    @property
    def session(self) -> Session:
        found = self.sessions.find(self.token)
        assert found is not None
        return found

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse("inside")(scope, receive, send)
            return
        self.heard.append(await receive())
        await send({"type": "websocket.accept"})
        while self.heard[-1]["type"] != "websocket.disconnect":
            self.heard.append(await receive())

    def _scope(self, kind: str, path: str, cookie: bool, host: str, origin: str) -> Scope:
        headers = [(b"host", host.encode()), (b"origin", origin.encode())]
        if cookie:
            headers.append((b"cookie", f"{COOKIE}={self.token}".encode()))
        return {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 8088),
            "scheme": "http",
            "http_version": "1.1",
        }

    def http(
        self,
        path: str = PAGE,
        method: str = "GET",
        *,
        cookie: bool = True,
        host: str = HOST,
        origin: str = ORIGIN,
    ) -> list[Message]:
        """What is sent to the browser."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {**self._scope("http", path, cookie, host, origin), "method": method}
        asyncio.run(self.gate(scope, receive, send))
        return sent

    def is_in(self, *request: str, **keys: Any) -> bool:
        return bool(self.http(*request, **keys)[-1]["body"] == b"inside")

    def websocket(
        self,
        *texts: str,
        cookie: bool = True,
        host: str = HOST,
        origin: str = ORIGIN,
        each: Callable[[], None] = lambda: None,
    ) -> list[Message]:
        """What is sent to a browser that says ``texts``, with ``each`` before each of them."""
        sent: list[Message] = []
        said = iter(texts)

        async def receive() -> Message:
            if not self.heard and not sent:
                return {"type": "websocket.connect"}
            each()
            text = next(said, None)
            if text is None:
                return {"type": "websocket.disconnect", "code": 1000}
            return {"type": "websocket.receive", "text": text}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = self._scope("websocket", SOCKET, cookie, host, origin)
        asyncio.run(self.gate(scope, receive, send))
        return sent

    def is_connected(self, **keys: Any) -> bool:
        return bool(self.websocket(**keys)[0]["type"] == "websocket.accept")


class Rule(NamedTuple):
    """``name``: in ``holder``, which ``off`` takes the place of."""

    attempt: Callable[[Site], bool]
    holder: Any
    name: str
    off: Any


def logged_in(site: Site) -> Callable[..., Session]:
    return lambda *_: site.session


def true(*_: object) -> bool:
    return True


RULES: Final = {
    "a page wants a session": Rule(
        lambda site: site.is_in(cookie=False), Gate, "_session", logged_in
    ),
    "a file wants a session": Rule(
        lambda site: site.is_in("/_nicegui/x.js", cookie=False), Gate, "_session", logged_in
    ),
    "a page wants a host of ours": Rule(
        lambda site: site.is_in(host="evil.example"), Gate, "_ours", lambda site: true
    ),
    "nothing polls": Rule(lambda site: site.is_in(SOCKET), gate, "_SOCKET", lambda site: "/none/"),
    "only the login takes anything": Rule(
        lambda site: site.is_in(PAGE, "POST"), Gate, "_refusal", lambda site: lambda *_: None
    ),
    "a login comes from a page of ours": Rule(
        lambda site: site.is_in("/login", "POST", cookie=False, origin="http://evil.example"),
        gate,
        "_same_origin",
        lambda site: true,
    ),
    "the websocket wants a session": Rule(
        lambda site: site.is_connected(cookie=False), Gate, "_session", logged_in
    ),
    "the websocket wants a host of ours": Rule(
        lambda site: site.is_connected(host="evil.example", origin="http://evil.example"),
        Gate,
        "_ours",
        lambda site: true,
    ),
    "the websocket wants an origin of ours": Rule(
        lambda site: site.is_connected(origin="http://evil.example"),
        gate,
        "_same_origin",
        lambda site: true,
    ),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_keeps_out_what_gets_in_without_it(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not rule.attempt(Site())
    site = Site()
    monkeypatch.setattr(rule.holder, rule.name, rule.off(site))
    assert rule.attempt(site)


def test_who_is_logged_in_gets_in() -> None:
    assert Site().is_in()
    assert Site().is_connected()
    assert Site().is_in("/login", "POST", cookie=False)


def test_a_session_that_ends_takes_its_websocket_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def heard(site: Site) -> list[str | None]:
        site.websocket(EVENT, each=lambda: site.sessions.end(site.session))
        return [message.get("text") for message in site.heard]

    assert EVENT not in heard(Site())
    monkeypatch.setattr(Sessions, "alive", lambda self, session: True)
    assert EVENT in heard(Site())


def test_what_a_page_does_by_itself_keeps_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def used_at(text: str) -> float:
        site = Site()

        def later() -> None:
            site.now = 30.0

        site.websocket(text, each=later)
        return site.session.used

    assert (used_at("3"), used_at(EVENT)) == (0.0, 30.0)
    monkeypatch.setattr(gate, "_DID", "")
    assert used_at("3") == 30.0


def test_answers_are_out_of_reach_of_other_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    def headers() -> set[str]:
        return {name.decode() for name, _ in Site().http()[0]["headers"]}

    wanted = {"x-frame-options", "x-content-type-options", "cache-control", "referrer-policy"}
    assert wanted <= headers()
    monkeypatch.setattr(gate, "_HEADERS", ())
    monkeypatch.setattr(gate, "_NO_STORE", (b"x", b"y"))
    assert not wanted & headers()
