"""A number that rises at each start of a publisher and survives crashes. Publishers that count in
one folder never have the same."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


def next_epoch(folder: Path) -> int:
    """Count one more start in ``folder``/epoch, durably, before anything is published in it.

    The count begins at the Unix time, so that it rises even when the folder was lost: who has heard
    a publisher before takes a lower epoch for one that is gone.
    """
    with (folder / "epoch.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _count(folder)


def _count(folder: Path) -> int:
    path = folder / "epoch"
    epoch = int(path.read_text()) + 1 if path.exists() else int(time.time())
    scratch = folder / "epoch.new"
    with scratch.open("w") as file:
        file.write(str(epoch))
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return epoch
