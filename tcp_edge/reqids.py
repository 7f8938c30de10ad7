"""Numbers of requests: one rising int per gateway and trading day, beginning at 1, for all its
clients and processes.

The file has one line of fixed length, read and written under a lock: two calls that both end in the
page cache, so a process that is killed loses no number. When the machine itself goes down the last
writes may not be on the disk; so numbers are set aside on the disk in blocks, and after another
start of the machine the count goes on behind the block.

The day is the gateway's: that of the calendar of its group, which turns in the evening, when the
exchanges' next trading day begins. It never goes back, whatever the clock does.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

_BLOCK: Final = 1000
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class _Count(NamedTuple):
    """``aside``: numbers up to this one are on the disk as used. ``boot``: of the machine."""

    day: str
    last: int
    aside: int
    boot: str

    def line(self) -> bytes:
        return f"{self.day:8} {self.last:016d} {self.aside:016d} {self.boot:36}\n".encode()


class Reqids:
    """``today`` gives the trading day, "20261123"."""

    def __init__(self, folder: Path, today: Callable[[], str]) -> None:
        self._today, self._boot = today, _boot()
        self._file = os.open(folder / "reqids", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def next(self) -> int:
        """Never the same on one day. Raises OSError, and nothing is counted then."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self._count()
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._file)

    def _count(self) -> int:
        before = self._read()
        day = max(self._today(), before.day)
        last = before.last if before.boot == self._boot else before.aside
        last = last + 1 if day == before.day else 1
        aside = before.aside if day == before.day else 0
        durable = last > aside
        if durable:
            aside = last + _BLOCK - 1
        line = _Count(day, last, aside, self._boot).line()
        if os.pwrite(self._file, line, 0) != len(line):
            raise OSError("the count of requests was not written")
        if durable:
            os.fsync(self._file)
        return last

    def _read(self) -> _Count:
        text = os.pread(self._file, 256, 0).decode("ascii", "replace")
        if not text:
            return _Count("", 0, 0, self._boot)
        try:
            day, last, aside, boot = text.split()
            return _Count(day, int(last), int(aside), boot)
        except ValueError:
            raise OSError("the count of requests cannot be read") from None


def gateway_name(folder: Path) -> str:
    """What this gateway calls itself at td_worker: made once, so that its reqids are told from
    those of another one that uses the same td_worker."""
    file = folder / "name"
    if not file.exists():
        beside = folder / f"name.{secrets.token_hex(4)}"
        beside.write_text(f"tcp_edge.{secrets.token_hex(4)}\n", "ascii")
        try:
            file.hardlink_to(beside)  # leaves that of a process that was quicker
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return file.read_text("ascii").strip()


def _boot() -> str:
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return "unknown"
