"""CTP's structs as JSON Schema, as they are in JSON: flat objects of texts and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from schemas.catalogue import Catalogue
from schemas.layout import Field
from schemas.values import Vocabulary
from schemas.webctp_json import is_secret

from .printing import Schema

_FORMATS: Final = {"h": "int16", "i": "int32", "q": "int64"}


class Structs:
    """``flags`` are the types of fields with named values that were met on the way."""

    def __init__(self, catalogue: Catalogue, vocabulary: Vocabulary) -> None:
        self._layouts = catalogue.layouts
        self._vocabulary = vocabulary
        self.flags: set[str] = set()

    def request(
        self, struct: str, required: Iterable[str] = (), only: tuple[str, ...] = ()
    ) -> Schema:
        """As a payload of a client, who may leave out what is not ``required``. ``only``: the
        fields that are looked at; empty: all."""
        fields = self._layouts[struct].fields
        names = only or tuple(field.name for field in fields if not _is_reserved(field.name))
        schema = self._object(struct, names)
        if needed := [name for name in names if name in set(required)]:
            schema["required"] = list(needed)
        return schema

    def reply(self, struct: str, order: tuple[str, ...]) -> Schema:
        """As a payload of the gateway: always with all of these keys, secrets always ""."""
        secrets = frozenset(name for name in order if is_secret(name))
        return {**self._object(struct, order, secrets), "required": list(order)}

    def values(self) -> Schema:
        """Definitions of the flags."""
        return {name: self._flag(name) for name in sorted(self.flags)}

    def _object(
        self, struct: str, names: Iterable[str], secrets: frozenset[str] = frozenset()
    ) -> Schema:
        fields = {field.name: field for field in self._layouts[struct].fields}
        properties: Schema = {
            name: {"const": ""} if name in secrets else self._field(struct, fields[name])
            for name in names
        }
        return {"type": "object", "properties": properties}

    def _field(self, struct: str, field: Field) -> Schema:
        if field.kind == "d":
            return {"type": "number"}
        if field.kind in _FORMATS:
            return {"type": "integer", "format": _FORMATS[field.kind]}
        kind = self._vocabulary.types[struct][field.name]
        if field.kind == "c" and kind in self._vocabulary.values:
            self.flags.add(kind)
            return {"$ref": f"values.json#/definitions/{kind}"}
        # A text is at most size - 1 bytes in GB18030, and a character has a byte or more.
        return {"type": "string", "maxLength": max(1, field.size - 1)}

    def _flag(self, name: str) -> Schema:
        values: Schema = dict(self._vocabulary.values[name])
        return {"type": "string", "maxLength": 1, "x-values": values}


def _is_reserved(name: str) -> bool:
    return re.fullmatch(r"reserve\d*", name) is not None
