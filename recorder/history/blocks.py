"""Records of ticks in the form of an answer, made once."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final, NamedTuple

import msgspec

from bus.history import Form, TickBlock

from ..ticks.reading import DayReader
from ..ticks.record import CRC_SIZE, GAP, HEADER_END, PREFIX_SIZE
from .manners import give_way

_TOGETHER: Final = 8  # records that are encoded without giving way
SIZE: Final = 64  # records: 0.4 ms of encoding
_TYPE: Final = slice(CRC_SIZE + 28, CRC_SIZE + 30)  # of the header, see bus.frames
_GAP: Final = GAP.to_bytes(2, "little")
_T, _G, _D = b"TGD"  # a tick, a gap, damaged

File = tuple[str, str, int, bytes]


def file_of(reader: DayReader, number: int) -> File:
    """The name of a file's content: another file in its place begins with another record.
    ``number``: which one of its day and instrument."""
    first = reader.raw(0, 1)
    return reader.head.day, reader.head.instrument, number, first[0][:PREFIX_SIZE] if first else b""


class Part(NamedTuple):
    """Some records of a block as a message; of ``records`` so many are ``ticks``."""

    message: bytes
    ticks: int
    records: int


@dataclass(frozen=True, slots=True)
class Block:
    """The first records of up to SIZE as a message, encoded one behind the other: number N lies
    between ``ends[N]`` and ``ends[N + 1]`` behind ``at``, and what it is says ``kinds[N]``."""

    size: int
    message: bytes
    at: int
    ends: array[int]
    kinds: bytes

    @property
    def cost(self) -> int:
        """Bytes."""
        return len(self.message) + len(self.ends) * self.ends.itemsize + len(self.kinds)

    def part(self, begin: int, end: int, limit: int) -> Part:
        """Records from ``begin`` to before ``end``, but not more than ``limit`` ticks."""
        ticks = self.kinds.count(_T, begin, end)
        if ticks > limit:
            end, ticks = self._after_ticks(begin, limit), limit
        if begin == 0 and end == len(self.kinds):
            return Part(self.message, ticks, end)
        kinds = self.kinds[begin:end]
        message, _ = _message(self.size, self.pieces(begin, end), kinds)
        return Part(message, ticks, end - begin)

    def pieces(self, begin: int, end: int) -> bytes:
        data = self.message[self.at + self.ends[begin] : self.at + self.ends[end]]
        # The array ends where the last object has its comma.
        return data[:-1] + b"," if data and not self.size else data

    def _after_ticks(self, begin: int, count: int) -> int:
        at = begin
        while count:
            count -= self.kinds[at] == _T
            at += 1
        return at


def _message(size: int, data: bytes, kinds: bytes) -> tuple[bytes, int]:
    """The ``TickBlock`` of some pieces, and where in it they begin."""
    inside = data
    if not size and data:
        inside = b"[%b]" % data[:-1]
    block = TickBlock(
        size=size,
        ticks=kinds.count(_T),
        gaps=kinds.count(_G),
        damaged=kinds.count(_D),
        data=inside,
    )
    message = msgspec.msgpack.encode(block)
    # Nothing comes behind them: the bracket at the end stands where the last comma was.
    return message, len(message) - len(data)


class Blocks:
    """All files are cut into blocks of SIZE records. What was written never changes, so what was
    encoded is kept, up to ``most`` bytes; a block that grows is encoded from where it ended.

    encoded  records
    hits     blocks that were there
    misses   blocks of which something was encoded
    """

    def __init__(self, json: Callable[[bytes], bytes], most: int) -> None:
        self._json, self._most = json, most
        self._kept: OrderedDict[tuple[File, int, Form], Block] = OrderedDict()
        self.bytes = self.encoded = self.hits = self.misses = 0

    def part(
        self, reader: DayReader, file: File, begin: int, end: int, limit: int, form: Form
    ) -> Part:
        """Records from ``begin`` to the end of their block, to ``end`` or to the limit."""
        number = begin // SIZE
        first = number * SIZE
        block = self._block(reader, (file, number, form), min(SIZE, len(reader) - first))
        return block.part(begin - first, min(end - first, SIZE), limit)

    def single(self, reader: DayReader, number: int, form: Form) -> Part:
        """One record, without a trace in what is kept: the last one of a file is told at once, and
        its block with the others."""
        return self._encode(reader, number, 1, form, None).part(0, 1, 1)

    def _block(self, reader: DayReader, key: tuple[File, int, Form], count: int) -> Block:
        block = self._kept.get(key)
        if block is not None and len(block.kinds) >= count:
            self._kept.move_to_end(key)
            self.hits += 1
            return block
        self.misses += 1
        made = self._encode(reader, key[1] * SIZE, count, key[2], block)
        if block is not None:
            self.bytes -= block.cost
        self._kept[key] = made
        self._kept.move_to_end(key)
        self.bytes += made.cost
        while self.bytes > self._most:
            self.bytes -= self._kept.popitem(last=False)[1].cost
        return made

    def _encode(
        self, reader: DayReader, first: int, count: int, form: Form, known: Block | None
    ) -> Block:
        """``known``: its beginning."""
        is_json = form == "json"
        old = b"" if known is None else known.kinds
        records = reader.raw(first + len(old), first + count)
        kinds = old + bytes(map(_kind, records))
        if is_json:
            pieces = self._texts(records, kinds[len(old) :])
        else:
            pieces = [record[CRC_SIZE:HEADER_END] + record[PREFIX_SIZE:] for record in records]
        ends = array("I", [0]) if known is None else known.ends[:]
        ends.extend(islice(accumulate(map(len, pieces), initial=ends[-1]), 1, None))
        if known is not None:
            pieces.insert(0, known.pieces(0, len(old)))
        self.encoded += len(records)
        size = 0 if is_json else HEADER_END - CRC_SIZE + reader.head.body_size
        message, at = _message(size, b"".join(pieces), kinds)
        return Block(size, message, at, ends, kinds)

    def _texts(self, records: list[bytes], kinds: bytes) -> list[bytes]:
        json = self._json
        texts: list[bytes] = []
        for begin in range(0, len(records), _TOGETHER):
            some = slice(begin, begin + _TOGETHER)
            texts += [
                json(record[PREFIX_SIZE:]) + b"," if kind == _T else b""
                for record, kind in zip(records[some], kinds[some], strict=True)
            ]
            give_way()
        return texts


def _kind(record: bytes) -> int:
    return _D if not record else _G if record[_TYPE] == _GAP else _T
