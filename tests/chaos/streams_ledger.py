"""The publisher's own record: one entry for each message, written before it is sent.

Each entry is written by one call, so it survives the publisher's SIGKILL.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from bus.frames import HEADER, message_type
from bus.publisher import Publisher, Stream

MD_FILE: Final = "md.ledger"
TD_FILE: Final = "td.ledger"

_ENTRY: Final = struct.Struct("<HIQ8s")  # length of the topic, epoch, seq, digest
_PLACE: Final = struct.Struct("<IQ")
_RECORD: Final = struct.Struct("<II16s")  # of td_worker's journal: crc, length, its own digest
_KEPT: Final = (b"tick/", b"td/")
Keep = Callable[[bytes], None]


class Entry(NamedTuple):
    """One message; ``type`` 0: not told."""

    topic: str
    epoch: int
    seq: int
    digest: str
    type: int = 0


def digest(frame: bytes) -> bytes:
    """Of a whole message, topic and header and all."""
    return hashlib.blake2b(frame, digest_size=8).digest()


def frame_of(
    topic: str,
    header: tuple[int, int, int, int, int, int, int],
    body: bytes,
) -> bytes:
    """The message as it was on the bus."""
    return topic.encode() + b"\0" + HEADER.pack(*header) + body


def entry_of(frame: bytes) -> bytes:
    topic = frame[: frame.index(b"\0")]
    epoch, seq = _PLACE.unpack_from(frame, len(topic) + 1)
    return _ENTRY.pack(len(topic), epoch, seq, digest(frame)) + topic


def record(path: str) -> None:
    """From now on each publisher of this process writes down what it publishes, behind the
    journal."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    publish = Publisher.publish

    def new_publish(
        self: Publisher,
        stream: Stream,
        kind: int,
        flags: int,
        body: bytes,
        recv_ns: int,
        keep: Keep | None = None,
    ) -> int:
        def and_record(frame: bytes) -> None:
            if keep is not None:
                keep(frame)
            os.write(file, entry_of(frame))

        recorded = stream.prefix.startswith(_KEPT)
        return publish(self, stream, kind, flags, body, recv_ns, and_record if recorded else keep)

    patched: Any = Publisher
    patched.publish = new_publish


class Ledger:
    """The file as a reader sees it: for each (topic, epoch) the digests by seq."""

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self.epochs: dict[str, list[int]] = {}  # by topic, in their order
        self._digests: dict[tuple[str, int], dict[int, str]] = {}
        self._last: dict[tuple[str, int], int] = {}

    def read(self) -> None:
        """What has been added since the last time."""
        for entry in self._new():
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """A subscriber must have it."""
        self.know(entry)
        key = entry.topic, entry.epoch
        if key not in self._last:
            self.epochs.setdefault(entry.topic, []).append(entry.epoch)
        self._last[key] = max(entry.seq, self._last.get(key, 0))

    def know(self, entry: Entry) -> None:
        """A subscriber may have it."""
        self._digests.setdefault((entry.topic, entry.epoch), {})[entry.seq] = entry.digest

    def digest(self, topic: str, epoch: int, seq: int) -> str | None:
        return self._digests.get((topic, epoch), {}).get(seq)

    def last(self, topic: str, epoch: int) -> int:
        """The last seq of an epoch; 0 without any."""
        return self._last.get((topic, epoch), 0)

    def end(self, topic: str) -> tuple[int, int]:
        """The place of the last message of all."""
        epochs = self.epochs.get(topic, [])
        return (epochs[-1], self.last(topic, epochs[-1])) if epochs else (0, 0)

    def missing(self, topic: str, epoch: int, after: int, before: int) -> list[int]:
        """Seqs between these two that a subscriber must have."""
        return list(range(after + 1, before))

    def between(self, topic: str, after: int, before: int) -> bool:
        """Whether there was anything in the epochs between these two."""
        return any(after < epoch < before for epoch in self.epochs.get(topic, []))

    def __len__(self) -> int:
        return sum(len(digests) for digests in self._digests.values())

    def _new(self) -> Iterator[Entry]:
        return self._tail.entries(_entry_at)


class JournalLedger(Ledger):
    """The ledger of td_worker with its journal. What is in the journal must come to everybody. What
    is in the ledger alone was told on the way to a login that td_worker did not live to see.
    ``only``: the callbacks that count, when not all do."""

    def __init__(self, path: Path, accounts: Path, only: Iterable[str] = ()) -> None:
        super().__init__(path)
        self._accounts = accounts
        self._only = {message_type(name) for name in only}
        self._must: dict[tuple[str, int], set[int]] = {}
        self._journals: dict[Path, Tail] = {}

    def read(self) -> None:
        for path in sorted(self._accounts.glob("*/returns/*.returns")):
            tail = self._journals.setdefault(path, Tail(path))
            for entry in tail.entries(_record_at):
                if self._only and entry.type not in self._only:
                    self.know(entry)
                else:
                    self.add(entry)
        for entry in self._new():
            self.know(entry)

    def add(self, entry: Entry) -> None:
        super().add(entry)
        self._must.setdefault((entry.topic, entry.epoch), set()).add(entry.seq)

    def missing(self, topic: str, epoch: int, after: int, before: int) -> list[int]:
        must = self._must.get((topic, epoch), set())
        return [seq for seq in range(after + 1, before) if seq in must]


Parse = Callable[[bytes, int], tuple[Entry, int] | None]


class Tail:
    """A file that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def entries(self, parse: Parse) -> Iterator[Entry]:
        """The complete ones since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        at = 0
        while (found := parse(data, at)) is not None:
            entry, at = found
            yield entry
        self._at += at


def _entry_at(data: bytes, at: int) -> tuple[Entry, int] | None:
    """The entry of a ledger at this place, and where the next one begins."""
    if at + _ENTRY.size > len(data):
        return None
    length, epoch, seq, seen = _ENTRY.unpack_from(data, at)
    end = at + _ENTRY.size + length
    if end > len(data):
        return None
    return Entry(data[at + _ENTRY.size : end].decode(), epoch, seq, seen.hex()), end


def _record_at(data: bytes, at: int) -> tuple[Entry, int] | None:
    """The same of a journal."""
    if at + _RECORD.size > len(data):
        return None
    crc, length, _ = _RECORD.unpack_from(data, at)
    end = at + _RECORD.size + length
    if end > len(data) or zlib.crc32(data[at + 4 : end]) != crc:
        return None
    frame = data[at + _RECORD.size : end]
    topic = frame[: frame.index(b"\0")]
    epoch, seq, _, _, kind, *_ = HEADER.unpack_from(frame, len(topic) + 1)
    return Entry(topic.decode(), epoch, seq, digest(frame).hex(), kind), end
