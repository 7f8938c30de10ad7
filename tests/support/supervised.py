"""``admin.alarms`` under a supervisord of its own, and who hears its alarms."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from .group import CHECKOUT, Group

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


class Supervised:
    """``programs``: sections of further ones."""

    def __init__(self, group: Group, programs: str = "") -> None:
        self.path = group.path
        self.socket = group.path / "s.sock"
        if len(str(self.socket)) > 90:
            self.socket = Path(group.config["sim"]["listen"]).with_name("s.sock")
        conf = group.path / "supervisord.conf"
        conf.write_text(
            (CONF + programs).format(
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
