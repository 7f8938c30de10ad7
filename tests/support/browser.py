"""The web page in headless Chromium, on a group that deploy/up has started.

    with managed(tmp_path) as manager:
        page = manager.enter("zh")          # logged in; a playwright Page
        page.goto(manager.at("/services"))

Of one test file all tests share one group: make it a fixture of the module. Between its beginning
and its end no test of that file can use asyncio.run, because playwright has an event loop here.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from admin.admins import FIRST_NAME
from tests.support.deployment import Deployment, free_port

CHROMIUM: Final = "/usr/bin/chromium"
TIMEOUT_MS: Final = 30_000
LOCALES: Final = {"en": "en-GB", "zh": "zh-CN"}
# What a browser says of a page that we have broken on purpose.
_EXPECTED: Final = ("Failed to load resource", "WebSocket connection to")


class Manager:
    """The web page of one group. ``password``: the administrator's, as deploy/up has shown it.
    ``faults``: what went wrong in the browser; a test that wants it looks at it and clears it."""

    def __init__(self, deployment: Deployment, port: int, password: str, browser: Browser) -> None:
        self.deployment, self.port, self.password = deployment, port, password
        self.browser = browser
        self.faults: list[str] = []
        self._contexts: list[BrowserContext] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def at(self, path: str) -> str:
        return self.url + path

    def open(self, lang: str = "en", *, width: int = 1280, height: int = 800) -> Page:
        """A page of a browser that has no cookies yet."""
        context = self.browser.new_context(
            locale=LOCALES[lang], viewport={"width": width, "height": height}
        )
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self._console(said.type, said.text))
        return page

    def enter(self, lang: str = "en", *, width: int = 1280, height: int = 800) -> Page:
        """The same, logged in."""
        page = self.open(lang, width=width, height=height)
        page.goto(self.at("/login"))
        self.fill_in(page, self.password)
        page.wait_for_selector(".cb-header")
        return page

    def fill_in(self, page: Page, password: str, name: str = FIRST_NAME) -> None:
        page.fill("#name", name)
        page.fill("#password", password)
        page.click("button")

    def close_pages(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and not text.startswith(_EXPECTED):
            self.faults.append(text)


@contextmanager
def managed(
    path: Path, prepare: Callable[[Deployment], None] = lambda deployment: None
) -> Iterator[Manager]:
    """``prepare`` may edit the group's file."""
    deployment = Deployment(path, three=True)
    port = free_port()
    deployment.edit(r"admin: \{port: 0\}", f"admin: {{port: {port}}}")
    prepare(deployment)
    try:
        done = deployment.up()
        assert done.returncode == 0, done.stderr
        shown = re.search(r"log in as admin with the password (\S+)", done.stderr)
        assert shown, done.stderr
        _wait_for(port, deployment)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            manager = Manager(deployment, port, shown[1], browser)
            yield manager
            manager.close_pages()
            browser.close()
    finally:
        deployment.close()


def _wait_for(port: int, deployment: Deployment) -> None:
    """deploy/up does not wait for admin."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            log = deployment.root / "var" / "log" / "admin.log"
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
