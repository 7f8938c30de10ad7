"""Processes of a group, started one by one without supervisord, for process tests.

    with Group(tmp_path) as group:
        group.start("sim", "md_worker", "td_worker", "ws_edge")
        connect(group.url("/td/"))
        group.kill("td_worker")
        group.start("td_worker")

Each process is ``python -m NAME --config FILE`` with the checkout first on its path, its stderr in
``tmp_path/log/NAME.log``. Ports are chosen by the kernel and read from the ready lines. The name
"md_worker:a" starts ``python -m md_worker --member a``.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import yaml

from bus.endpoints import run_dir
from tests.support import canary

CHECKOUT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 30.0  # the first start after an installation also derives the catalogue
STOP_TIMEOUT_S = 5.0  # the promise of every process for SIGTERM
WORKERS = ("md_worker", "td_worker")
ALL = ("sim", *WORKERS, "ws_edge")


class Process(Protocol):
    """What of ``subprocess.Popen`` a group uses."""

    stdout: IO[bytes] | None

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Group:
    """A group's configuration under ``tmp_path`` and the processes started from it.

    ``sim=True`` points both workers at the embedded exchange (which still has to be started).
    With ``sim=False`` they get an address where nobody listens, unless ``overrides`` names another;
    ``front_env`` is added to the environment of the two workers only (``LD_PRELOAD``, ``FRONT_*``).
    ``entries`` names a module to run in the place of a process's own, for tests that take something
    out of it. ``overrides`` is merged over the generated file:
    ``{"td_worker": {"query_timeout_s": 1}}``; a value that is not a mapping replaces a top-level
    key (``{"log_level": "DEBUG"}``). ``prefix`` begins the command of each process and must end as
    that very process (``ip netns exec NAME``).
    """

    def __init__(
        self,
        tmp_path: Path,
        *,
        sim: bool = True,
        front_env: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        entries: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.path = tmp_path
        self.data = tmp_path / "var"
        self.config_file = tmp_path / "group.yaml"
        self.ready: dict[str, dict[str, str]] = {}
        self._front_env = dict(front_env or {})
        self._entries = dict(entries or {})
        self._prefix = list(prefix)
        self._processes: dict[str, Process] = {}
        # tmp_path repeats the test's name; a unix socket's path ends at 107 bytes.
        self._sockets = Path(tempfile.mkdtemp(prefix="ctpbus-"))
        (tmp_path / "log").mkdir(exist_ok=True)
        config = self._config(sim)
        for section, values in (overrides or {}).items():
            if isinstance(values, Mapping):
                config.setdefault(section, {}).update(values)
            else:
                config[section] = values
        self.config = config
        self.config_file.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")

    def _config(self, sim: bool) -> dict[str, Any]:
        socket = self._sockets / "sim.sock"
        # Port 1 is reserved: a connection there is refused at once.
        md_front, td_front = [f"sim://{socket}"] * 2 if sim else ["tcp://127.0.0.1:1"] * 2
        return {
            "data": str(self.data),
            "sim": {"listen": str(socket), "users": canary.USERS},
            "md_worker": {"front": md_front, "broker_id": "9999"},
            "td_worker": {
                "front": td_front,
                "broker_id": "9999",
                "app_id": "simnow_client_test",
                "auth_code": canary.AUTH_CODE,
            },
            "ws_edge": {"host": "127.0.0.1", "port": 0},
            "tcp_edge": {name: {"port": 0} for name in ("login", "quote", "trade")},
        }

    def start(self, *names: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Start the named processes together and wait for the ready line of each."""
        for name in names:
            assert name not in self._processes, f"{name} runs already"
            self._processes[name] = self._spawn(name)
        deadline = time.monotonic() + timeout_s
        for name in names:
            self.ready[name] = self._ready_line(name, deadline)

    def refused(self, name: str, *arguments: str) -> tuple[int, str]:
        """Exit status and stderr of ``python -m NAME`` that is not to start."""
        done = subprocess.run(
            [sys.executable, "-m", name, "--config", str(self.config_file), *arguments],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=READY_TIMEOUT_S,
            check=False,
        )
        assert not done.stdout
        return done.returncode, done.stderr

    def start_all(self) -> None:
        self.start(*ALL)

    def stop(self, name: str) -> int:
        """SIGTERM, and the exit status; fails when the process takes longer than promised."""
        process = self._processes[name]
        process.terminate()
        try:
            status = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill(name)
            raise AssertionError(f"{name} ignored SIGTERM:\n{self.log(name)}") from None
        self._forget(name)
        return status

    def kill(self, name: str) -> None:
        """SIGKILL: no chance to say goodbye."""
        process = self._processes[name]
        process.kill()
        process.wait()
        self._forget(name)

    def restart(self, name: str) -> None:
        """kill -9 and start again."""
        self.kill(name)
        self.start(name)

    def freeze(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def wait(self, name: str, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Exit status of a process that is expected to end by itself."""
        status = self._processes[name].wait(timeout_s)
        self._forget(name)
        return status

    def running(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def url(self, path: str) -> str:
        """WebSocket URL of ``/md/`` or ``/td/``, as ws_edge, or one of several, announced it."""
        edge = next(name for name in self.ready if name.partition(":")[0] == "ws_edge")
        return self.ready[edge]["ws"].rstrip("/") + path

    def log(self, name: str) -> str:
        """Everything the process wrote to stderr, over all its starts in this group."""
        return self._log_file(name).read_text("utf-8", "replace")

    def close(self) -> None:
        """End every process, frozen ones too. Raises canary.Leak when a secret of the group is
        found in what it leaves."""
        secrets = canary.secrets_of(self.config, self.data)
        canary.know(secrets)
        self._plant()
        for process in self._processes.values():
            process.terminate()
            process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for name, process in list(self._processes.items()):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._forget(name)
        shutil.rmtree(self._sockets)
        shutil.rmtree(run_dir(str(self.data)))  # outside of tmp_path when that is long
        if leaks := canary.found(self.path, secrets):
            raise canary.Leak("\n".join(leaks))

    def _plant(self) -> None:
        """Not where processes stand still or are in a network of their own."""
        awake = {
            name: told
            for name, told in self.ready.items()
            if self.running(name) and not self._stands_still(name)
        }
        if not self._prefix:
            listed = self.config["tcp_edge"].get("keys") or [{}]
            own = self.data / "tcp_edge" / "ofx.key"
            key = listed[0].get("passphrase", "")
            if not key and own.exists():
                key = own.read_text("ascii").strip()
            canary.visit(awake, key, self.path / "log" / "pages.txt")

    def _stands_still(self, name: str) -> bool:
        status = Path(f"/proc/{self.pid(name)}/stat").read_text("utf-8", "replace")
        return status.rpartition(")")[2].split()[0] == "T"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _spawn(self, name: str) -> Process:
        environment = dict(os.environ)
        paths = [str(CHECKOUT), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        module, _, member = name.partition(":")
        if module in WORKERS:
            environment.update(self._front_env)
        command = [
            *self._prefix,
            sys.executable,
            "-m",
            self._module(module),
            "--config",
            str(self.config_file),
        ]
        with self._log_file(name).open("ab") as log:
            return subprocess.Popen(
                [*command, "--member", member] if member else command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,  # a file: a pipe would have to be drained
                cwd=self.path,
                env=environment,
            )

    def _module(self, name: str) -> str:
        return self._entries.get(name, name)

    def _ready_line(self, name: str, deadline: float) -> dict[str, str]:
        stdout = self._processes[name].stdout
        assert stdout is not None
        line = _read_line(stdout, deadline)
        if not line.endswith(b"\n"):
            try:  # its end may be seen on the pipe a moment before its status is there
                end = f"ended with {self._processes[name].wait(1)}"
            except subprocess.TimeoutExpired:
                end = "is still starting"
            raise AssertionError(f"{name} {end} and was not ready:\n{self.log(name)}")
        ready: dict[str, str] = json.loads(line)["ready"]
        return ready

    def _forget(self, name: str) -> None:
        stdout = self._processes.pop(name).stdout
        if stdout is not None:
            stdout.close()

    def _log_file(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"


def _read_line(stream: IO[bytes], deadline: float) -> bytes:
    """One line, or what had come when the stream ended or the deadline (monotonic) passed."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                break
            byte = os.read(stream.fileno(), 1)
            if not byte:
                break
            line += byte
    return line
