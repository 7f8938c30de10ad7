"""A running OFX server for tests and chaos runs, and what clients need to reach it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.group import CHECKOUT

KEY: Final = "the key of the tests"
_STOP_S: Final = 10.0


class OfxGateway:
    """``ready``: "HOST:PORT" by service. ``log``: what the process writes."""

    def __init__(self, pid: int, ready: dict[str, str], log: Path) -> None:
        self.pid, self.log = pid, log
        self._ready = ready

    def address(self, service: str) -> tuple[str, int]:
        host, _, port = self._ready[service].rpartition(":")
        return host, int(port)


@contextmanager
def started(folder: Path, careless: str = "") -> Iterator[OfxGateway]:
    """Ends with SIGTERM, and what it leaves is its exit status 0."""
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
            yield OfxGateway(process.pid, json.loads(line)["ready"], log)
            process.terminate()
            assert process.wait(_STOP_S) == 0, log.read_text("utf-8")
        finally:
            process.kill()
