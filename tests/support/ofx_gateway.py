"""A running OFX server for tests and chaos runs, and what clients need to reach it.

``real`` is a group's tcp_edge, ``stubbed`` the same server over services of the tests' own, which
can be made careless.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.group import CHECKOUT, Group
from tests.support.ofx_client import OfxClient

KEY: Final = "the key of the tests"
CODE: Final = {"code": "600000", "market": "SH"}  # listed for ever
DEMO: Final = {"username": "demo", "password": "demo"}
_STOP_S: Final = 10.0


class OfxGateway:
    """``ready``: "HOST:PORT" by service. ``requests``: one for each of them that it accepts."""

    def __init__(self, pid: int, ready: dict[str, str]) -> None:
        self.pid = pid
        self._ready = ready
        with OfxClient(ready["login"], KEY) as client:
            self.route: dict[str, Any] = client.ask(1, DEMO)
        said = {
            "login": {"cmd": 1, "params": DEMO},
            "quote": {"cmd": 110001, "params": [CODE]},
            "trade": {"cmd": 210001, "authcode": self.route["authcode"]},
        }
        self.requests = {service: json.dumps(said[service]) for service in ready}

    def address(self, service: str) -> tuple[str, int]:
        host, _, port = self._ready[service].rpartition(":")
        return host, int(port)


@contextmanager
def real(folder: Path) -> Iterator[OfxGateway]:
    overrides = {
        "tcp_edge": {"keys": [{"passphrase": KEY}]},
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
    }
    with Group(folder, overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker", "tcp_edge")
        yield OfxGateway(group.pid("tcp_edge"), group.ready["tcp_edge"])
        assert group.running("tcp_edge")


@contextmanager
def stubbed(folder: Path, careless: str = "") -> Iterator[OfxGateway]:
    log = folder / "ofx.log"
    command = [sys.executable, "-m", "tests.support.ofx_server", str(folder), KEY, careless]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=CHECKOUT) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text("utf-8")
            yield OfxGateway(process.pid, json.loads(line)["ready"])
            process.terminate()
            assert process.wait(_STOP_S) == 0, log.read_text("utf-8")
        finally:
            process.kill()
