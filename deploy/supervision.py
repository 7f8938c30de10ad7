"""The group's supervisord: its configuration, its start, and questions over its unix socket."""

from __future__ import annotations

import configparser
import os
import resource
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from string import Template
from typing import Any, NamedTuple
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from deploy import members
from deploy.plan import CHECKOUT, Plan

TEMPLATE = CHECKOUT / "deploy" / "supervisord.conf"
OPEN_FILES = 65_536  # also the limit of ws_edge: one per client
ANSWER_TIMEOUT_S = 10.0
STOPPING_S = 60.0  # to stop a program takes its stopwaitsecs, and an update stops several
STARTING = ("STARTING", "RUNNING")


class SupervisorFailed(Exception):
    """Supervisord itself did not start; the text says why."""


class Program(NamedTuple):
    """One program as supervisord sees it; ``started`` is the Unix time of its last start."""

    name: str
    state: str
    pid: int
    started: int


def render(plan: Plan) -> str:
    """The template filled in for one group."""
    names = {
        "root": str(CHECKOUT),
        "run": str(plan.run),
        "log": str(plan.log),
        "python": shlex.quote(sys.executable),
        "config": shlex.quote(str(plan.config)),
        "open_files": str(_open_files()),
    }
    # Supervisord expands %(name)s by itself.
    safe = {name: value.replace("%", "%%") for name, value in names.items()}
    parser = configparser.RawConfigParser()
    parser.read_string(Template(TEMPLATE.read_text("utf-8")).substitute(safe))
    if os.getuid() == 0:
        parser.set("supervisord", "user", "root")  # said openly, else it warns at each start
    _fill_in_programs(parser, plan)
    lines = [f"; Made by deploy/up from {TEMPLATE.name}; changes here are lost."]
    for section in parser.sections():
        lines += ["", f"[{section}]", *(f"{key} = {value}" for key, value in parser.items(section))]
    return "\n".join(lines) + "\n"


def _fill_in_programs(parser: configparser.RawConfigParser, plan: Plan) -> None:
    """A section for each program of the plan, made from the template's section of its module."""
    templates = {}
    for section in parser.sections():
        kind, _, module = section.partition(":")
        if kind in ("program", "eventlistener"):
            templates[module] = kind, dict(parser.items(section))
            parser.remove_section(section)
    for name, program in plan.programs.items():
        kind, template = templates[program.module]
        settings = dict(template)
        without = [f"--unset={name}" for name in program.withheld]
        command = [*(["env", *without] if without else []), *shlex.split(settings["command"])]
        settings["command"] = shlex.join([*command, *program.arguments])
        key = "stderr_logfile" if kind == "eventlistener" else "stdout_logfile"
        settings[key] = settings[key].replace(f"/{program.module}.log", f"/{name}.log")
        settings[key] = settings[key].replace("%", "%%")  # this one it expands twice
        # Makes supervisord see a changed YAML file as a changed program.
        settings["environment"] = f'CTPBUS_SETTINGS="{program.fingerprint}"'
        parser.read_dict({f"{kind}:{name}": settings})


def _open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)


class _Connection(HTTPConnection):
    """To a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except BlockingIOError:  # so many wait already that the kernel takes no more
            raise TimeoutError from None


class Supervisor:
    """The supervisord of one group, running or not."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.config = plan.run / "supervisord.conf"
        self.log = plan.log / "supervisord.log"

    def alive(self, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
        """Raises TimeoutError when it is there and does not answer."""
        try:
            return bool(self._call("getState", timeout_s=timeout_s))
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            return False

    def start(self) -> None:
        """Start it in the background; it starts the programs in the order of their priority."""
        self._write_config()
        done = subprocess.run(
            self._command(),
            cwd=CHECKOUT,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SupervisorFailed((done.stderr or done.stdout).strip())
        self._wait_alive(lambda: None)

    def start_foreground(self) -> subprocess.Popen[bytes]:
        """Start it as our child that writes its own log lines to our stdout, and that the terminal
        sends no signals."""
        self._write_config()
        process = subprocess.Popen(
            [*self._command(), "--nodaemon"],
            cwd=CHECKOUT,
            env=self._environment(),
            start_new_session=True,
        )
        self._wait_alive(process.poll)
        return process

    def programs(self, timeout_s: float = STOPPING_S) -> dict[str, Program]:
        """Raises OSError, HTTPException; TimeoutError as ``alive``."""
        return {
            info["name"]: Program(info["name"], info["statename"], info["pid"], info["start"])
            for info in self._call("getAllProcessInfo", timeout_s=timeout_s)
        }

    def follows_plan(self) -> bool:
        """Whether the running supervisord was started or last updated with this very plan."""
        return self.config.exists() and self.config.read_text("utf-8") == render(self.plan)

    def adopt(self) -> set[str]:
        """Make the running supervisord follow the plan; the programs started for it."""
        if not self.follows_plan():
            self._write_config()
            self._update()
        down = {p.name for p in self.programs().values() if p.state not in STARTING}
        for name in down:
            self._start_program(name)
        return down

    def _update(self) -> None:
        added, changed, removed = self._call("reloadConfig")[0]
        for name in (*removed, *changed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*changed, *added):
            self._call("addProcessGroup", name)

    def _start_program(self, name: str) -> None:
        try:
            # Without waiting: the caller watches all of them at once.
            self._call("startProcess", name, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise SupervisorFailed(f"{name}: {fault.faultString}") from fault

    def stop_program(self, name: str) -> None:
        self._call("stopProcess", name)

    def shutdown(self) -> None:
        self._call("shutdown")

    def _answers(self) -> bool:
        try:
            return self.alive()
        except TimeoutError:
            return False

    def _wait_alive(self, status: Callable[[], int | None]) -> None:
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline or status() is not None:
                raise SupervisorFailed(f"supervisord does not answer; see {self.log}")
            time.sleep(0.05)

    def _call(self, method: str, *arguments: Any, timeout_s: float = STOPPING_S) -> Any:
        path = f"{self.plan.run}/supervisor.sock"
        transport = SupervisorTransport(serverurl=f"unix://{path}")
        # The transport's own connection waits for ever for one who is frozen.
        transport._get_connection = lambda: _Connection(path, timeout_s)
        with ServerProxy("http://localhost", transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "deploy.supervisord", "-c", str(self.config)]

    def _environment(self) -> Mapping[str, str]:
        return os.environ | members.mark(self.plan.run)

    def _write_config(self) -> None:
        self.plan.log.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config.write_text(render(self.plan), "utf-8")
