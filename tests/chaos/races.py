"""Two td_workers want the same account at the same moment: exactly one gets it, before any login.

    .venv/bin/python -m tests.chaos.races --races 1000
    .venv/bin/python -m tests.chaos.races --races 20 --without-lock     # both get it

One process imports everything and forks both workers of a race, so a race costs 0.2 s. They have
folders and sockets of their own and share the folder of accounts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sim.control import SimControl
from tests.support.buslink import TdLink
from tests.support.group import CHECKOUT, Group

USER: Final = "028742"
BUSY: Final = 75
_PATIENCE_S: Final = 20.0
KEYS: Final[dict[str, Any]] = {"users": [USER], "queries_per_s": 1000, "quiet_s": 0.01}


class Nursery:
    """The process that forks the workers; it never touches ZeroMQ itself."""

    def __init__(self, configs: list[Path], without_lock: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.races", "--nursery", *map(str, configs)]
            + (["--without-lock"] if without_lock else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=CHECKOUT,
            text=True,
        )

    def race(self) -> list[dict[str, Any]]:
        """Of each worker: its exit status, or the addresses where it is ready."""
        return list(self._ask("race"))

    def end(self) -> None:
        """kill -9 of who is left."""
        self._ask("end")

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.end()  # a race that was broken off has left workers
        with self._process:
            self._process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, what: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(what, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def races(count: int, without_lock: bool = False) -> Counter[int]:
    """How often there were so many owners. Raises AssertionError when anybody but the owner asked
    for a login."""
    owners: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        keys = {**KEYS, "accounts_folder": f"{folder}/accounts"}
        paths = [Path(folder, name) for name in ("one", "two")]
        for path in paths:
            path.mkdir()
        overrides = {"td_worker": keys}
        with Group(paths[0], overrides=overrides) as one:
            overrides = {"td_worker": {**keys, "front": one.config["td_worker"]["front"]}}
            with Group(paths[1], overrides=overrides) as two:
                one.start("sim")
                groups = [one, two]
                with (
                    SimControl(one.config["sim"]["listen"]) as sim,
                    Nursery([group.config_file for group in groups], without_lock) as nursery,
                ):
                    for number in range(1, count + 1):
                        owners[_race(groups, sim, nursery)] += 1
                        if number % 50 == 0:
                            print(f"{number} races; owners: {dict(owners)}", flush=True)
    return owners


def _race(groups: list[Group], sim: SimControl, nursery: Nursery) -> int:
    before = sim.tally().get("ReqUserLogin", 0)
    results = nursery.race()
    ready = [group for group, end in zip(groups, results, strict=True) if "ready" in end]
    others = {end["status"] for end in results if "ready" not in end}
    assert others <= {BUSY}, results
    assert sim.tally().get("ReqUserLogin", 0) == before, "somebody logged in before he was ready"
    for group, end in zip(groups, results, strict=True):
        if group in ready:
            group.ready["td_worker"] = end["ready"]
            with TdLink(group) as client:
                client.login(USER)
    assert sim.tally()["ReqUserLogin"] == before + len(ready)
    nursery.end()
    return len(ready)


# -- the nursery -----------------------------------------------------------------------------


def tend(configs: list[str], without_lock: bool) -> None:
    """Read commands from stdin, answer each with a line."""
    import bus.lock
    import sim.front
    import td_worker.__main__  # noqa: F401

    sim.front.load("openctp_ctp")
    if without_lock:
        module: Any = bus.lock
        module.fcntl = _Unlocked()
    children: list[tuple[int, int]] = []
    for line in sys.stdin:
        if line.strip() == "race":
            gate_out, gate_in = os.pipe()
            children = [_fork(config, gate_out, gate_in) for config in configs]
            os.close(gate_out)
            time.sleep(0.005)  # both stand at the gate
            os.close(gate_in)
            answer: Any = [_outcome(*child) for child in children]
        else:
            for pid, _ in children:
                _kill(pid)
            answer = True
        print(json.dumps(answer), flush=True)


class _Unlocked:
    """Instead of the module fcntl: every lock is to be had."""

    LOCK_EX = LOCK_NB = 0

    def flock(self, file: object, how: int) -> None: ...


def _fork(config: str, gate_out: int, gate_in: int) -> tuple[int, int]:
    """(pid, what it writes to stdout)."""
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    status = 1
    try:
        os.close(gate_in)
        os.dup2(into, 1)
        os.read(gate_out, 1)  # until everybody else has closed the other end
        from bus.process import main
        from td_worker.__main__ import run
        from td_worker.config import TdConfig

        sys.argv = ["td_worker", "--config", config]
        status = main("td_worker", TdConfig, run, "")
    finally:
        os._exit(status)


def _outcome(pid: int, out: int) -> dict[str, Any]:
    line, deadline = b"", time.monotonic() + _PATIENCE_S
    while not line.endswith(b"\n"):
        if not select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        part = os.read(out, 4096)
        if not part:
            break
        line += part
    os.close(out)
    if line.endswith(b"\n"):
        return dict(json.loads(line))
    return {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass  # it has ended, and was waited for


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--without-lock", action="store_true", help="negative control")
    parser.add_argument("--nursery", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.nursery:
        tend(options.nursery, options.without_lock)
        return 0
    began = time.monotonic()
    owners = races(options.races, options.without_lock)
    took_s = time.monotonic() - began
    print(f"{options.races} races in {took_s:.0f} s; owners: {dict(owners)}")
    return 0 if owners == {2 if options.without_lock else 1: options.races} else 1


if __name__ == "__main__":
    sys.exit(main())
