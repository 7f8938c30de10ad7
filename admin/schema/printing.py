"""JSON for people: what fits into a line stays on it, so that a field is a line."""

from __future__ import annotations

import json
from typing import Final

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Schema = dict[str, Json]

_WIDTH: Final = 118


def pretty(value: Json) -> str:
    """The document, with a line feed at its end."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Json, indent: str, before: str = "", after: str = "") -> list[str]:
    """``before``: what stands before it on its line, ``after``: what follows it."""
    short = f"{indent}{before}{json.dumps(value, ensure_ascii=False)}{after}"
    if len(short) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return [short]
    inner = indent + "  "
    if isinstance(value, dict):
        begin, end = "{", "}"
        items = [(f"{json.dumps(key, ensure_ascii=False)}: ", item) for key, item in value.items()]
    else:
        begin, end = "[", "]"
        items = [("", item) for item in value]
    lines = [f"{indent}{before}{begin}"]
    for number, (name, item) in enumerate(items, 1):
        comma = "," if number < len(items) else ""
        found = _lines(item, inner, name, comma)
        if isinstance(value, list) and len(found) == 1 and _joins(lines[-1], found[0], item):
            lines[-1] += " " + found[0].strip()
        else:
            lines += found
    return [*lines, f"{indent}{end}{after}"]


def _joins(line: str, more: str, item: Json) -> bool:
    """Whether a short element of a list fits behind the one before it."""
    if isinstance(item, dict) or line.endswith("["):
        return False
    return len(line) + 1 + len(more.strip()) <= _WIDTH
