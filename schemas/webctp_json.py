"""Struct bytes to the JSON payload of the webctp protocol."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

import msgspec

from .fields import NO_VALUE
from .layout import Field, Layout
from .text import CHARS, TEXTS

# Their keys are kept with the value "". BankPwdFlag and its like are no secrets.
_SECRET: Final = re.compile(r"password|pwd$", re.IGNORECASE)


def compile_json(
    layout: Layout, order: tuple[str, ...], packed: struct.Struct
) -> Callable[[bytes], bytes]:
    """A function from struct bytes to JSON with the keys of ``order``, written for this struct.

    One ``unpack``, one Struct, one msgspec call, everything a local: 3.6 µs for a tick of 48
    fields, where a loop over the fields takes 11.
    """
    attributes = [f"f{index}" for index in range(len(order))]
    record = msgspec.defstruct(
        "Payload",
        [(attribute, Any) for attribute in attributes],
        rename=dict(zip(attributes, order, strict=True)),
        gc=False,
    )
    variables = {field.name: f"v{index}" for index, field in enumerate(layout.fields)}
    wire = {field.name: _expression(field, variables[field.name]) for field in layout.fields}
    scope: dict[str, Any] = {
        "unpack": packed.unpack,
        "encode": msgspec.json.Encoder().encode,
        "record": record,
        "texts": TEXTS,
        "chars": CHARS,
        "lowest": -math.inf,
        "no_value": NO_VALUE,
    }
    source = f"""
def json(raw, {", ".join(f"{name}={name}" for name in scope)}):
    ({"".join(f"{variable}, " for variable in variables.values())}) = unpack(raw)
    return encode(record({", ".join(wire[name] for name in order)}))
"""
    exec(source, scope)
    json: Callable[[bytes], bytes] = scope["json"]
    return json


def is_secret(name: str) -> bool:
    """Whether a field of this name is never told."""
    return _SECRET.search(name) is not None


def _expression(field: Field, variable: str) -> str:
    if is_secret(field.name):
        return '""'
    forms = {
        "s": f"texts[{variable}]",
        "c": f"chars[{variable}]",
        "d": f"{variable} if lowest < {variable} < no_value else 0",
    }
    return forms.get(field.kind, variable)
