"""The bytes of a file of ticks. Little-endian.

A file is a head of 128 bytes and records of one size::

    head    "ctpbtick"  version u16  layout u16  body size u32  trading day 8 bytes  instrument 80
            bytes of UTF-8 with NULs behind, and zeros
    record  crc32 u32  the message's header (``bus.frames.HEADER``, 34 bytes)  2 zeros  body

The crc is of everything behind it. Header and body are those of the message on the bus, so what is
played back is what was published. Equal sizes make the file its own index: record N lies at one
place, times and seqs rise, and a search halves.

A record of type "Gap" stands for messages that are not there: its epoch and seq are those of the
last one missing, its body begins with the seq of the first (u64).
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from bus.frames import HEADER, message_type

HEAD: Final = struct.Struct("<8sHHI8s80s")
HEAD_SIZE: Final = 128
_MAGIC: Final = b"ctpbtick"
_VERSION: Final = 1
PREFIX_SIZE: Final = 40
_CRC: Final = struct.Struct("<I")
CRC_SIZE: Final = _CRC.size
HEADER_END: Final = CRC_SIZE + HEADER.size
_ROOM: Final = b"\0" * (PREFIX_SIZE - HEADER_END)
_FIRST: Final = struct.Struct("<Q")
GAP: Final = message_type("Gap")


class FileError(ValueError):
    """Not a file of ticks, or none that this version can read."""


class Head(NamedTuple):
    """What all records of a file have in common. ``layout``: version of the API's structs."""

    layout: int
    body_size: int
    day: str
    instrument: str

    @property
    def record_size(self) -> int:
        return PREFIX_SIZE + self.body_size


class Record(NamedTuple):
    """One message as it was published, or a gap. ``recv_ns``, ``sent_ns``: Unix time."""

    epoch: int
    seq: int
    recv_ns: int
    sent_ns: int
    type: int
    layout: int
    flags: int
    body: bytes

    @property
    def first_missing(self) -> int | None:
        """Of a gap: the seq with which it begins, None when nobody knows."""
        return (int(_FIRST.unpack_from(self.body)[0]) or None) if self.type == GAP else None


def pack_head(head: Head) -> bytes:
    instrument = head.instrument.encode()
    if len(instrument) > 80:
        raise FileError(f"the name of an instrument is too long: {len(instrument)} bytes")
    fields = (_MAGIC, _VERSION, head.layout, head.body_size, head.day.encode(), instrument)
    return HEAD.pack(*fields).ljust(HEAD_SIZE, b"\0")


def unpack_head(raw: bytes) -> Head:
    """Raises FileError."""
    if len(raw) < HEAD_SIZE or raw[:8] != _MAGIC:
        raise FileError("not a file of ticks")
    _, version, layout, size, day, instrument = HEAD.unpack_from(raw)
    if version != _VERSION:
        raise FileError(f"version {version} of the files of ticks is not known")
    return Head(layout, size, day.decode("ascii"), instrument.rstrip(b"\0").decode())


def pack_record(header: bytes, body: bytes) -> bytes:
    """From the two parts of a published message behind its topic."""
    rest = header + _ROOM + body
    return _CRC.pack(zlib.crc32(rest)) + rest


def pack_gap(head: Head, epoch: int, first: int, last: int, now_ns: int) -> bytes:
    """``first`` 0: nobody knows how many are missing."""
    header = HEADER.pack(epoch, last, now_ns, now_ns, GAP, head.layout, 0)
    return pack_record(header, _FIRST.pack(first).ljust(head.body_size, b"\0"))


def is_whole(raw: bytes) -> bool:
    """Whether these bytes are what was written."""
    return zlib.crc32(memoryview(raw)[4:]) == int.from_bytes(raw[:4], "little")


def unpack_record(raw: bytes) -> Record:
    """Raises FileError for bytes that are not what was written."""
    if not is_whole(raw):
        raise FileError("a damaged record")
    return unpack_whole(raw)


def unpack_whole(raw: bytes) -> Record:
    """Of bytes that are known to be what was written."""
    return Record._make((*HEADER.unpack_from(raw, _CRC.size), raw[PREFIX_SIZE:]))
