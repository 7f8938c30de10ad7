"""Which processes are of one group, also those of which /proc tells this user nothing.

Supervisord gets a mark in its environment and hands it on. Who has it locks one byte of a file in
the run directory for as long as he lives, and the kernel tells whoever asks by which pid; nobody
can read his environment any more (bus/memory.py).
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

MARK: Final = "CTPBUS_GROUP"

_FILE: Final = "members"
_LOCK: Final = struct.Struct("hhqqi")  # struct flock: type, whence, start, length, pid
_kept: list[IO[bytes]] = []  # closed it would give the lock back


def join() -> None:
    """As a member of the group whose mark this process has; nothing without one."""
    run = os.environ.get(MARK)
    if not run or not Path(run).is_dir():
        return
    _kept.append(file := (Path(run) / _FILE).open("a+b"))
    with suppress(OSError):  # in another container, which shares the folder, is one of our pid
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, os.getpid())


def joined(run: Path) -> set[int]:
    """Pids of the members that live, without this process."""
    try:
        with (run / _FILE).open("r+b") as file:
            return _holders(file.fileno(), 0, 0)
    except OSError:
        return set()


def _holders(file: int, start: int, length: int) -> set[int]:
    """Of locks in a range; ``length`` 0: without end. The kernel names one, whichever it likes."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind, _, at, _, pid = _LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    if kind == fcntl.F_UNLCK:
        return set()
    found = {pid} if pid > 0 else set()  # 0: of a container that is not ours to look into
    if at > start:
        found |= _holders(file, start, at - start)
    if not length or at + 1 < start + length:
        found |= _holders(file, at + 1, length and start + length - at - 1)
    return found
