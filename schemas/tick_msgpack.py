"""A tick as a MessagePack array: the values without their names."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import msgspec

from .fields import NO_VALUE, code, plain
from .layout import Field, Layout
from .text import TEXTS
from .tick_parts import Form, Render, Run, compile_parts

# Up to here a double that is a whole number is written as an int, which is shorter than 9 bytes.
_EXACT: Final = 2.0**53
_CHANGING: Final = frozenset({"Turnover", "OpenInterest", "AveragePrice"})  # hardly ever the same
_CHANGING_FORM: Final = "({0} if {0} % 1 else int({0})) if -exact < {0} < exact else short({0})"


def compile_tick_msgpack(layout: Layout, order: tuple[str, ...]) -> Render:
    """The values of DepthMarketData in this order, equal to those of its JSON."""
    return compile_parts(layout, order, _FORM)


def _text(run: Run, raw: bytes) -> bytes:
    return b"".join(_value(field, raw) for field in run)


def _value(field: Field, raw: bytes) -> bytes:
    value = plain(field, struct.unpack_from(code(field), raw, field.offset)[0])
    if value is None:
        value = 0
    return msgspec.msgpack.encode(short_number(value) if isinstance(value, float) else value)


def short_number(value: float) -> float:
    """An int where that is the same number, 0 for "no value"."""
    if -_EXACT < value < _EXACT and not value % 1:
        return int(value)
    return value if -math.inf < value < NO_VALUE else 0


class _Prices(dict[float, float]):
    """Short forms of prices, which come again and again: 0.04 µs instead of 0.1."""

    _LIMIT = 10_000

    def __missing__(self, value: float) -> float:
        short = short_number(value)
        if value == value:  # a NaN would never be found
            if len(self) >= self._LIMIT:
                self.clear()
            self[value] = short
        return short


_PRICES: Final = _Prices()


def _moving(field: Field, variable: str) -> str:
    if field.kind == "s":
        return f"texts[{variable}]"
    if field.kind == "d" and field.name in _CHANGING:
        return _CHANGING_FORM.format(variable)
    if field.kind == "d":
        return f"prices[{variable}]"
    return variable


def _whole(values: list[str]) -> str:
    # A run is one value for the encoder, so the count that it writes is replaced.
    return f"head + encode(({', '.join(values)},))[skip:]"


def _scope(runs: list[Run]) -> dict[str, Any]:
    return {
        "encode": msgspec.msgpack.Encoder().encode,
        "head": _array_head(sum(map(len, runs))),
        "skip": len(_array_head(len(runs))),
        "prices": _PRICES,
        "short": short_number,
        "exact": _EXACT,
        "texts": TEXTS,
    }


def _array_head(count: int) -> bytes:
    return bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


_FORM: Final = Form(_text, _moving, _whole, _scope)
