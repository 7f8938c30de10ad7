"""One field: its place in the struct, its value in Python, and the checks on the way back."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Collection, Mapping
from typing import Any, Final

from .layout import Field, Layout
from .text import CHARS, TEXTS

Value = str | int | float | None

DBL_MAX: Final = sys.float_info.max  # CTP's "no value"
# Doubles from here on are "no value": some counters send FLT_MAX, and no price comes near it.
NO_VALUE: Final[float] = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_RANGES: Final = {"h": 2**15, "i": 2**31, "q": 2**63}


class FieldError(ValueError):
    """A value of a client that does not fit its field. ``str()`` is "PATH: what is wrong"."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def code(field: Field) -> str:
    """The field alone as a format of the module struct."""
    return f"<{field.size}s" if field.kind in "sc" else f"<{field.kind}"


def struct_of(layout: Layout, names: Collection[str] | None = None) -> struct.Struct:
    """The whole struct; fields that are not in ``names`` (default: all are) become padding."""
    parts, end = ["<"], 0
    for field in layout.fields:
        if names is None or field.name in names:
            parts.append(f"{field.offset - end}x{code(field)[1:]}")
            end = field.offset + field.size
    return struct.Struct("".join(parts) + f"{layout.size - end}x")


def plain(field: Field, value: Any) -> Value:
    """The Python value of what the module struct has unpacked."""
    if field.kind == "s":
        return TEXTS[value]
    if field.kind == "c":
        return CHARS[value]
    if field.kind == "d":
        return value if -math.inf < value < NO_VALUE else None
    return int(value)


def packable(field: Field, values: Mapping[str, Value]) -> bytes | int | float:
    """What the module struct packs for one field of trusted values. Raises FieldError."""
    value = values.get(field.name)
    if field.kind in "sc":
        return _encode(field, str(value or ""), field.name)
    if field.kind == "d":
        if value is None:
            return DBL_MAX if field.name in values else 0.0
        return float(value)
    return int(value or 0)


def check(field: Field, value: object, path: str) -> bytes | int | float:
    """The same for a value out of a client's JSON. Raises FieldError, which never quotes it."""
    if field.kind in "sc":
        if not isinstance(value, str):
            raise FieldError(path, "expected string")
        return _encode(field, value, path)
    if field.kind == "d":
        return _check_double(value, path)
    # The binding takes a bool for an int, and clients of the original send them for flags.
    if not isinstance(value, int):
        raise FieldError(path, "expected int")
    if not -_RANGES[field.kind] <= value < _RANGES[field.kind]:
        raise FieldError(path, f"out of range for a {8 * field.size}-bit int")
    return int(value)


def _check_double(value: object, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise FieldError(path, "expected number")
    try:
        number = float(value)
    except OverflowError:
        raise FieldError(path, "out of range for a double") from None
    if not math.isfinite(number):
        raise FieldError(path, "not a finite number")
    return number


def _encode(field: Field, text: str, path: str) -> bytes:
    if text in ("", "\0"):  # older clients send "\u0000" for "unset"
        return b""
    if field.kind == "c":
        if len(text) != 1 or ord(text) >= 0x80:
            raise FieldError(path, "expected one ASCII character")
        return text.encode("ascii")
    if "\0" in text:
        raise FieldError(path, "contains a NUL")
    try:
        octets = text.encode("gb18030")
    except UnicodeEncodeError:
        raise FieldError(path, "contains a character that GB18030 does not have") from None
    if len(octets) >= field.size:
        raise FieldError(path, f"longer than {field.size - 1} bytes in GB18030")
    return octets
