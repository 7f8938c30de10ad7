"""A group of its own that ``ctpbus up`` has started, and the command beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.plan import Plan, read
from tests.support.deployment import free_port
from tests.support.group import CHECKOUT

COMMAND = "from admin.main import main; main()"
CALL_TIMEOUT_S = 90.0
ACCOUNT = {"user": "028742", "password": "123456"}


def ctpbus(
    *arguments: str,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """The command, of this checkout. ``prefix`` begins its command line."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", COMMAND, *arguments],
        cwd=CHECKOUT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=CALL_TIMEOUT_S,
        check=False,
    )


class Operated:
    """``folder`` is short enough for sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "group.yaml"
        self.port = free_port()
        front = f"sim://{folder}/sim.sock"
        self.document: dict[str, Any] = {
            "data": str(folder / "var"),
            "calendar": "always",
            "sim": {"listen": str(folder / "sim.sock")},
            "md_worker": {"front": front, "broker_id": "9999"},
            "td_worker": {"front": front, "broker_id": "9999", "accounts": [ACCOUNT]},
            "ws_edge": {"host": "127.0.0.1", "port": self.port},
            "recorder": {},
            "canary": {"instrument": "600000", "user_id": "028742", "password": "123456"},
        }
        self.config_file.write_text(yaml.safe_dump(self.document), "utf-8")
        self.config_file.chmod(0o600)

    @property
    def plan(self) -> Plan:
        return read(self.config_file)

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return ctpbus(*arguments, "--config", str(self.config_file), stdin=stdin)

    def json(self, *arguments: str, status: int = 0) -> Any:
        """What it prints with --json."""
        done = self.call(*arguments, "--json")
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout)


@contextmanager
def operated() -> Iterator[Operated]:
    folder = Path(tempfile.mkdtemp(prefix="ctpbus-"))
    group = Operated(folder)
    try:
        done = group.call("up")
        assert done.returncode == 0, done.stderr
        yield group
    finally:
        group.call("down")
        shutil.rmtree(folder)
