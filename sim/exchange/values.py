"""Field values as the counter handles them, and tolerant readers for what clients send.

A field dict maps the names of a CTP struct to ``str``, ``int``, ``float`` or ``None``; ``None``
is "no value" (DBL_MAX in a double). Clients may leave out any field, so readers have defaults.
"""

from collections.abc import Mapping
from typing import Final

Value = str | int | float | None
Fields = dict[str, Value]

UNITS: Final = 10_000
"""Money is counted in whole 1/10000 yuan: sums are exact, so frozen money returns to zero."""


def text(fields: Mapping[str, Value], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def whole(fields: Mapping[str, Value], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0


def number(fields: Mapping[str, Value], name: str) -> float:
    value = fields.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0


def yuan(units: int) -> float:
    """Money for the wire, in yuan."""
    return units / UNITS
