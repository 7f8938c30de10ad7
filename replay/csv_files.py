"""CSV files of ticks: found, opened, and read line by line.

Text is UTF-8 (with or without a mark) or GBK, columns are parted by commas, tabs or semicolons, and
the header says which column is which, in any order (``columns.py``). ``.csv.gz`` is read as it is.
A file may hold one instrument, whose name then may stand in the file's name alone
(``rb2610.csv``, ``rb2610_20261123.csv``), or many. A trading day in the name of the file or of its
folder (``20261123/rb2610.csv``) is that of all its lines; else each line says it.

A line that is no tick is left out, counted, and the first few are named. Empty cells and CTP's
1.79e308 are "no value". Without a receive time (``recv_ns``, as ``ctpbus export`` writes it) a tick
counts as received when it was made.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from .columns import header_of, layout_of

_SUFFIXES: Final = (".csv", ".csv.gz")
_DAY: Final = re.compile(r"(?<!\d)((?:19|20)\d{2}[01]\d[0-3]\d)(?!\d)")
_LONGEST_LINE: Final = 65_536
_MARK: Final = b"\xef\xbb\xbf"
DAMAGED: Final = (OSError, EOFError, zlib.error)  # gzip raises the three of them


class CsvError(ValueError):
    """A file that cannot be read at all; one line."""


def csv_files(folder: Path) -> list[Path]:
    """In the folder and one level below."""
    found = [path for path in (*folder.glob("*"), *folder.glob("*/*")) if path.is_file()]
    return sorted(path for path in found if path.name.lower().endswith(_SUFFIXES))


def shown(name: object) -> str:
    """The name of a file for texts; archives made on Windows often hold names in GBK."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def day_in_name(path: Path) -> str:
    """The trading day that the name of a file or of its folder tells, or ""."""
    for name in (path.name, path.parent.name):
        if days := _DAY.findall(name):
            return str(days[-1])
    return ""


def instrument_in_name(path: Path) -> str:
    """``rb2610`` of rb2610.csv, rb2610_20261123.csv.gz or SHFE.rb2610.csv."""
    stem = re.sub(r"\.csv(\.gz)?$", "", path.name, flags=re.IGNORECASE)
    stem = _DAY.sub("", stem).strip("_-. ")
    return re.split(r"[_ ]", stem)[0]


class CsvFile:
    """One file. Raises CsvError when it has no header and ``layout`` is empty, and for a file that
    cannot be opened."""

    def __init__(self, path: Path, layout: str = "") -> None:
        self.path = path
        try:
            with _open(path) as file:
                first = file.readline(_LONGEST_LINE)
        except DAMAGED as exc:
            raise CsvError(f"{shown(path)}: {shown(exc)}") from None
        self._encoding = _encoding(first)
        text = first.decode(self._encoding, "replace").strip("\r\n")
        self._separator = max(",\t;", key=text.count)
        header = header_of(self._cells(text))
        if header is None and not layout:
            raise CsvError(
                f"{shown(path)}: its first line is no header that is known; say layout=…"
            )
        self._header = text if header is not None else None
        self.columns = header if header is not None else layout_of(layout)

    def lines(self) -> Iterator[tuple[int, list[str] | None]]:
        """Line numbers, from 1, and cells; None for a line without an end. Raises what is in
        ``DAMAGED`` where a file breaks off."""
        with _open(self.path) as file:
            number, whole = 0, True
            while raw := file.readline(_LONGEST_LINE):
                begins, whole = whole, raw.endswith(b"\n") or len(raw) < _LONGEST_LINE
                if not begins:
                    continue
                number += 1
                if not whole:
                    yield number, None
                    continue
                text = raw.removeprefix(_MARK).decode(self._encoding, "replace").strip("\r\n")
                if text.strip() and text != self._header:
                    yield number, self._cells(text)

    def _cells(self, text: str) -> list[str]:
        """No value of a tick holds a separator, so a stray quote cannot swallow lines."""
        cells = text.split(self._separator)
        return [cell.strip().strip('"') for cell in cells] if '"' in text else cells


def _encoding(first: bytes) -> str:
    try:
        first.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8" if first.startswith(_MARK) or not first.isascii() else "gb18030"


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if path.name.lower().endswith(".gz"):
        with gzip.open(path, "rb") as packed, io.BufferedReader(packed) as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file
