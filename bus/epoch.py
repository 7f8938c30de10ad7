"""A number that rises at each start of a publisher and survives crashes."""

from __future__ import annotations

import os
from pathlib import Path


def next_epoch(folder: Path) -> int:
    """Count one more start in ``folder``/epoch, durably, before anything is published in it."""
    path = folder / "epoch"
    epoch = int(path.read_text()) + 1 if path.exists() else 1
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
