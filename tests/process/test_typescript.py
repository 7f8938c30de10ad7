"""The TypeScript client, built and run by Node against a real group."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import msgspec
import pytest
from playwright.sync_api import sync_playwright

from tests.support.another_edge import another_edge
from tests.support.browser import CHROMIUM
from tests.support.deployment import free_port
from tests.support.group import CHECKOUT, Group

CLIENT: Final = CHECKOUT / "clients" / "typescript"
TIMEOUT_S: Final = 240.0
TOKEN: Final = "of-a-test"
BROWSER: Final = ["--no-sandbox", "--disable-dev-shm-usage"]

pytestmark = pytest.mark.npm


@pytest.fixture(scope="module")
def built() -> None:
    """dist/, and the types of the tests."""
    for command in (["npm", "run", "build"], ["node_modules/.bin/tsc", "-p", "test"]):
        done = node(*command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    path: Path = tmp_path_factory.mktemp("group")
    overrides = {
        "calendar": "always",
        "sim": {"queries_per_second": 0},
        "td_worker": {"queries_per_s": 1000},
        "ws_edge": {
            "port": free_port(),
            "heartbeat_interval_s": 0.3,
            "tokens": [{"token": TOKEN}],
        },
    }
    with Group(path, overrides=overrides) as made:
        made.start_all()
        yield made


def environment(url: str, **more: str) -> dict[str, str]:
    return os.environ | {"CTPBUS_URL": url, "CTPBUS_TOKEN": TOKEN, **more}


def node(*command: str, url: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=CLIENT,
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_the_client_does_what_its_tests_say(group: Group, built: None) -> None:
    with another_edge(group) as other:
        more = {"CTPBUS_OTHER_URL": other, "CTPBUS_PID": str(group.pid("ws_edge"))}
        url = group.url("").rstrip("/")
        done = node("node", "--test", "test/client.test.mjs", url=url, **more)
    assert done.returncode == 0, done.stdout + done.stderr


def test_moments_that_a_real_gateway_hardly_ever_has(built: None) -> None:
    done = node("node", "--test", "test/scripted.test.mjs")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_snippet_of_the_readme_trades(readme: str, group: Group, built: None) -> None:
    (snippet,) = re.findall(
        r"^```js\n(.*?)^```$", (CLIENT / readme).read_text("utf-8"), re.M | re.S
    )
    script = CLIENT / "dist" / "readme.mjs"  # inside the package, which can import itself by name
    ours = snippet.replace("ws://127.0.0.1:8080", group.url("").rstrip("/"))
    script.write_text(ours.replace("{ url,", f'{{ url, token: "{TOKEN}",'), "utf-8")
    done = node("node", str(script))
    assert done.returncode == 0, done.stderr
    tick, order = done.stdout.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \d+(\.\d+)?", tick)
    assert order == "FILLED 1"


@pytest.mark.browser
def test_a_page_trades_without_a_build_step(group: Group, built: None) -> None:
    files = partial(Quiet, directory=str(CLIENT))
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server, sync_playwright() as playwright:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/test/tsconfig.json")
            script = "async ([url, token]) => (await import('/test/page.mjs')).trade(url, token)"
            assert page.evaluate(script, [group.url("").rstrip("/"), TOKEN]) == "FILLED 1"
            browser.close()
        finally:
            server.shutdown()
            thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_its_orders_are_those_of_the_counter_whatever_was_restarted(
    group: Group, built: None
) -> None:
    """Every process but the exchange itself dies while orders are being placed."""
    with subprocess.Popen(
        ["node", "test/restarts.mjs"],
        cwd=CLIENT,
        env=environment(group.url("").rstrip("/")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        watchdog = threading.Timer(TIMEOUT_S, program.kill)  # then its lines end
        watchdog.start()
        try:
            assert program.stdin is not None
            assert program.stdout is not None
            lines = iter(program.stdout.readline, "")
            trade(lines)
            for name in ("ws_edge", "td_worker", "md_worker"):
                group.restart(name)
                trade(lines)
            program.stdin.close()
            result = msgspec.json.decode([line for line in lines if line.startswith("{")][-1])
        finally:
            watchdog.cancel()
            program.kill()
    assert result["filled"] == result["counter"] == result["position"] > 20, result
    assert {state for state, *_ in result["others"]} <= {"NOT_SENT"}, result


def trade(lines: Iterator[str]) -> None:
    """Orders are filled again: of those that are lines by now, not the first ones."""
    for _ in range(10):
        while next(lines, None) not in ("filled\n", None):
            pass
