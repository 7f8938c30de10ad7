"""The folder of all files of ticks."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from bus.frames import HEADER

from .reading import DayReader
from .record import FileError, Head, pack_record
from .writing import DayFile

log = logging.getLogger("recorder")

MOST_OPEN: Final = 4096  # files; with fewer than that the least used is closed for each other one
_SUFFIX: Final = ".ticks"


@dataclass(slots=True)
class Missing:
    """What could not be written, to be marked as soon as something can."""

    epoch: int
    first: int
    last: int


class TickStore:
    """Writes ticks by trading day and instrument: ``FOLDER/20261123/rb2610.ticks``.

    A file has one layout of structs. When the API changes within a day the next file begins,
    ``rb2610.2.ticks``.

    ticks  written since the start
    lost   could not be written
    cut    bytes that a crash had left incomplete
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ticks = self.lost = self.cut = 0
        self._open: OrderedDict[tuple[str, str], DayFile] = OrderedDict()
        self._dirty: dict[tuple[str, str], DayFile] = {}
        self._missing: dict[tuple[str, str], Missing] = {}

    def add(self, day: str, instrument: str, message: bytes) -> None:
        """A published tick, to be written by the next ``flush``. Raises OSError and FileError when
        its file cannot be opened."""
        at = message.index(b"\0") + 1
        header = message[at : at + HEADER.size]
        epoch, seq, recv_ns, _, _, layout, _ = HEADER.unpack(header)
        body = message[at + HEADER.size :]
        key = day, instrument
        file = self._file(key, Head(layout, len(body), day, instrument))
        if self._missing:
            self._mark_missing(key, file, recv_ns)
        file.add((epoch, seq), pack_record(header, body))
        self._dirty[key] = file

    def add_gap(
        self, day: str, instrument: str, epoch: int, first: int, last: int, now_ns: int
    ) -> None:
        """Ticks that nobody can give any more; ``first`` 0: nobody knows how many. Only in a file
        that there is."""
        key = day, instrument
        file = self._open.get(key)
        if file is not None:
            file.add_gap(epoch, first, last, now_ns)
            self._dirty[key] = file

    def last(self, day: str, instrument: str) -> tuple[int, int] | None:
        """The place of the last record; None without one."""
        key = day, instrument
        if key in self._open:
            return self._open[key].place
        for path in reversed(self._paths(day, instrument)):
            with DayReader(path) as reader:
                for number in range(len(reader) - 1, -1, -1):
                    try:
                        record = reader[number]
                    except FileError:
                        continue
                    return record.epoch, record.seq
        return None

    def flush(self) -> None:
        """Write what was added. What cannot be written is counted, said in the log, and marked as a
        gap when there is room again."""
        dirty, self._dirty = self._dirty, {}
        for key, file in dirty.items():
            before, count = file.written, file.waiting
            last = file.place
            try:
                self.ticks += file.flush()
            except OSError as exc:
                self.lost += count
                self._note_missing(key, before, last)
                if self.lost == count or self.lost & (self.lost - 1) == 0:
                    fields = {"file": file.path.name, "error": exc.strerror, "lost": self.lost}
                    log.error("ticks could not be written", extra={"fields": fields})

    def readers(self, day: str, instrument: str) -> Iterator[DayReader]:
        """The files of one instrument on one day, in order; the caller closes each."""
        for path in self._paths(day, instrument):
            yield DayReader(path)

    def days(self) -> list[str]:
        """Trading days with a folder, the oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.name.isdigit())

    def instruments(self, day: str) -> list[str]:
        names = {_instrument_of(path) for path in (self.folder / day).glob(f"*{_SUFFIX}")}
        return sorted(names)

    def close_day(self, day: str) -> None:
        """A day is over: close its files."""
        for key in [key for key in self._open if key[0] == day]:
            self._close(key)

    def close(self) -> None:
        self.flush()
        for key in list(self._open):
            self._close(key)

    # -- files -------------------------------------------------------------------------------

    def _file(self, key: tuple[str, str], head: Head) -> DayFile:
        file = self._open.get(key)
        if file is None or file.head != head:
            if file is not None:
                self._close(key)
            file = self._open[key] = self._open_file(head)
            self.cut += file.cut
            if len(self._open) > MOST_OPEN:
                self._close(next(iter(self._open)))
        else:
            self._open.move_to_end(key)
        return file

    def _open_file(self, head: Head) -> DayFile:
        folder = self.folder / head.day
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 1000):
            part = "" if number == 1 else f".{number}"
            path = folder / f"{_file_name(head.instrument)}{part}{_SUFFIX}"
            try:
                return DayFile(path, head)
            except FileError:
                continue
        raise FileError(f"{head.instrument}: too many files in {head.day}")

    def _close(self, key: tuple[str, str]) -> None:
        file = self._open[key]
        if key in self._dirty:
            self.flush()
        del self._open[key]
        file.close()

    def _paths(self, day: str, instrument: str) -> list[Path]:
        name = _file_name(instrument)
        folder = self.folder / day
        parts = [folder / f"{name}{_SUFFIX}"]
        for number in range(2, 1000):
            parts.append(folder / f"{name}.{number}{_SUFFIX}")
            if not parts[-1].exists():
                parts.pop()
                break
        return [path for path in parts if path.exists()]

    # -- what could not be written -----------------------------------------------------------

    def _note_missing(
        self, key: tuple[str, str], before: tuple[int, int], last: tuple[int, int]
    ) -> None:
        missing = self._missing.get(key)
        first = before[1] + 1 if before[0] == last[0] else 1
        if missing is not None and missing.epoch == last[0]:
            missing.last = last[1]
        else:
            self._missing[key] = Missing(last[0], first, last[1])

    def _mark_missing(self, key: tuple[str, str], file: DayFile, now_ns: int) -> None:
        missing = self._missing.pop(key, None)
        if missing is not None and (missing.epoch, missing.last) > file.place:
            file.add_gap(missing.epoch, missing.first, missing.last, now_ns)


def _file_name(instrument: str) -> str:
    return quote(instrument, safe="").replace(".", "%2E")  # a point parts name and number


def _instrument_of(path: Path) -> str:
    return unquote(path.name.partition(".")[0])
