"""CSV files to files of ticks, once: then any instrument can be played from any moment."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bus.frames import HEADER, Flag, message_type, tick_topic
from recorder.ticks.store import TickStore
from schemas.calendar import Calendar
from schemas.catalogue import Catalogue

from .csv_files import CsvFile, day_in_name, instrument_in_name, shown
from .rows import Row, RowError, RowReader

TICK: Final = message_type("OnRtnDepthMarketData")
_FIRST_BAD: Final = 10
_BATCH: Final = 20_000  # ticks in memory: 12 MB
_EPOCH: Final = 1


class Report(msgspec.Struct):
    """``bad``: lines that are no ticks; ``named``: the first of them, with file and number."""

    files: int = 0
    ticks: int = 0
    bad: int = 0
    other_days: int = 0
    named: list[str] = []

    def tell_bad(self, path: Path, line: int, why: str) -> None:
        self.bad += 1
        if len(self.named) < _FIRST_BAD:
            self.named.append(f"{shown(path.name)}:{line}: {why}")


class Converter:
    """Writes the ticks of CSV files into a folder of ticks. ``day``: only this one, "" for all."""

    def __init__(self, folder: Path, day: str, catalogue: Catalogue, calendar: Calendar) -> None:
        self.report = Report()
        self._folder, self._day = folder, day
        self._codec = catalogue.codec("DepthMarketData")
        self._layout, self._calendar = catalogue.layout_id, calendar
        self._store = TickStore(folder)
        self._seqs: dict[tuple[str, str], int] = {}
        self._latest: dict[tuple[str, str], int] = {}
        self._mixed: set[tuple[str, str]] = set()

    def add(self, path: Path, layout: str, stopping: Callable[[], bool]) -> None:
        """Raises CsvError for a file of another kind, OSError when the ticks cannot be written."""
        file = CsvFile(path, layout)
        self.report.files += 1
        instrument, day = instrument_in_name(path), day_in_name(path)
        if self._day and day and day != self._day:
            return
        reader = RowReader(file.columns, self._codec, self._calendar, instrument, day)
        number = 0
        try:
            for number, cells in file.lines():
                self._line(path, number, cells, reader)
                if self.report.ticks % _BATCH == 0:
                    self._flush()
                    if stopping():
                        return
        except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
            self.report.tell_bad(path, number + 1, f"the file breaks off: {exc}")

    def close(self) -> None:
        """Write the rest, and put in order what did not come in the order of its times."""
        self._flush()
        self._store.close()
        if self._mixed:
            self._sort()

    def _line(self, path: Path, number: int, cells: list[str] | None, reader: RowReader) -> None:
        try:
            if cells is None:
                raise RowError("too long")
            row = reader.read(cells)
        except RowError as exc:
            self.report.tell_bad(path, number, str(exc))
            return
        if self._day and row.day != self._day:
            self.report.other_days += 1
            return
        key = row.day, row.instrument
        if row.recv_ns < self._latest.get(key, 0) and not reader.has_times:
            self._mixed.add(key)
        self._latest[key] = row.recv_ns
        self._write(row)
        self.report.ticks += 1

    def _write(self, row: Row, store: TickStore | None = None) -> None:
        key = row.day, row.instrument
        seq = self._seqs[key] = self._seqs.get(key, 0) + 1
        times = row.recv_ns, row.recv_ns
        header = HEADER.pack(_EPOCH, seq, *times, TICK, self._layout, Flag.HAS_FIELD)
        topic = tick_topic(row.instrument).encode()
        (store or self._store).add(row.day, row.instrument, topic + b"\0" + header + row.body)

    def _flush(self) -> None:
        self._store.flush()
        if self._store.lost:
            raise OSError("ticks could not be written")

    def _sort(self) -> None:
        """One instrument's day at a time: 60 MB at the most."""
        beside = TickStore(self._folder / "sorted")
        for day, instrument in sorted(self._mixed):
            rows = []
            for reader in self._store.readers(day, instrument):
                with reader:
                    rows += [Row(day, instrument, r.recv_ns, r.body) for r in reader.records()]
            self._seqs[day, instrument] = 0
            for row in sorted(rows, key=lambda row: row.recv_ns):
                self._write(row, beside)
            beside.flush()
        if beside.lost:
            raise OSError("ticks could not be written")
        beside.close()
        for path in beside.folder.glob("*/*"):
            path.replace(self._folder / path.parent.name / path.name)
        shutil.rmtree(beside.folder)


def convert(
    files: list[Path],
    folder: Path,
    day: str,
    layout: str,
    catalogue: Catalogue,
    calendar: Calendar,
    stopping: Callable[[], bool] = lambda: False,
) -> Report:
    """Make ``folder`` anew. Raises CsvError, OSError, FileError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    converter = Converter(folder, day, catalogue, calendar)
    try:
        for path in files:
            if stopping():
                break
            converter.add(path, layout, stopping)
    finally:
        converter.close()
    return converter.report
