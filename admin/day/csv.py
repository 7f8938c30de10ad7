"""Rows as CSV. No I/O."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final

from .records import Record, Row

# A spreadsheet takes the file for UTF-8 by this.
_MARK: Final = "\ufeff"
# It would take a text that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE: Final = 200


async def csv_lines(records: AsyncIterator[Record]) -> AsyncIterator[str]:
    """The names are those of the first row that has any; what others have besides is left out."""
    names: list[str] = []
    held: list[Row] = []  # gaps that come before it
    lines, count = _Lines(_MARK), 0
    async for record in records:
        held.append(record())
        if not names and not held[-1].get("gap"):
            names = list(held[-1])
            lines.write(names)
        if names:
            for row in held:
                lines.write([_cell(row.get(name)) for name in names])
            held.clear()
        count += 1
        if count % _AT_ONCE == 0:
            yield lines.take()
    for row in held:
        lines.write([_cell(value) for value in row.values()])
    yield lines.take()


class _Lines:
    def __init__(self, begin: str) -> None:
        self._text = io.StringIO()
        self._text.write(begin)
        self._writer = csv.writer(self._text)

    def write(self, cells: list[Any]) -> None:
        self._writer.writerow(cells)

    def take(self) -> str:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
