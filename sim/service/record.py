"""The exchange's ledger as a file, which outlives the exchange."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import msgspec

from ..exchange.ledger import Entry


def plain(entry: Entry) -> dict[str, Any]:
    """An entry as a mapping; ``kind`` is the name of its class."""
    return {"kind": type(entry).__name__, **dataclasses.asdict(entry)}


class Record:
    """Appends each entry as one line of JSON, at once: whatever a client was told of is here, even
    if the exchange is killed right after. Nothing is written when ``path`` is empty."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(path, flags, 0o600) if path else None
        self._encode = msgspec.json.Encoder().encode

    def append(self, entry: Entry) -> None:
        if self._file is not None:
            os.write(self._file, self._encode(plain(entry)) + b"\n")
