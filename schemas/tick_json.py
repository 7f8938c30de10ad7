"""The JSON of a tick."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import msgspec

from .fields import NO_VALUE, code, plain
from .layout import Field, Layout
from .text import TEXTS
from .tick_parts import Form, Render, Run, compile_parts


def compile_tick_json(layout: Layout, order: tuple[str, ...]) -> Render:
    """The same bytes as ``webctp_json.compile_json`` makes of DepthMarketData."""
    return compile_parts(layout, order, _FORM)


def _text(run: Run, raw: bytes) -> bytes:
    """The values of a run with the keys between them: what follows the key of its first field."""
    return b"".join(
        (b"" if field is run[0] else b',"%b":' % field.name.encode()) + _value(field, raw)
        for field in run
    )


def _value(field: Field, raw: bytes) -> bytes:
    value = plain(field, struct.unpack_from(code(field), raw, field.offset)[0])
    return msgspec.json.encode(0 if value is None else value)


def _moving(field: Field, variable: str) -> str:
    if field.kind == "s":
        return f"texts[{variable}]"
    if field.kind == "d":
        return f"{variable} if lowest < {variable} < no_value else 0"
    return variable


def _whole(values: list[str]) -> str:
    return f"encode(record({', '.join(values)}))"


def _scope(runs: list[Run]) -> dict[str, Any]:
    """``record``: a Struct with an attribute for each run, under the key of its first field."""
    names = [f"f{index}" for index in range(len(runs))]
    keys = {name: run[0].name for name, run in zip(names, runs, strict=True)}
    record = msgspec.defstruct("Tick", [(name, Any) for name in names], rename=keys, gc=False)
    return {
        "encode": msgspec.json.Encoder().encode,
        "record": record,
        "texts": TEXTS,
        "lowest": -math.inf,
        "no_value": NO_VALUE,
    }


_FORM: Final = Form(_text, _moving, _whole, _scope)
