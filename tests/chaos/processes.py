"""A group whose processes begin by a fork of this one, which has imported everything.

A cold start of td_worker takes 0.35 s of a core, nearly all of it imports; a forked one answers
after 20 ms, so many more kills fit into an hour. One start in ``COLD`` is an ordinary one.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import random
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from schemas import catalogue
from schemas.counter import module
from tests.support.group import Group, Process

COLD: Final = 10
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG


class Forked:
    """A child process that runs ``work``; what of ``subprocess.Popen`` a Group uses."""

    def __init__(self, work: Callable[[], object], log: Path, *, piped: bool = False) -> None:
        sys.stdout.flush()
        ours, theirs = os.pipe()
        self._status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours)
            _become(work, log, theirs)
        os.close(theirs)
        self.stdout: IO[bytes] | None = os.fdopen(ours, "rb", 0) if piped else None
        if not piped:
            os.close(ours)

    def poll(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.0002
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(pause)
            pause = min(pause * 2, 0.01)
        return status

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(work: Callable[[], object], log: Path, stdout: int) -> None:
    """The child: never returns."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        error = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for old, new in ((null, 0), (stdout, 1), (error, 2)):
            os.dup2(old, new)
        os.closerange(3, 1024)  # of its brothers and sisters
        random.seed()
        work()
        status = 0
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class ForkingGroup(Group):
    """``cold`` counts the ordinary starts of processes."""

    def __init__(self, path: Path, seed: int, **options: Any) -> None:
        super().__init__(path, **options)
        self._random = random.Random(f"starts/{seed}")
        self.cold = 0
        for name in ("td_worker.worker", "md_worker.worker", "ws_edge.edge"):
            importlib.import_module(name)
        catalogue.load()
        module(self.config["td_worker"]["front"], "td", "openctp_ctp")
        gc.freeze()

    def go(self, name: str) -> None:
        """Start one without waiting until it is ready."""
        self._processes[name] = self._spawn(name)

    def revive(self, name: str) -> None:
        """Start one that has ended by itself."""
        self.wait(name)
        self.go(name)

    def _spawn(self, name: str) -> Process:
        if name == "sim" or self._random.randrange(COLD) == 0:
            self.cold += 1
            return super()._spawn(name)
        return Forked(lambda: self._run(self._module(name)), self._log_file(name), piped=True)

    def _run(self, name: str) -> None:
        os.chdir(self.path)
        sys.argv = [name, "--config", str(self.config_file)]
        runpy.run_module(name, run_name="__main__", alter_sys=False)
