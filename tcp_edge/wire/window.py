"""Which request lines were here before: one file for all connections of all processes.

A line is good once, for ``seconds`` around its time stamp. What has been seen stands in a file that
all processes share, so a line that was captured on its way to one port is refused by another, and
by the same one after its restart. The file is a table: the nonce chooses a bucket, a bucket has
places, a place is free again when its line would be too old anyway. Only lines that were opened
with the key get here, so strangers cannot fill it; who has the key and sends more than about
10,000 lines a second for a minute is refused (a full bucket), never accepted twice.

The table outlives processes but perhaps not a crash of the machine. So lines are refused that are
from before the machine's start or up to ``seconds`` younger: after a boot there is a pause of that
length.

A word behind the table is the time up to which lines are refused because the table may have
forgotten them. ``tend`` raises it with the clock. When the clock is set back it stays, so lines are
refused until the time is reached again at which the table forgets no more. When the file is
removed, who notices it first makes another one, and the word in it says that for ``seconds`` no
line is good. To remove it is therefore what ends a long pause after a clock that was wrong.

What this cannot see: the file removed while no process runs, or by another one that starts before
the next ``tend``, for up to two seconds; ``seconds`` made longer. Who cuts the file short ends the
processes that have it.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .wire import Replayed

log = logging.getLogger("tcp_edge")

TEND_S: Final = 1.0
_PLACE: Final = struct.Struct(">12sI")  # nonce, Unix time in s at which the place is free again
_UNTIL: Final = struct.Struct(">I")
_NONCE: Final = _PLACE.size - _UNTIL.size
_CHOICE: Final = 4  # the byte of a nonce by which its place is looked for; those before: its bucket
_PLACES: Final = 32
_SIZE: Final = _PLACES * _PLACE.size  # bytes of a bucket
_BUCKETS: Final = 1 << 15
_TABLE: Final = _BUCKETS * _SIZE  # 16 MiB
# Of this machine's order: an aligned word is written as a whole.
_WORD: Final = struct.Struct("=Q")
SIZE: Final = _TABLE + _WORD.size
# How much longer than needed a line stands in the table: ``tend`` may be late.
_LATE_MS: Final = 2000
_STEP_MS: Final = 1000  # the clock goes back by less all the time
_NEVER: Final = 1 << 62
# Where the times of a bucket are, from each of its places on.
_ORDERS: Final = tuple(
    tuple((first + n) % _PLACES * _PLACE.size + _NONCE for n in range(_PLACES))
    for first in range(_PLACES)
)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _booted_ms() -> int:
    return _now_ms() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class ReplayWindow:
    """Raises OSError when the file cannot be made. For one thread of a process.

    ``booted_ms`` is the Unix time of the machine's start.
    """

    def __init__(
        self,
        path: Path,
        seconds: float = 30.0,
        now_ms: Callable[[], int] = _now_ms,
        booted_ms: int | None = None,
    ) -> None:
        self._path = path
        self._span_ms = int(seconds * 1000)
        self._now_ms = now_ms
        self._booted_ms = (_booted_ms() if booted_ms is None else booted_ms) + self._span_ms
        self._last_ms = 0
        self._told = False
        self._removed = self._clock_back = 0
        self._file, self._table = _open(path)
        self._raise(now_ms(), 0)

    def close(self) -> None:
        self._table.close()
        os.close(self._file)

    def tend(self) -> None:
        """To be called every TEND_S."""
        now_ms, floor_ms = self._now_ms(), self._forgotten_ms
        gone = not self._is_ours()
        if gone:
            self._removed += floor_ms < _NEVER
            floor_ms = self._renew(now_ms)
        if now_ms < self._last_ms - _STEP_MS:
            self._clock_back += 1
        self._raise(now_ms, floor_ms)
        self._tell("the window's file was removed" if gone else "the clock was set back")

    def _tell(self, why: str) -> None:
        """Once for each time that lines are refused."""
        refused_ms = self._refuses_ms()
        if refused_ms and not self._told:
            fields = {"why": why, "s": refused_ms // 1000, "file": str(self._path)}
            log.error("lines are refused", extra={"fields": fields})
        self._told = refused_ms > 0

    def describe(self) -> dict[str, int]:
        """``refuses_s``: so long no line is taken, other than after a boot."""
        told = {"removed": self._removed, "clock_back": self._clock_back}
        return {"refuses_s": -(-self._refuses_ms() // 1000), **told}

    def _refuses_ms(self) -> int:
        if self._forgotten_ms == _NEVER:
            return self._span_ms  # at least
        return max(0, self._forgotten_ms - self._now_ms())

    def _is_ours(self) -> bool:
        """Whether who starts now finds the file that we have."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except OSError:
            return False

    def _renew(self, now_ms: int) -> int:
        """Up to when lines may stand in the file that is gone."""
        try:
            file, table = _open(self._path)
        except OSError:
            return _NEVER
        self.close()
        self._file, self._table = file, table
        self._booted_ms = 0  # whatever the clock was then, it is longer ago
        return now_ms + self._span_ms + _LATE_MS

    def _raise(self, now_ms: int, floor_ms: int) -> None:
        """What every process has raised it to, and the clock."""
        word_ms: int = _WORD.unpack_from(self._table, _TABLE)[0]
        self._forgotten_ms = max(floor_ms, word_ms, now_ms - self._span_ms - 1)
        if floor_ms < _NEVER:
            _WORD.pack_into(self._table, _TABLE, self._forgotten_ms)
        self._floor_ms = max(self._forgotten_ms, self._booted_ms)
        self._last_ms = now_ms

    def enter(self, unix_ms: int, nonce: bytes) -> None:
        """The line of this time and nonce is served now. Raises Replayed."""
        at = int.from_bytes(nonce[:4], "big") % _BUCKETS * _SIZE
        # A lock for each bucket, so that a process which is stopped at the wrong moment holds up
        # next to nothing.
        fcntl.lockf(self._file, fcntl.LOCK_EX, _SIZE, at)
        try:
            # By the time of now: while it waited for the lock, its place may have become free.
            now_ms = self._now_ms()
            self._check(unix_ms, now_ms)
            until_s = (unix_ms + self._span_ms + _LATE_MS) // 1000 + 1
            self._place(at, _PLACE.pack(nonce, until_s), now_ms // 1000)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _SIZE, at)

    def _check(self, unix_ms: int, now_ms: int) -> None:
        if abs(now_ms - unix_ms) > self._span_ms:
            raise Replayed(f"the line's clock is {(unix_ms - now_ms) / 1000:+.1f} s off")
        if unix_ms <= self._floor_ms:
            raise Replayed(self._why(unix_ms))

    def _why(self, unix_ms: int) -> str:
        if unix_ms <= self._booted_ms:
            return "the line may be of the time before the machine's start"
        return "the line may be of the time before the clock was set back, or the file removed"

    def _place(self, at: int, place: bytes, now_s: int) -> None:
        table = self._table
        if table.find(place[:_NONCE], at, at + _SIZE) >= 0:
            raise Replayed("the line was here before")
        # Not from the first on: in a table that is half full every second try is good.
        for until in _ORDERS[place[_CHOICE] % _PLACES]:
            if _UNTIL.unpack_from(table, at + until)[0] < now_s:
                begin = at + until - _NONCE
                table[begin : begin + _PLACE.size] = place
                return
        raise Replayed("too many lines at once")


def _open(path: Path) -> tuple[int, mmap.mmap]:
    """Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # No line shall fail because the disk is full in the meantime.
        os.posix_fallocate(file, 0, SIZE)
        # To read and write the file instead would cost a tenth of all that a request costs.
        # It is in memory as a whole from the start, so that memory does not grow with lines.
        return file, mmap.mmap(file, SIZE, mmap.MAP_SHARED | mmap.MAP_POPULATE)
    except BaseException:
        os.close(file)
        raise
