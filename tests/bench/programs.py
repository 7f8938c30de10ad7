"""The C programs under reference/, and the CPU time of a process."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_SOURCES = Path(__file__).resolve().parent / "reference"


def allow_open_files() -> None:
    """As many as this user may have, for us and the processes that we start."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@cache
def compiled(name: str) -> Path:
    """The program made from reference/NAME.c, anew when its source has changed."""
    source, program = _SOURCES / f"{name}.c", CHECKOUT / "build" / "bench" / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        new = program.with_suffix(f".{os.getpid()}")  # another benchmark may be starting it
        subprocess.run(["cc", "-O2", "-Wall", "-o", str(new), str(source)], check=True)
        new.rename(program)
    return program


def cpu_ns(pid: int) -> int:
    """User and system time of all threads of a process so far."""
    cpu_clock_of_process = 2  # Linux, posix-timers.h: CPUCLOCK_SCHED, and the pid's complement
    return time.clock_gettime_ns(~pid << 3 | cpu_clock_of_process)


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{pid} has no memory")
