"""What a subscriber was given, in its order; one line of JSON an entry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Got(msgspec.Struct, frozen=True, array_like=True, tag="got"):
    """A message. ``digest`` is of all of it; "" where the way there changes its form."""

    topic: str
    epoch: int
    seq: int
    digest: str = ""


class Hole(msgspec.Struct, frozen=True, array_like=True, tag="hole"):
    """Told that these are not coming; ``last`` None: until a new start, nobody knows how many."""

    topic: str
    epoch: int
    first: int
    last: int | None


class Missed(msgspec.Struct, frozen=True, array_like=True, tag="missed"):
    """Told that so many were left out before the next message; None: nobody knows."""

    topic: str
    count: int | None


class Anew(msgspec.Struct, frozen=True, array_like=True, tag="anew"):
    """Told that the publisher was started anew."""

    topic: str
    epoch: int


class Silence(msgspec.Struct, frozen=True, array_like=True, tag="silence"):
    """Told that nothing is heard, or again."""

    topic: str
    over: bool


class Figures(msgspec.Struct, frozen=True, array_like=True, tag="figures"):
    """The counters of the client so far."""

    values: dict[str, int]


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """The stream came to an end, which it must not."""

    why: str


Entry = Got | Hole | Missed | Anew | Silence | Figures | Ended
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Diary:
    """The file of one subscriber, which may be stopped at any moment."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, entry: Entry) -> None:
        os.write(self._file, _encode(entry) + b"\n")

    def close(self) -> None:
        os.close(self._file)


class Pages:
    """The file as its reader sees it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new(self) -> Iterator[Entry]:
        """Complete entries since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            *lines, _ = file.read().split(b"\n")
        for line in lines:
            self._at += len(line) + 1
            yield _decode(line)
