"""One file of the journal of returns: the records of one trading day, one behind the other.

    crc32   u32  of everything behind it
    size    u32  of the frame
    digest  16   of the return, by which its repetition is known; zeros: none
    frame        the message as it was published, topic and all

Little-endian. A process that is killed can leave the last record incomplete, and its crc says so.
"""

from __future__ import annotations

import errno
import logging
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

log = logging.getLogger("td_worker")

NO_DIGEST: Final = bytes(16)
_CRC: Final = struct.Struct("<I")
_REST: Final = struct.Struct("<I16s")
_HEAD: Final = _CRC.size + _REST.size
_PLACE: Final = struct.Struct("<IQ")  # how a message's header begins: epoch, seq
_LONGEST: Final = 1 << 20  # bytes of a frame; a larger size is garbage
_AT_ONCE: Final = 256  # records that go from the memory to the file in one go


class Record(NamedTuple):
    """Where a record is and which message it holds; ``end`` is where the next one begins."""

    start: int
    end: int
    epoch: int
    seq: int


class DayFile:
    """The file of one trading day, and in memory what it could not take.

    Every record has its place in the file from the beginning, so whatever happens the file holds
    the first part of what was appended, in order. Only ``scan`` and ``read`` raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = 0  # where the next record belongs
        self.error: OSError | None = None  # why the memory holds something
        self._counts: dict[bytes, int] = {}  # by digest
        self._whole = 0  # how far the file was good before anything was appended
        self._fd = -1
        self._waiting: OrderedDict[int, bytes] = OrderedDict()  # by place
        self._usable = True

    @property
    def waiting(self) -> int:
        """Records that are in the memory alone."""
        return len(self._waiting)

    def times(self, digest: bytes) -> int:
        """How many records have this digest."""
        return self._counts.get(digest, 0)

    def scan(self) -> Iterator[Record]:
        """Every whole record of the file; what follows the last one is cut off before anything is
        appended. Raises OSError; then nothing will be written, for it would hide what is there."""
        try:
            with self.path.open("rb", buffering=1 << 20) as file:
                while (found := _next_record(file)) is not None:
                    digest, frame = found
                    start, self.end = self.end, self.end + _HEAD + len(frame)
                    self._whole = self.end
                    self._count(digest)
                    yield Record(start, self.end, *_place(frame))
        except FileNotFoundError:
            return
        except OSError as exc:
            self._usable, self.error = False, exc
            raise

    def append(self, digest: bytes, frame: bytes) -> Record:
        """Write it, or keep it until ``flush`` can."""
        self._count(digest)
        rest = _REST.pack(len(frame), digest) + frame
        record = _CRC.pack(zlib.crc32(rest)) + rest
        start, self.end = self.end, self.end + len(record)
        if self._waiting or not self._write(start, record):
            self._waiting[start] = record
        return Record(start, self.end, *_place(frame))

    def flush(self) -> bool:
        """Write some of what waits; whether the file took it."""
        for start, record in list(islice(self._waiting.items(), _AT_ONCE)):
            if not self._write(start, record):
                return False
            del self._waiting[start]
        if self._usable and not self._waiting:
            self.error = None
        return True

    def read(self, start: int, end: int) -> bytes:
        """The frame of the record in this place. Raises OSError, also for a damaged one."""
        record = self._waiting.get(start)
        if record is None:
            record = os.pread(self._opened(), end - start, start)
        if len(record) != end - start or zlib.crc32(record[4:]) != _CRC.unpack_from(record)[0]:
            raise OSError(errno.EIO, "a damaged record")
        return record[_HEAD:]

    def close(self) -> None:
        """Nothing is read or written any more."""
        self._usable = False
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _count(self, digest: bytes) -> None:
        if digest != NO_DIGEST:
            self._counts[digest] = self._counts.get(digest, 0) + 1

    def _write(self, start: int, record: bytes) -> bool:
        try:
            if os.pwrite(self._opened(), record, start) != len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as exc:
            self.error = exc
            return False
        return True

    def _opened(self) -> int:
        """The file, without a torn end: a record over the beginning of it might bring an old one
        behind it to life."""
        if self._fd >= 0:
            return self._fd
        if not self._usable:
            raise OSError(errno.EBADF, "the file is not in use")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            torn = os.fstat(fd).st_size - self._whole
            os.ftruncate(fd, self._whole)
        except OSError:
            os.close(fd)
            raise
        if torn:
            fields = {"file": self.path.name, "bytes": torn}
            log.warning("a torn end of the journal was cut off", extra={"fields": fields})
        self._fd = fd
        return fd


def _next_record(file: BinaryIO) -> tuple[bytes, bytes] | None:
    """(digest, frame); None at the end, and for anything that is not a whole record."""
    head = file.read(_HEAD)
    if len(head) < _HEAD:
        return None
    (crc,), (size, digest) = _CRC.unpack_from(head), _REST.unpack_from(head, _CRC.size)
    if not 0 < size <= _LONGEST:
        return None
    frame = file.read(size)
    if len(frame) < size or zlib.crc32(frame, zlib.crc32(head[_CRC.size :])) != crc:
        return None
    return digest, frame


def _place(frame: bytes) -> tuple[int, int]:
    """(epoch, seq) of a message that a publisher has made."""
    epoch, seq = _PLACE.unpack_from(frame, frame.index(b"\0") + 1)
    return epoch, seq
