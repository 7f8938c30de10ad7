"""layouts.json: the bytes on the bus, for who reads structs without the vendor's header."""

from __future__ import annotations

from typing import Final

from bus.frames import HEADER, ROW_HEADER, Flag, Message, Row, message_type
from schemas.catalogue import Catalogue
from schemas.layout import Field, Layout

from .bus import BODIES
from .printing import Json, Schema

_C_TYPES: Final = {"c": "char", "h": "int16", "i": "int32", "q": "int64", "d": "double"}
_CODES: Final = {"H": "uint16", "I": "uint32", "Q": "uint64", "i": "int32"}
_SIZES: Final = {"H": 2, "I": 4, "Q": 8, "i": 4}


def layouts(catalogue: Catalogue) -> Schema:
    """Fields are [name, type, offset]; a text is char[size], GB18030 with a NUL at its end."""
    callbacks = catalogue.md.callbacks | catalogue.td.callbacks
    used = {one.struct for one in callbacks.values() if one.struct} | {"RspInfo"}
    for api in (catalogue.md, catalogue.td):
        used |= {request.struct for request in api.requests.values()}
    types: Schema = {}
    for name in [*callbacks, *BODIES, "State"]:
        own = callbacks.get(name)
        row: Schema = {"type": message_type(name)}
        if own is not None and own.struct:
            row |= {"struct": own.struct, "RspInfo": own.has_info}
        types[name] = row
    flags: Schema = {name: bit for name, bit in vars(Flag).items() if name.isupper()}
    return {
        "description": "C structs of the CTP API and the headers before them, little-endian, "
        "see bus/PROTOCOL.md. Fields are [name, type, offset].",
        "version": catalogue.version,
        "layout": catalogue.layout_id,
        "header": _header(HEADER.format, Message._fields[1:-1]),
        "row": _header(ROW_HEADER.format, Row._fields[:-1]),
        "flags": flags,
        "types": types,
        "structs": {name: _struct(catalogue.layouts[name]) for name in sorted(used)},
    }


def _header(form: str, names: tuple[str, ...]) -> Json:
    fields: list[Json] = []
    offset = 0
    for name, code in zip(names, form[1:], strict=True):
        fields.append([name, _CODES[code], offset])
        offset += _SIZES[code]
    return {"size": offset, "fields": fields}


def _struct(layout: Layout) -> Json:
    fields: list[Json] = [[field.name, _type(field), field.offset] for field in layout.fields]
    return {"size": layout.size, "fields": fields}


def _type(field: Field) -> str:
    return f"char[{field.size}]" if field.kind == "s" else _C_TYPES[field.kind]
