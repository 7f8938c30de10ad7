"""Alarms under a real supervisord, to a real receiver: without admin, and never in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.group import CHECKOUT, Group

TIMEOUT_S: Final = 30.0
TOKEN: Final = "geheim-4711"
CONF: Final = """
[supervisord]
nodaemon = true
pidfile = {path}/supervisord.pid
logfile = {path}/supervisord.log
directory = {root}

[unix_http_server]
file = {socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{socket}

[eventlistener:alarms]
command = {python} -m admin.alarms --config {config}
events = PROCESS_STATE
buffer_size = 100
stderr_logfile = {path}/alarms.log

[program:md_worker]
command = {python} -c "import time; time.sleep(600)"
startsecs = 0
autorestart = unexpected

[program:never]
command = {python} -c "raise SystemExit(1)"
startretries = 1
autostart = false
"""


class Receiver:
    """``busy``: how many of the next calls are answered with 503."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.paths: set[str] = set()
        self.busy = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.paths.add(self.path)
                if outer.busy:
                    outer.busy -= 1
                    self.send_error(503)
                    return
                outer.heard.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/{TOKEN}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, what: str, *, over: bool = False) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [x for x in self.heard if (x["what"], x["over"]) == (what, over)]
            return bool(found)

        wait(there, f"{what} {over}: {self.heard}")
        return found[-1]


def wait(told: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not told():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Group]:
    """No process of it runs but td_worker and the embedded exchange."""
    overrides = {
        "admin": {"webhook": receiver.url, "alarm_after_s": 1, "disk_free_mb": 0},
        "calendar": "always",
    }
    with Group(tmp_path_factory.mktemp("alarms"), overrides=overrides) as made:
        made.start("sim", "td_worker")
        yield made


class Supervised:
    def __init__(self, group: Group) -> None:
        self.path = group.path
        self.socket = group.path / "s.sock"
        if len(str(self.socket)) > 90:
            self.socket = Path(group.config["sim"]["listen"]).with_name("s.sock")
        conf = group.path / "supervisord.conf"
        conf.write_text(
            CONF.format(
                path=group.path,
                socket=self.socket,
                root=CHECKOUT,
                python=sys.executable,
                config=group.config_file,
            )
        )
        self.conf = conf
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)],
            stdout=subprocess.DEVNULL,
            cwd=CHECKOUT,
        )

    def ctl(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.conf), *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        ).stdout

    def pid(self, name: str) -> int:
        return int(self.ctl("pid", name))

    def log(self) -> str:
        return (self.path / "alarms.log").read_text("utf-8")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT_S)


@pytest.fixture(scope="module")
def supervised(group: Group) -> Iterator[Supervised]:
    made = Supervised(group)
    wait(lambda: "RUNNING" in made.ctl("status", "alarms"), "alarms runs")
    yield made
    made.close()


def test_an_exit_is_told_in_both_languages_and_when_it_is_over(
    supervised: Supervised, receiver: Receiver
) -> None:
    os.kill(supervised.pid("md_worker"), signal.SIGKILL)
    alarm = receiver.wait("exit.md_worker")
    assert alarm["en"] == "md_worker ended unexpectedly"
    assert alarm["zh"] == "md_worker 意外结束"
    assert alarm["host"] == socket.gethostname()
    receiver.wait("exit.md_worker", over=True)


def test_a_program_that_is_given_up_is_told(supervised: Supervised, receiver: Receiver) -> None:
    supervised.ctl("start", "never")
    wait(
        lambda: any("given up" in x["en"] for x in receiver.heard if x["what"] == "exit.never"),
        str(receiver.heard),
    )


def test_a_stop_on_purpose_is_no_alarm(supervised: Supervised, receiver: Receiver) -> None:
    before = [x for x in receiver.heard if x["what"] == "exit.md_worker"]
    supervised.ctl("stop", "md_worker")
    supervised.ctl("start", "md_worker")
    wait(lambda: "RUNNING" in supervised.ctl("status", "md_worker"), "md_worker runs")
    assert [x for x in receiver.heard if x["what"] == "exit.md_worker"] == before


def test_a_stop_on_purpose_is_none_for_an_alarms_that_was_started_after_it(
    supervised: Supervised, receiver: Receiver
) -> None:
    """md_worker is here, and silent at all times: only supervisord knows why."""
    supervised.ctl("stop", "md_worker")
    receiver.heard.clear()
    os.kill(supervised.pid("alarms"), signal.SIGKILL)
    receiver.wait("exit.alarms")  # from the new one, of the old one
    receiver.wait("process.ws_edge")  # nobody has stopped it, so by now md_worker's would be here
    assert not [x for x in receiver.heard if x["what"] == "process.md_worker"]
    supervised.ctl("start", "md_worker")
    receiver.wait("process.md_worker")


def test_a_silent_process_is_told_without_admin(
    supervised: Supervised, receiver: Receiver, group: Group
) -> None:
    group.freeze("td_worker")
    try:
        receiver.wait("process.td_worker")
    finally:
        group.thaw("td_worker")
    receiver.wait("process.td_worker", over=True)


def test_a_receiver_that_is_busy_is_asked_again(
    supervised: Supervised, receiver: Receiver, group: Group
) -> None:
    receiver.heard.clear()
    receiver.busy = 2
    os.kill(supervised.pid("md_worker"), signal.SIGKILL)
    receiver.wait("exit.md_worker")
    assert receiver.busy == 0


def test_the_log_has_the_alarms_and_not_the_address(
    supervised: Supervised, receiver: Receiver
) -> None:
    lines = [json.loads(line) for line in supervised.log().splitlines()]
    assert any(line["event"] == "alarm" and line["what"] == "exit.md_worker" for line in lines)
    assert receiver.paths == {f"/hook/{TOKEN}"}
    assert TOKEN not in supervised.log()
