"""Copies of the checkout on machines of their own, which run the documents' blocks as printed.

    with Site(path) as site:
        said = site.run(block)

The machines are network namespaces, so every port that a document names is free. 10.0.0.1 and
10.0.0.2 are two of them; what names no machine runs in a third copy, on the first one, which the
documents call /srv/ctpbus.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import yaml

from bus.endpoints import run_dir
from deploy import members

from .documents import Block
from .group import CHECKOUT
from .machines import Machines

HOSTS: Final = {"10.0.0.1": "a", "10.0.0.2": "b"}
HERE: Final = ""
_LIMIT_S: Final = 120.0
_READY_S: Final = 30.0
_PROMPT: Final = re.compile(r"^(10\.0\.0\.\d)\$ ", re.MULTILINE)
_SKIPPED: Final = shutil.ignore_patterns(
    *(".*", "var", "keys", "build", "*.egg-info", "__pycache__", "node_modules", "tests")
)
# scp between the machines, which are folders here.
_SCP: Final = """#!/bin/sh
home=$1; shift
set -- $(printf '%s ' "$@" | sed -E "s#(10\\.0\\.0\\.[0-9]):#$home/\\1/#g")
exec cp $*
"""


class Site:
    def __init__(self, path: Path, environment: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._extra = environment or {}
        self._machines = Machines(dict(zip(HOSTS.values(), HOSTS, strict=True)))
        self._stays: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        self._machines.__enter__()
        try:
            self._tools()
            for host in (HERE, *HOSTS):
                self._copy(self.root(host))
        except BaseException:
            self._machines.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rest()
        self._call(HERE, "deploy/down")
        shutil.rmtree(self._run)
        self._machines.close()

    def inside(self) -> AbstractContextManager[None]:
        """What this thread opens meanwhile is where what names no machine runs."""
        return self._machines.inside(HOSTS["10.0.0.1"])

    def root(self, host: str = HERE) -> Path:
        return self._path / (host or "here") / "ctpbus"

    def run(self, block: Block) -> str:
        """What it has printed on both outputs. Raises AssertionError when it fails."""
        if (name := block.argument("file")) is not None:
            file, _, host = name.partition(" on ")
            self.root(host).joinpath(file).write_text(block.text, "utf-8")
            return ""
        if (words := block.argument("stays")) is not None:
            text = self._placed(block.text)
            return "".join(self._stay(*line, words) for line in _by_host(text))
        match block.language:
            case "sh":
                return self._commands(block.text, block.argument("input"))
            case "yaml":
                return self._check(block.text)
            case "python":
                return self._file("snippet.py", block.text, ".venv/bin/python snippet.py")
            case "js":
                return self._file("snippet.mjs", block.text, f"node {_node_options()}snippet.mjs")
        raise AssertionError(f"{block}: nobody runs {block.language}")

    def up(self) -> None:
        """Unless it runs: the group of deploy/gateway.yaml."""
        if not members.find(self._run):
            self._shell(HERE, "deploy/up", "")

    def rest(self) -> None:
        """End the programs that stay."""
        for process in self._stays:
            process.terminate()
        for process in self._stays:
            with process:
                process.communicate(timeout=_READY_S)
        self._stays.clear()

    @property
    def _run(self) -> Path:
        return run_dir(str(self.root() / "var"))

    def _copy(self, root: Path) -> None:
        shutil.copytree(CHECKOUT, root, ignore=_SKIPPED)
        # One tcp_edge in the place of three saves two starts of each group.
        group = root / "deploy" / "gateway.yaml"
        text = group.read_text("utf-8")
        assert "processes: three" in text
        group.write_text(text.replace("processes: three", "processes: one"), "utf-8")
        programs = root / ".venv" / "bin"
        programs.mkdir(parents=True)
        start = f'PYTHONPATH={root} exec {sys.executable} "$@"\n'
        _program(programs / "python", f"#!/bin/sh\n{start}")
        main = "from admin.main import main; main()"
        _program(programs / "ctpbus", f"#!/bin/sh\nset -- -c '{main}' \"$@\"\n{start}")

    def _tools(self) -> None:
        """What the documents use and a test machine need not have."""
        tools = self._path / "tools"
        tools.mkdir()
        _program(tools / "scp", _SCP.replace("$1; shift", str(self._path)))
        if shutil.which("websocat") is None:
            script = CHECKOUT / "tests" / "support" / "websocat.py"
            _program(tools / "websocat", f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')

    def _environment(self) -> dict[str, str]:
        path = f"{self._path / 'tools'}:{os.environ['PATH']}"
        ours = {"CTPBUS_PYTHON": sys.executable, "PATH": path, "NO_COLOR": "1"}
        return {**os.environ, **ours, **self._extra}

    def _start(self, host: str, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._machines.prefix(HOSTS.get(host, "a")), *command],
            cwd=self.root(host),
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _call(self, host: str, *command: str, typed: str = "") -> tuple[int, str]:
        with self._start(host, list(command)) as process:
            try:
                said, _ = process.communicate(typed, timeout=_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, said

    def _shell(self, host: str, text: str, typed: str) -> str:
        typed = f"{typed}\n" if typed else ""
        command = ("bash", "-euo", "pipefail", "-c", self._placed(text))
        status, said = self._call(host, *command, typed=typed)
        assert status == 0, f"{text}\nexit status {status}\n{said}"
        return said

    def _commands(self, text: str, typed: str | None) -> str:
        """``typed`` goes to each line, which is a command then."""
        parts = _by_host(text)
        if typed is not None:
            parts = ((HERE, line) for line in text.splitlines())
        return "".join(self._shell(host, part, typed or "") for host, part in parts)

    def _check(self, text: str) -> str:
        """Every program reads the keys, in the place of those of deploy/simnow.yaml."""
        group = yaml.safe_load((self.root() / "deploy" / "simnow.yaml").read_text("utf-8"))
        for key, value in yaml.safe_load(text).items():
            group[key] = {**group.get(key, {}), **value} if isinstance(value, dict) else value
        (self.root() / "block.yaml").write_text(yaml.safe_dump(group), "utf-8")
        return self._shell(HERE, ".venv/bin/ctpbus config check --config block.yaml", "")

    def _placed(self, text: str) -> str:
        """A run directory may be outside of the checkout."""
        text = text.replace("/srv/ctpbus/var/run", str(self._run))
        return text.replace("/srv/ctpbus", str(self.root()))

    def _file(self, name: str, text: str, command: str) -> str:
        path = self.root() / name
        path.write_text(text, "utf-8")
        try:
            return self._shell(HERE, command, "")
        finally:
            path.unlink()

    def _stay(self, host: str, line: str, words: str) -> str:
        process = self._start(host, ["bash", "-c", f"exec {line}"])
        self._stays.append(process)
        assert process.stdout is not None
        said, until = "", time.monotonic() + _READY_S
        while words not in said:
            left = until - time.monotonic()
            assert left > 0 and process.poll() is None, f"{line} does not say {words}:\n{said}"
            if select.select([process.stdout], [], [], left)[0]:
                said += process.stdout.readline()
        return said


def _node_options() -> str:
    """Node has the browsers' WebSocket from 22 on, before that as an option."""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return "--experimental-websocket " if int(said.stdout[1:].split(".")[0]) < 22 else ""


def _program(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _by_host(text: str) -> Iterator[tuple[str, str]]:
    """A block without prompts is one, in the copy that names no machine; else line by line."""
    if not _PROMPT.match(text):
        yield HERE, text
        return
    for line in text.splitlines():
        found = _PROMPT.match(line)
        assert found is not None, line
        yield found[1], line[found.end() :]
