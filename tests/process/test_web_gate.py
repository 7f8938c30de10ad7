"""The web page from outside, without a browser's good manners: nobody gets in without a session."""

from __future__ import annotations

import asyncio
import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.group import CHECKOUT, Group

SOCKET: Final = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
IDLE_S: Final = 4.0
EVENT: Final = '42["event",{"client_id":"x"}]'


class Site:
    """``cookies``: those that the next request carries."""

    def __init__(self, group: Group) -> None:
        self.host = group.ready["admin"]["http"].removeprefix("http://")
        self.origin = f"http://{self.host}"
        self.password = (group.data / "admin" / "first_password").read_text().strip()
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        address, _, port = self.host.rpartition(":")
        connection = http.client.HTTPConnection(address, int(port), timeout=30)
        try:
            sent = {"Cookie": self.cookie, **{k.replace("_", "-"): v for k, v in headers.items()}}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            self.set_cookies = answer.headers.get_all("Set-Cookie") or []
            for line in self.set_cookies:
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def form(self) -> str:
        found = re.search(r'name="form" value="([^"]+)"', self.ask("/login")[2])
        assert found
        return found[1]

    def log_in(self, password: str = "", name: str = "admin", **headers: str) -> int:
        fields = {"form": self.form(), "name": name, "password": password or self.password}
        headers = {"Origin": self.origin, **headers}
        return self.ask("/login?lang=en", "POST", urlencode(fields), **headers)[0]

    async def shake(self, cookie: str, origin: str | None) -> list[str]:
        """The first words of the websocket; InvalidStatus when it is refused."""
        headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
        async with connect(
            f"ws://{self.host}{SOCKET}", additional_headers=headers, proxy=None
        ) as socket:
            return [str(await socket.recv())]

    def refused(self, cookie: str, origin: str | None) -> bool:
        try:
            asyncio.run(self.shake(cookie, origin))
        except InvalidStatus as exc:
            return exc.response.status_code == 403
        return False


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {"admin": {"port": 0, "idle_s": IDLE_S, "names": ["gateway.example"]}}
    with Group(tmp_path_factory.mktemp("gate"), overrides=overrides) as made:
        made.start("admin")
        yield made


@pytest.fixture
def site(group: Group) -> Site:
    return Site(group)


def test_without_a_session_there_is_only_the_login_page(site: Site) -> None:
    for path in ("/", "/services", "/clients", "/logs", "/nothing", "/_nicegui_ws/x/../../info"):
        status, headers, _ = site.ask(path)
        assert (status, headers["Location"]) in ((303, "/login"), (403, None)), path
    for path in ("/_nicegui/3.0.0/static/nicegui.js", "/_nicegui/x/dynamic_resources/y"):
        assert site.ask(path)[0] == 401, path
    assert site.ask("/login")[0] == 200
    assert site.ask("/healthz")[0] == 200
    assert site.ask("/metrics")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_the_login_takes_anything(site: Site, method: str) -> None:
    assert site.log_in() == 303
    assert site.ask("/services", method, "x", Origin=site.origin)[0] == 405
    assert site.ask("/_nicegui_ws/socket.io/?EIO=4&transport=polling", method, "x")[0] == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    assert site.log_in() == 303
    (line,) = [each for each in site.set_cookies if not each.partition("=")[0].endswith("_form")]
    assert "HttpOnly" in line
    assert "SameSite=strict" in line
    status, headers, page = site.ask("/services")
    assert status == 200
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert line.partition("=")[2].partition(";")[0] not in page


def test_the_websocket_wants_a_session_and_an_origin_of_ours(site: Site) -> None:
    assert site.refused("", site.origin)
    assert site.refused("ctpbus_admin_0=made-up", site.origin)
    assert site.log_in() == 303
    assert asyncio.run(site.shake(site.cookie, site.origin))[0].startswith("0{")
    for origin in (None, "null", "http://evil.example", f"{site.origin}.evil.example", "http://["):
        assert site.refused(site.cookie, origin), origin


def test_a_login_from_another_site_is_refused_with_the_right_password(site: Site) -> None:
    for origin in ("http://evil.example", "null", ""):
        assert site.log_in(Origin=origin) == 403
    assert site.ask("/services")[0] == 303
    fields = {"form": "guessed", "name": "admin", "password": site.password}
    site.ask("/login")
    assert site.ask("/login", "POST", urlencode(fields), Origin=site.origin)[0] == 403
    site.cookies.clear()  # no form was ever given out
    assert site.ask("/login", "POST", urlencode(fields), Origin=site.origin)[0] == 403
    assert site.ask("/services")[0] == 303


def test_a_name_that_is_not_ours_is_not_served(site: Site) -> None:
    """A strange name may be made to lead here, and its scripts would be of one origin with us."""
    assert site.ask("/login", Host="evil.example")[0] == 421
    assert site.ask("/login", Host="127.0.0.1.evil.example:80")[0] == 421
    assert site.ask("/login", Host="[")[0] == 421
    for host in ("localhost:1", "GATEWAY.example", "[::1]:8088"):
        assert site.ask("/login", Host=host)[0] == 200, host


@pytest.mark.parametrize(
    "body",
    ["", "form", "&&&=", "form=%ff&name=%00&password=%ed%a0%80", "name=" + "x" * 20_000],
)
def test_what_is_no_login_is_answered_and_lets_nobody_in(site: Site, body: str) -> None:
    site.form()
    assert site.ask("/login", "POST", body, Origin=site.origin)[0] == 403


def test_markup_in_the_name_comes_back_nowhere(site: Site) -> None:
    site.log_in("wrong", name="<script>alert(1)</script>")
    assert "<script" not in site.ask("/login?over=<script>&lang=<script>")[2]


def test_who_does_nothing_is_out_though_his_browser_keeps_talking(site: Site) -> None:
    """What a page does by itself, such as an answer to a ping, is nothing that its user does."""

    async def talk(said: str, seconds: float) -> bool:
        """Whether the server still listens after that time."""
        headers = {"Cookie": site.cookie, "Origin": site.origin}
        url = f"ws://{site.host}{SOCKET}"
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            await socket.recv()
            await socket.send("40")
            until = time.monotonic() + seconds
            try:
                while time.monotonic() < until:
                    await socket.send(said)
                    await asyncio.sleep(0.2)
                await socket.send(said)
            except ConnectionClosed:
                return False
            return True

    assert site.log_in() == 303
    assert asyncio.run(talk(EVENT, 1.5 * IDLE_S))
    assert site.ask("/services")[0] == 200
    assert not asyncio.run(talk("3", 1.5 * IDLE_S))
    assert site.ask("/services")[0] == 303


def test_who_guesses_has_to_wait_longer_and_longer(site: Site) -> None:
    """Last, because then this address has to wait."""
    before: Any = time.monotonic()
    said: list[int] = []
    while time.monotonic() - before < 60 and len(said) < 3:
        fields = {"form": site.form(), "name": "admin", "password": "wrong"}
        text = site.ask("/login?lang=en", "POST", urlencode(fields), Origin=site.origin)[2]
        if found := re.search(r"wait (\d+) s", text):
            said.append(int(found[1]))
            time.sleep(said[-1])
    assert len(said) == 3 and said[0] < said[1] < said[2]
    site.log_in("wrong")
    assert site.log_in() == 403  # the right one, too early


def test_no_other_program_of_the_group_loads_the_page() -> None:
    """It takes a second and 40 MB."""
    programs = ("md_worker", "td_worker", "ws_edge", "tcp_edge", "recorder", "sim", "md_merge")
    modules = [*(f"{name}.__main__" for name in programs), "admin.alarms", "admin.main"]
    code = (
        f"import sys, {', '.join([*modules, 'deploy.__main__'])}; print('nicegui' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
