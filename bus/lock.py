"""One process per duty. An ipc socket can be bound twice without an error, so a lock decides."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from .errors import Busy


def hold(path: Path) -> IO[str]:
    """Take the lock file for as long as the returned file lives. Raises Busy."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Busy(f"{path} is held by another process") from None
    return file
