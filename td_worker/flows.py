"""The folders in which the API keeps its flow files: one a trading day for each API object.

The library ends the process with SIGSEGV when it cannot write there, and after a restart of the
counter that cleared its flows old files may keep returns away. So a folder is proven before the
API sees it, and those of other days go.
"""

from __future__ import annotations

import resource
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

_CHINA: Final = timezone(timedelta(hours=8))
_NEXT_DAY_FROM_HOUR: Final = 17  # a counter is set up for the next trading day after the close
_FILES: Final = 32  # an API object opens about 20: flow files, sockets, its epoll


class FlowError(Exception):
    """No API object may be made; the text says why and what to do."""


def expected_day(unix_s: float) -> str:
    """The trading day that a login at this moment should tell, as 20260105. Holidays are not
    known; the counter is."""
    moment = datetime.fromtimestamp(unix_s, _CHINA)
    day = moment.date() + timedelta(days=moment.hour >= _NEXT_DAY_FROM_HOUR)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day.strftime("%Y%m%d")


class Flows:
    """Those of one session: ``FOLDER/DAY`` or, for a slot above 0, ``FOLDER/DAY-SLOT``."""

    def __init__(self, folder: Path, slot: int) -> None:
        self._folder, self._suffix = folder, f"-{slot}" if slot else ""

    def prepare(self, day: str) -> Path:
        """Make the folder of a day and remove those of others. Raises FlowError."""
        path = self._folder / f"{day}{self._suffix}"
        try:
            _check_files()
            for old in self._others(path):
                shutil.rmtree(old, ignore_errors=True)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = path / "probe"
            probe.touch()
            probe.unlink()
        except OSError as exc:
            raise FlowError(f"the flow folder {path} cannot be written: {exc.strerror}") from None
        return path

    def _others(self, path: Path) -> list[Path]:
        if not self._folder.is_dir():
            return []
        own = f"????????{self._suffix}"
        return [found for found in self._folder.glob(own) if found != path]


def _check_files() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = sum(1 for _ in Path("/proc/self/fd").iterdir())
    if limit != resource.RLIM_INFINITY and limit - used < _FILES:
        raise FlowError(f"{used} of {limit} files are open; raise `ulimit -n`")
