"""Structs with a value in every field, for callbacks that a fault script raises."""

from __future__ import annotations

from schemas.layout import Layout

from ..exchange.values import Value

_TEXT = "样本"
"""Four bytes in GB18030; shorter fields get ASCII."""


def sample(layout: Layout) -> dict[str, Value]:
    """Values that differ from field to field and read back as they are."""
    return {
        field.name: _value(field.kind, field.size, index)
        for index, field in enumerate(layout.fields)
    }


def _value(kind: str, size: int, index: int) -> Value:
    if kind == "c":
        return chr(ord("0") + index % 10)
    if kind == "s":
        text = f"{_TEXT}{index}" if size > 8 else str(index % 10)
        return text[: size - 1]
    if kind == "d":
        return index + 0.5
    return index + 1
