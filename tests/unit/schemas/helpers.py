"""Struct objects of the binding as bytes and back, random structs, and a slow model of each codec.

The model says the rules once more, in the plainest form: Python's own gb18030 codec, one field
after another.
"""

from __future__ import annotations

import ctypes
import json
import math
import random
import re
import struct
from typing import Any

from schemas.codec import DBL_MAX, Value
from schemas.layout import PREFIX, SUFFIX, Field, Layout

FLT_MAX = 3.4028234663852886e38
TEXTS = (
    "",
    "rb2610",
    "       46792",
    "报单错误：不允许重复报单",
    "CTP:正确",
    "上海期货交易所 €ü𠀀",
    'a\tb\x01\x7f"\\/<null>',
    "全成交报单已提交" * 300,
    "x" * 3000,
)
DOUBLES = (0.0, -0.0, 3500.2, -1.5, 1e-300, 5e-324, 1e16, 0.1, DBL_MAX, math.nan, math.inf)
INTS = {"h": 2**15, "i": 2**31, "q": 2**63}


def struct_class(module: Any, name: str) -> Any:
    return getattr(module, f"{PREFIX}{name}{SUFFIX}")


def write(obj: Any, raw: bytes) -> None:
    """Over the object's memory, as the workers do with a request."""
    ctypes.memmove(int(obj.this), raw, len(raw))


def read(obj: Any, size: int) -> bytes:
    return ctypes.string_at(int(obj.this), size)


def fitting(text: str, size: int) -> str:
    """The longest beginning of a text that goes into char[size] with its NUL."""
    return text.encode("gb18030")[: size - 1].decode("gb18030", "ignore")


def random_value(field: Field, rng: random.Random) -> Value:
    """A value that the field can hold and give back unchanged."""
    if field.kind == "s":
        return fitting(rng.choice(TEXTS), field.size)
    if field.kind == "c":
        return rng.choice(["", "0", "a", " ", "\x01", "\x7f"])
    if field.kind == "d":
        value = rng.choice([*DOUBLES, rng.uniform(-1e9, 1e9)])
        return value if value < FLT_MAX else None
    limit = INTS[field.kind]
    return rng.choice([0, 1, -1, limit - 1, -limit, rng.randrange(-limit, limit)])


def random_values(layout: Layout, rng: random.Random) -> dict[str, Value]:
    return {field.name: random_value(field, rng) for field in layout.fields}


def random_raw(layout: Layout, rng: random.Random) -> bytes:
    """Bytes as a counter may send them: also cut, foreign and unended text, NaN and infinities."""
    raw = bytearray(layout.size)
    for field in layout.fields:
        end = field.offset + field.size
        raw[field.offset : end] = _random_octets(field, rng).ljust(field.size, b"\0")[: field.size]
    return bytes(raw)


def _random_octets(field: Field, rng: random.Random) -> bytes:
    if field.kind == "d":
        return struct.pack("<d", rng.choice([*DOUBLES, -math.inf, -DBL_MAX, FLT_MAX]))
    if field.kind == "s" and rng.random() < 0.7:
        # Often cut within a character, and without a NUL when it is as long as the field.
        return rng.choice(TEXTS).encode("gb18030")[rng.randrange(3) :]
    return rng.randbytes(field.size)


def model(field: Field, raw: bytes) -> Value:
    """What one field means, or None for "no value"."""
    octets = raw[field.offset : field.offset + field.size]
    if field.kind == "s":
        text = octets.split(b"\0")[0].decode("gb18030", "surrogateescape")
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    if field.kind == "c":
        return octets.decode("ascii") if 0 < octets[0] < 0x80 else ""
    if field.kind == "d":
        number: float = struct.unpack("<d", octets)[0]
        return number if math.isfinite(number) and number < FLT_MAX else None
    return int.from_bytes(octets, "little", signed=True)


def json_model(layout: Layout, keys: tuple[str, ...], raw: bytes) -> dict[str, Value]:
    """The webctp payload: "no value" is 0, passwords are blank."""
    fields = {field.name: field for field in layout.fields}
    values = {key: model(fields[key], raw) for key in keys}
    secret = re.compile("password$", re.IGNORECASE)
    return {
        key: "" if secret.search(key) else 0 if value is None else value
        for key, value in values.items()
    }


def items(text: bytes) -> list[tuple[str, Any]]:
    """The members of a JSON object in their order; fails on what JSON does not allow."""

    def refuse(literal: str) -> None:
        raise AssertionError(f"{literal} is not JSON")

    pairs: list[tuple[str, Any]] = json.loads(
        text.decode("utf-8"), object_pairs_hook=list, parse_constant=refuse
    )
    return pairs


def same(left: Value, right: Value) -> bool:
    """Equal, and of one type: 0 is not 0.0 on the wire, and -0.0 is not 0.0."""
    return repr(left) == repr(right)
