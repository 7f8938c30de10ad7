"""What administrators did: ``admin/audit.jsonl`` in the data folder, one JSON object per line, only
ever added to. No password is in it.

    {"at": "2026-11-23T09:01:02.345+08:00", "who": "admin", "peer": "127.0.0.1",
     "what": "service.stop", "on": "md_worker", "outcome": "ok"}
"""

from __future__ import annotations

import logging
import os
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

log = logging.getLogger(__name__)

OK: Final = "ok"
_LONGEST: Final = 200
_TAIL_BYTES: Final = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """``at``: local time with its zone. ``outcome``: OK, or why not."""

    at: str
    who: str
    peer: str
    what: str
    on: str
    outcome: str


class Audit:
    """The file, made when missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, who: str, peer: str, what: str, on: str = "", outcome: str = OK) -> None:
        """On disk when it returns. Raises OSError."""
        at = datetime.now().astimezone().isoformat(timespec="milliseconds")
        texts = (text[:_LONGEST] for text in (who, peer, what, on, outcome))
        # Half of a surrogate pair comes from a browser as from anybody else.
        body = msgspec.json.encode(Entry(at, *(_clean(text) for text in texts)))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(self._path, flags, 0o600)
        try:
            os.write(file, body + b"\n")
            os.fsync(file)
        finally:
            os.close(file)

    def last(self, count: int) -> list[Entry]:
        """Newest first; as many as there are in the end of the file."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                lines = deque(file.read().splitlines(), count)
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Entry))
            except msgspec.DecodeError:
                continue  # the first one of the tail is cut; a crash may have cut another
        return found[::-1]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
