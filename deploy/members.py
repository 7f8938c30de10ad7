"""The processes of one group, found by a mark in their environment and by bus/membership.py.

Supervisord gets the mark and hands it on, so processes are found even when supervisord was killed
and left them behind, and none is mistaken for ours because of its name. The environment tells of
supervisord, and of a process that is just starting; of others it may be closed to us.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from bus.membership import MARK, joined


def mark(run: Path) -> dict[str, str]:
    """The environment variable that supervisord is started with."""
    return {MARK: str(run)}


def find(run: Path) -> set[int]:
    """Pids of the group's processes, supervisord included, where there is a /proc."""
    wanted = f"{MARK}={run}".encode()
    pids = joined(run)
    for path in Path("/proc").glob("[0-9]*/environ"):
        # Another user's process, or one that has just ended.
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                pids.add(int(path.parent.name))
    return pids - {os.getpid()}


def wait_gone(run: Path, timeout_s: float) -> set[int]:
    """Wait until no process of the group is left; the pids that remain when time is over."""
    deadline = time.monotonic() + timeout_s
    while (left := find(run)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def end(run: Path, timeout_s: float) -> set[int]:
    """SIGTERM for all of them, SIGKILL for those that ignore it; the pids that were there."""
    found = find(run)
    _signal(found, signal.SIGTERM)
    _signal(wait_gone(run, timeout_s) if found else set(), signal.SIGKILL)
    return found


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
