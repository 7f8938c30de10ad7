"""Ticks, returns and answers as tables of pandas or polars, which are extras.

    ticks = await client.history.ticks("rb2610", day="20261123")
    frame = to_pandas(client, ticks)           # pip install -e .[pandas]
    frame = to_polars(client, ticks)           # pip install -e .[polars]
    frame = to_pandas(client, await account.ctp.ReqQryTrade())

The columns are those of a Parquet export: recv_time and, of ticks, exchange_time (both of
Asia/Shanghai; null where a tick shows no time), epoch and seq, then the fields of the struct by
CTP's names. A price that CTP does not have is null (pandas: NaN). Of ticks and returns ``missing``
says how many are not on record right before the row, -1: nobody knows. What is not of the rows'
kind is left out: Restarted, Stale and Fresh, and a Gap behind the last row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from schemas.calendar import Calendar
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.layout import Field
from schemas.tick_time import tick_time_ns
from schemas.typed import CtpStruct
from schemas.typed.named import fields_of

from ..frames import Flag, split_body
from ..history import Answered, AnswerKind
from .items import Gap, Item, Return, Tick

if TYPE_CHECKING:
    import pandas
    import polars

ZONE: Final = "Asia/Shanghai"
_ANSWERS: Final[dict[AnswerKind, str]] = {
    "orders": "Order",
    "trades": "Trade",
    "assets": "TradingAccount",
    "positions": "InvestorPosition",
}
_TIME, _TEXT, _WHOLE, _NUMBER = "time", "text", "whole", "number"
_KINDS: Final = {"s": _TEXT, "c": _TEXT, "h": _WHOLE, "i": _WHOLE, "q": _WHOLE, "d": _NUMBER}
_CLOCK: Final = ("InstrumentID", "TradingDay", "ActionDay", "UpdateTime", "UpdateMillisec")


class Decodes(Protocol):
    """A client, whether it waits or not."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def calendar(self) -> Calendar: ...
    def struct_name(self, item: Tick | Return) -> str: ...
    def class_of(self, struct: str) -> type[CtpStruct]: ...
    def decoded(self, cls: type[CtpStruct], raw: bytes) -> CtpStruct: ...


class Column(NamedTuple):
    """``kind``: what its values are; a time is Unix time in ns."""

    kind: str
    values: list[Any]


def columns(client: Decodes, items: Iterable[Item] | Iterable[CtpStruct]) -> dict[str, Column]:
    """By their names. Raises ValueError for rows of several structs, and for those of another
    version of the API than the installed one."""
    told: list[Item | CtpStruct] = list(items)
    if any(isinstance(item, CtpStruct) for item in told):
        return _of_structs(client, [item for item in told if isinstance(item, CtpStruct)])
    rows, missing = _rows(told)
    if not rows:
        return {}
    name, fields = _fields(client, rows)
    values = _decoded(client, name, rows)
    found = {
        "recv_time": Column(_TIME, [row.recv_ns for row in rows]),
        "epoch": Column(_WHOLE, [row.epoch for row in rows]),
        "seq": Column(_WHOLE, [row.seq for row in rows]),
        "missing": Column(_WHOLE, missing),
    }
    if isinstance(rows[0], Tick):
        made = [_made(client, value, row.recv_ns) for value, row in zip(values, rows, strict=True)]
        found = {"recv_time": found.pop("recv_time"), "exchange_time": Column(_TIME, made)} | found
    return found | _by_field(fields, values)


def to_pandas(client: Decodes, items: Iterable[Item] | Iterable[CtpStruct]) -> pandas.DataFrame:
    """Raises ImportError without pandas, and as ``columns``."""
    import pandas

    def series(column: Column) -> Any:
        if column.kind == _TIME:
            times = pandas.to_datetime(pandas.Series(column.values, dtype="Int64"), unit="ns")
            return times.astype("datetime64[ns]").dt.tz_localize("UTC").dt.tz_convert(ZONE)
        types = {_TEXT: "object", _WHOLE: "int64", _NUMBER: "float64"}
        return pandas.Series(column.values, dtype=types[column.kind])

    found = columns(client, items)
    return pandas.DataFrame({name: series(column) for name, column in found.items()})


def to_polars(client: Decodes, items: Iterable[Item] | Iterable[CtpStruct]) -> polars.DataFrame:
    """Raises ImportError without polars, and as ``columns``."""
    import polars

    types: dict[str, Any] = {
        _TIME: polars.Int64,
        _TEXT: polars.String,
        _WHOLE: polars.Int64,
        _NUMBER: polars.Float64,
    }
    found = columns(client, items)
    frame = polars.DataFrame(
        {name: column.values for name, column in found.items()},
        schema={name: types[column.kind] for name, column in found.items()},
    )
    times = [name for name, column in found.items() if column.kind == _TIME]
    moment = polars.Datetime("ns", "UTC")
    return frame.with_columns(
        polars.col(name).cast(moment).dt.convert_time_zone(ZONE) for name in times
    )


def answer_rows(client: Decodes, kind: AnswerKind, answers: Iterable[Answered]) -> list[CtpStruct]:
    """The structs of what ``client.history.answers`` has found, in their order."""
    cls = client.class_of(_ANSWERS[kind])
    return [client.decoded(cls, row) for answer in answers for row in answer.rows]


def _rows(items: Sequence[Any]) -> tuple[list[Tick | Return], list[int]]:
    """Those of structs, and how many are missing before each."""
    rows: list[Tick | Return] = []
    missing, before = [], 0
    for item in items:
        if isinstance(item, Gap):
            unknown = item.last is None or before < 0
            before = -1 if unknown else before + (item.last or 0) - item.first + 1
        elif isinstance(item, Tick | Return) and item.flags & Flag.HAS_FIELD:
            rows.append(item)
            missing.append(before)
            before = 0
    return rows, missing


def _fields(client: Decodes, rows: Sequence[Tick | Return]) -> tuple[str, list[Field]]:
    names = {client.struct_name(row) for row in rows}
    if len(names) > 1:
        raise ValueError(f"one table for {', '.join(sorted(names))}: take those of one kind")
    (name,) = names
    return name, fields_of(client.catalogue, name)


def _decoded(client: Decodes, name: str, rows: Sequence[Tick | Return]) -> list[dict[str, Value]]:
    codec = client.catalogue.codec(name)
    info_size = client.catalogue.layouts["RspInfo"].size
    try:
        return [codec.unpack(split_body(row.flags, row.body, info_size)[0] or b"") for row in rows]
    except struct.error:
        raise ValueError(f"{name}: recorded with another version of the API") from None


def _of_structs(client: Decodes, rows: list[CtpStruct]) -> dict[str, Column]:
    names = {row.struct_name for row in rows}
    if len(names) > 1:
        raise ValueError(f"one table for {', '.join(sorted(names))}: take those of one kind")
    fields = fields_of(client.catalogue, names.pop())
    return _by_field(fields, [msgspec.to_builtins(row) for row in rows])


def _by_field(fields: list[Field], values: list[dict[str, Value]]) -> dict[str, Column]:
    return {
        field.name: Column(_KINDS[field.kind], [value.get(field.name) for value in values])
        for field in fields
    }


def _made(client: Decodes, value: dict[str, Value], recv_ns: int) -> int | None:
    name, day, action, clock, millisec = (value[field] for field in _CLOCK)
    return tick_time_ns(
        client.calendar, str(name), str(day), str(action), str(clock), int(millisec or 0), recv_ns
    )
