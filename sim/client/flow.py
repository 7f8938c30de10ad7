"""What the real API does by itself before a request leaves it, and its flow files."""

from __future__ import annotations

import os
import struct
from collections import deque
from pathlib import Path
from typing import Final

from schemas.api import Request
from schemas.errors import SENT, TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND

NO_TRADING_DAY: Final = "19800100"
"""What GetTradingDay() returns before the first login."""


class QueryLimits:
    """One query in flight, and so many a second (0: any number). Times are monotonic seconds."""

    def __init__(self) -> None:
        self.per_second = 0
        self._in_flight: tuple[Request, int] | None = None
        self._sent: deque[float] = deque()

    def take(self, request: Request, request_id: int, now: float) -> int:
        """SENT and the query counts, or the code that the Req* call returns."""
        if self._in_flight is not None:
            return TOO_MANY_IN_FLIGHT
        while self._sent and now - self._sent[0] >= 1.0:
            self._sent.popleft()
        if self.per_second and len(self._sent) >= self.per_second:
            return TOO_MANY_PER_SECOND
        self._sent.append(now)
        self._in_flight = request, request_id
        return SENT

    def answered(self, request_id: int, callback: str | None = None) -> None:
        """A last row or OnRspError has come for this id (``callback`` None: was lost)."""
        if self._in_flight is None or self._in_flight[1] != request_id:
            return
        if callback in (None, "OnRspError", self._in_flight[0].reply):
            self._in_flight = None

    def disconnected(self) -> None:
        self._in_flight = None


class FlowFile:
    """How far one API object has read the private stream of a trading day, on disk.

    ``prefix`` is the flow path given to Create*Api; as in the real API it is put in front of the
    file names as it is, so that "flow/" names a folder and "flow/a" begins the names in it.
    """

    _RECORD: Final = struct.Struct("<8sQ")

    def __init__(self, prefix: str) -> None:
        """Raises RuntimeError when the folder is missing: there the real API ends the process."""
        folder = Path(prefix + "x").parent
        if not folder.is_dir():
            raise RuntimeError(
                f"can not open CFlow file: the folder {folder} does not exist "
                "(the real API dies of this with SIGSEGV)"
            )
        self._file = os.open(f"{prefix}Private.con", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def load(self) -> tuple[str, int]:
        """Trading day and sequence number of the last return read; ("", 0) for a new file."""
        record = os.pread(self._file, self._RECORD.size, 0)
        if len(record) != self._RECORD.size:
            return "", 0
        day, sequence = self._RECORD.unpack(record)
        return day.rstrip(b"\0").decode("ascii", "replace"), sequence

    def store(self, day: str, sequence: int) -> None:
        os.pwrite(self._file, self._RECORD.pack(day.encode(), sequence), 0)

    def close(self) -> None:
        os.close(self._file)
