"""Which request lines were here before: one file for all connections of all processes.

A line is good once, for ``seconds`` around its time stamp. What has been seen stands in a file that
all processes share, so a line that was captured on its way to one port is refused by another, and
by the same one after its restart. The file is a table: the nonce chooses a bucket, a bucket has
places, a place is free again when its line would be too old anyway. Only lines that were opened
with the key get here, so strangers cannot fill it; who has the key and sends more than about
10,000 lines a second for a minute is refused (a full bucket), never accepted twice.

The table outlives processes but perhaps not a crash of the machine. So lines are refused that are
from before the machine's start or up to ``seconds`` younger: after a boot there is a pause of that
length. What this cannot see: the file removed, the wall clock set back, ``seconds`` made longer.
Who cuts the file short ends the processes that have it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .wire import Replayed

_PLACE: Final = struct.Struct(">12sI")  # nonce, Unix time in s at which the place is free again
_UNTIL: Final = struct.Struct(">I")
_NONCE: Final = _PLACE.size - _UNTIL.size
_CHOICE: Final = 4  # the byte of a nonce by which its place is looked for; those before: its bucket
_PLACES: Final = 32
_SIZE: Final = _PLACES * _PLACE.size  # bytes of a bucket
_BUCKETS: Final = 1 << 15
SIZE: Final = _BUCKETS * _SIZE  # 16 MiB
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
        self._span_ms = int(seconds * 1000)
        self._now_ms = now_ms
        self._floor_ms = (_booted_ms() if booted_ms is None else booted_ms) + self._span_ms
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # No line shall fail because the disk is full in the meantime.
            os.posix_fallocate(self._file, 0, SIZE)
            # To read and write the file instead would cost a tenth of all that a request costs.
            # It is in memory as a whole from the start, so that memory does not grow with lines.
            self._table = mmap.mmap(self._file, SIZE, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        self._table.close()
        os.close(self._file)

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
            until_s = (unix_ms + self._span_ms) // 1000 + 1
            self._place(at, _PLACE.pack(nonce, until_s), now_ms // 1000)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _SIZE, at)

    def _check(self, unix_ms: int, now_ms: int) -> None:
        if abs(now_ms - unix_ms) > self._span_ms:
            raise Replayed(f"the line's clock is {(unix_ms - now_ms) / 1000:+.1f} s off")
        if unix_ms <= self._floor_ms:
            raise Replayed("the line may be of the time before the machine's start")

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
