"""Which days of ticks go: the oldest, beyond a number of them and when the disk fills up."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

log = logging.getLogger("recorder")

_MB: Final = 1 << 20
_WARN_AT: Final = 2  # times the least that is to stay free


def too_many(days: list[str], keep_days: int, current: Collection[str]) -> list[str]:
    """Of sorted days the oldest that are more than ``keep_days``, but never a current one."""
    return [day for day in days[: max(0, len(days) - keep_days)] if day not in current]


class Space:
    """Whether days have to go for want of room. Before any goes there has been a warning."""

    def __init__(self, min_free_mb: int) -> None:
        self._least = min_free_mb * _MB
        self.low = self._warned = False

    def judge(self, free: int) -> bool:
        """``free``: bytes. Whether the oldest day goes."""
        self.low = free < self._least
        warned, self._warned = self._warned, free < self._least * _WARN_AT
        if self._warned and not warned:
            fields = {"free_mb": free // _MB, "oldest_days_go_below_mb": self._least // _MB}
            log.warning("the disk fills up", extra={"fields": fields})
        return self.low and warned


def free_bytes(folder: Path) -> int:
    """What this user can still write there. Raises OSError."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def remove(folders: Collection[Path], day: str, why: str) -> bool:
    """Remove a day from each of these folders; whether nothing of it is left."""
    gone = True
    for folder in folders:
        try:
            shutil.rmtree(folder / day)
        except FileNotFoundError:
            continue
        except OSError as exc:
            gone = False
            fields = {"day": day, "error": exc.strerror, "folder": str(folder)}
            log.error("a day could not be removed", extra={"fields": fields})
    if gone:
        log.warning("a day was removed", extra={"fields": {"day": day, "why": why}})
    return gone
