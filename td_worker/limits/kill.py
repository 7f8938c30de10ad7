"""The kill switch of an account: a file, so that it outlives the worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_CANCEL_ALL: Final = b"cancel_all\n"


class KillSwitch:
    """``on`` while the file is there. ``cancel_all``: what lives is to be cancelled as well."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.on = path.exists()
        self.cancel_all = self.on and _content(path) == _CANCEL_ALL

    def set(self, on: bool, cancel_all: bool) -> None:
        """Durable when it returns. Raises OSError; then new orders are refused all the same, until
        the worker ends."""
        if on:
            self.on, self.cancel_all = True, cancel_all
            self._write(_CANCEL_ALL if cancel_all else b"on\n")
        else:
            self._path.unlink(missing_ok=True)
            self.on = self.cancel_all = False
        self._sync_folder()

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not by a rename: the file alone, even empty, keeps the switch on.
        with self._path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        if not self._path.parent.exists():
            return
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
