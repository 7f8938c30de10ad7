"""The processes of one group, found by a mark in their environment.

Supervisord gets the mark and hands it on, so processes are found even when supervisord was killed
and left them behind, and none is mistaken for ours because of its name.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "CTPBUS_GROUP"


def mark(run: Path) -> dict[str, str]:
    """The environment variable that supervisord is started with."""
    return {MARK: str(run)}


def find(run: Path) -> set[int]:
    """Pids of the group's processes, supervisord included; empty where there is no /proc."""
    wanted = f"{MARK}={run}".encode()
    pids = set()
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
