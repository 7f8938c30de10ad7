"""A copy of the checkout in which deploy/up and deploy/down can be called."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bus.endpoints import run_dir
from deploy import members
from tests.support import canary
from tests.support.group import CHECKOUT

PARTS = (
    *("admin", "bus", "deploy", "md_merge", "md_worker", "recorder", "schemas", "sim"),
    *("tcp_edge", "td_worker", "ws_edge"),
)
FILES = ("pyproject.toml", "README.md", "LICENSE")
CALL_TIMEOUT_S = 90.0


def free_port() -> int:
    """A port that the kernel just gave out; it gives the next ones to others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Deployment:
    """Uses this test run's interpreter, so nothing is installed. tcp_edge is one process, which is
    cheaper; with ``three`` it is what gateway.yaml says."""

    def __init__(self, path: Path, *, three: bool = False) -> None:
        self.root = path / "checkout"
        for part in PARTS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / part, self.root / part, ignore=ignore)
        for file in FILES:
            shutil.copy(CHECKOUT / file, self.root / file)
        self.config = self.root / "deploy" / "gateway.yaml"
        self.port = free_port()
        self.edit(r"port: 8080", f"port: {self.port}")
        self.ofx = {name: free_port() for name in ("login", "quote", "trade")}
        ports = "".join(f"  {name}: {{port: {port}}}\n" for name, port in self.ofx.items())
        self.edit(r"tcp_edge:\n", f"tcp_edge:\n{ports}")
        self.edit(r"port: 8088", "port: 0")
        if not three:
            self.edit(r"processes: three", "processes: one")

    def edit(self, pattern: str, replacement: str) -> None:
        """Change the one place in gateway.yaml that matches the regular expression."""
        text, count = re.subn(pattern, replacement, self.config.read_text("utf-8"))
        assert count == 1, pattern
        self.config.write_text(text, "utf-8")

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "CTPBUS_PYTHON": sys.executable, **(extra or {})}

    def call(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        """deploy/up or deploy/down, called from another checkout, which must not matter."""
        return subprocess.run(
            [str(self.root / command[0]), *command[1:]],
            cwd=CHECKOUT,
            env=self.environment() if environment is None else environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("deploy/up", *arguments)

    def down(self) -> subprocess.CompletedProcess[str]:
        return self.call("deploy/down")

    def close(self) -> None:
        """Stop what runs; a run directory may be outside of the test's folder."""
        self.down()
        shutil.rmtree(self.run)
        secrets = canary.of_file(self.config, self.root / "var")
        canary.know(secrets)
        if leaks := canary.found(self.root / "var", secrets):
            raise canary.Leak("\n".join(leaks))

    @property
    def run(self) -> Path:
        return run_dir(str(self.root / "var"))

    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        named = {}
        for pid in members.find(self.run):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if "-m" not in words:  # it has ended, and nobody has waited for it yet
                continue
            name = words[words.index("-m") + 1]
            if "--member" in words:
                name += f"_{words[words.index('--member') + 1]}"
            named[name] = pid
        return named

    def supervisorctl(self, *arguments: str) -> str:
        config = str(self.run / "supervisord.conf")
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", "-c", config, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout
