"""bus/PROTOCOL.md, read by a program."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final, Self

from tests.support.group import CHECKOUT

PAGES: Final = ("PROTOCOL.md", "PROTOCOL.zh.md")
CODES: Final = {"u16": "H", "u32": "I", "u64": "Q", "i32": "i"}


@dataclass(frozen=True)
class Document:
    """A page, and what stands behind its marks ``<!-- name -->``."""

    text: str

    @classmethod
    def read(cls, name: str) -> Self:
        return cls((CHECKOUT / "bus" / name).read_text("utf-8"))

    def _after(self, mark: str) -> list[str]:
        _, found, rest = self.text.partition(f"<!-- {mark} -->\n")
        assert found, mark
        lines = rest.strip("\n").splitlines()
        return lines[: lines.index("") if "" in lines else len(lines)]

    def table(self, mark: str) -> list[list[str]]:
        """The cells of each row, without the heading."""
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in self._after(mark)]
        return [[cell.strip() for cell in row] for row in rows[2:]]

    def table_after(self, heading: str) -> list[list[str]]:
        """The rows of a table without a mark, whose heading begins so."""
        lines = self.text.partition(f"\n{heading}")[2].splitlines()[2:]
        rows = [line.split("|")[1:-1] for line in lines[: lines.index("")]]
        return [[cell.strip() for cell in row] for row in rows]

    def keys(self, mark: str) -> list[str]:
        """The names in the first column; several may share a row."""
        return [name.strip() for row in self.table(mark) for name in row[0].split(",")]

    def dump(self, mark: str) -> bytes:
        return bytes.fromhex("".join(self._after(f"dump: {mark}")))

    def struct(self, mark: str) -> struct.Struct:
        """A header by its table; the offsets must follow from the types."""
        made = "<"
        for _, kind, offset, _ in self.table(mark):
            assert struct.calcsize(made) == int(offset)
            made += CODES[kind]
        return struct.Struct(made)
