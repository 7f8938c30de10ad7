"""One process per duty. An ipc socket can be bound twice without an error, so a lock decides."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from .errors import Busy


def hold(path: Path) -> IO[str]:
    """Take the lock file for as long as the returned file lives. Raises Busy, or FileNotFoundError
    when its folder is missing or the file was removed by who held it before."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise FileNotFoundError(path)
    except BlockingIOError:
        file.close()
        raise Busy(f"{path} is held by another process") from None
    except BaseException:
        file.close()
        raise
    return file
