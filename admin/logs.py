"""The ends of the programs' logs, read from their files: supervisord's own way to them fails on
Chinese that is cut in the middle and on control characters."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Final

from deploy.plan import Plan

SUPERVISORD: Final = "supervisord"
_TAIL_BYTES: Final = 256 << 10
_KEPT: Final = "\n\t"


def names(plan: Plan) -> list[str]:
    return [*plan.programs, SUPERVISORD]


def tail(plan: Plan, name: str, lines: int, wanted: str = "") -> list[str]:
    """The newest lines that have ``wanted`` in them. Raises OSError; ValueError for a program that
    there is not."""
    if name not in names(plan):
        raise ValueError(name)
    text = clean(_end(plan.log / f"{name}.log"))
    found = [line for line in text.split("\n") if line and wanted.lower() in line.lower()]
    return found[-lines:]


def clean(body: bytes) -> str:
    """Without characters that steer a terminal, or turn the direction of what follows."""
    text = body.decode("utf-8", "replace")
    return "".join(
        each for each in text if each in _KEPT or unicodedata.category(each) not in ("Cc", "Cf")
    )


def _end(file: Path) -> bytes:
    """From a line's beginning on."""
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL_BYTES))
        body = stream.read(_TAIL_BYTES)
    return body.split(b"\n", 1)[-1] if size > _TAIL_BYTES else body
