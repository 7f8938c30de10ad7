"""Ticks as Parquet. Imported only when it is asked for: pyarrow is an extra."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from recorder.ticks.record import Record
from schemas.calendar import Calendar
from schemas.codec import Codec
from schemas.fields import NO_VALUE, struct_of
from schemas.text import CHARS, TEXTS
from schemas.tick_time import tick_time_ns

ZONE: Final = "Asia/Shanghai"
_TIME: Final = pa.timestamp("ns", tz=ZONE)
_TYPES: Final = {
    "s": pa.string(),
    "c": pa.string(),
    "h": pa.int16(),
    "i": pa.int32(),
    "q": pa.int64(),
    "d": pa.float64(),
}
_OWN: Final = [
    ("recv_time", _TIME),
    ("exchange_time", _TIME),
    ("epoch", pa.uint32()),
    ("seq", pa.uint64()),
]

_TIME_FIELDS: Final = ("InstrumentID", "TradingDay", "ActionDay", "UpdateTime", "UpdateMillisec")


def schema_of(codec: Codec) -> Any:
    return pa.schema([*_OWN, *((field.name, _TYPES[field.kind]) for field in codec.layout.fields)])


class ParquetSink:
    """One file, a row group for each batch."""

    def __init__(self, path: Path, codec: Codec, calendar: Calendar) -> None:
        self._schema, self._calendar = schema_of(codec), calendar
        self._fields = codec.layout.fields
        self._struct = struct_of(codec.layout)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, records: list[Record]) -> None:
        if not records:
            return
        unpack = self._struct.unpack
        columns = dict(
            zip(
                (field.name for field in self._fields),
                zip(*(unpack(record.body) for record in records), strict=True),
                strict=True,
            )
        )
        plain = {field.name: _plain(field.kind, columns[field.name]) for field in self._fields}
        own: list[list[Any]] = [
            [record.recv_ns for record in records],
            self._made(plain, records),
            [record.epoch for record in records],
            [record.seq for record in records],
        ]
        arrays = [
            pa.array(values, type=field.type)
            for values, field in zip([*own, *plain.values()], self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    def _made(self, plain: dict[str, list[Any]], records: list[Record]) -> list[int | None]:
        calendar = self._calendar
        columns = (plain[name] for name in _TIME_FIELDS)
        return [
            tick_time_ns(calendar, name, day, action, clock, millisec, record.recv_ns)
            for name, day, action, clock, millisec, record in zip(*columns, records, strict=True)
        ]


def _plain(kind: str, values: tuple[Any, ...]) -> list[Any]:
    """As ``schemas.fields.plain``, a column at a time."""
    if kind == "d":
        return [value if -math.inf < value < NO_VALUE else None for value in values]
    if kind == "s":
        return [TEXTS[value] for value in values]
    if kind == "c":
        return [CHARS[value] for value in values]
    return list(values)
