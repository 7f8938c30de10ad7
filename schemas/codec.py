"""Struct bytes to Python values and to webctp JSON, and back.

A request is never written through the binding's properties: they store text as UTF-8 while the
counter and the property getters use GB18030, they take NaN, and they raise TypeError for a text
that is too long. So requests are checked and packed here and copied over the struct's memory.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from .fields import DBL_MAX, FieldError, Value, check, code, packable, plain, struct_of
from .layout import Layout
from .tick_json import compile_tick_json
from .webctp_json import compile_json

__all__ = ["DBL_MAX", "Codec", "FieldError", "Value"]


class Codec:
    """Converts one struct. ``order``: the keys of the JSON form (default: all, memory order)."""

    def __init__(self, layout: Layout, order: tuple[str, ...] = ()) -> None:
        self.layout = layout
        self.size = layout.size
        self.order = order or tuple(field.name for field in layout.fields)
        self._fields = {field.name: field for field in layout.fields}
        self._struct = struct_of(layout)
        if order and layout.name == "DepthMarketData":
            self._json = compile_tick_json(layout, self.order)
        else:
            self._json = compile_json(layout, self.order, self._struct)

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """Struct bytes of trusted values. Keys that the struct does not have are ignored, so one
        program serves every version of the API; None is "no value" (DBL_MAX for doubles).

        Raises FieldError for a text that does not fit, struct.error for a number that does not.
        """
        return self._struct.pack(*(packable(field, values) for field in self.layout.fields))

    def unpack(self, raw: bytes) -> dict[str, Value]:
        """All fields in memory order. A double without a value (DBL_MAX, NaN, infinite) is None."""
        return {
            field.name: plain(field, value)
            for field, value in zip(self.layout.fields, self._struct.unpack(raw), strict=True)
        }

    def get(self, raw: bytes, name: str) -> Value:
        """One field; KeyError when the struct has none of this name."""
        field = self._fields[name]
        return plain(field, struct.unpack_from(code(field), raw, field.offset)[0])

    def patch(self, raw: bytes, values: Mapping[str, Value]) -> bytes:
        """A copy with some fields replaced; names that the struct does not have are ignored."""
        buffer = bytearray(raw)
        for name in values.keys() & self._fields.keys():
            field = self._fields[name]
            struct.pack_into(code(field), buffer, field.offset, packable(field, values))
        return bytes(buffer)

    def parse(self, payload: Mapping[str, object], path: str) -> bytes:
        """Struct bytes of a JSON object from a client.

        Every field is optional, null is "not given", unknown keys are ignored. ``path`` begins the
        error text. Raises FieldError; no value of the client appears in it.
        """
        buffer = bytearray(self.size)
        for name, value in payload.items():
            field = self._fields.get(name)
            if field is not None and value is not None:
                checked = check(field, value, f"{path}.{name}")
                struct.pack_into(code(field), buffer, field.offset, checked)
        return bytes(buffer)

    def json(self, raw: bytes) -> bytes:
        """The webctp payload: UTF-8, compact, "no value" as 0, passwords as ""."""
        return self._json(raw)
