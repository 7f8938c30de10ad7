"""The folder of all files of ticks."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from bus.frames import HEADER

from .reading import DayReader
from .record import HEAD_SIZE, FileError, Head, pack_head, pack_record
from .writing import DayFile

log = logging.getLogger("recorder")

MOST_OPEN: Final = 4096  # files; for one more the one that was opened first is closed
_SUFFIX: Final = ".ticks"
_MOST_PARTS: Final = 999  # of one instrument and day


@dataclass(slots=True)
class Missing:
    """What could not be written, to be marked as soon as something can."""

    epoch: int
    first: int
    last: int


class TickStore:
    """Writes ticks by trading day and instrument: ``FOLDER/20261123/rb2610.ticks``.

    A file has one layout of structs, and its epochs rise: so a place is found in it. When the API
    changes within a day, or an epoch is lower than those before, the next file begins,
    ``rb2610.2.ticks``. What a file has is never added again. Nothing here raises OSError but
    ``last`` and ``readers``: what cannot be written is counted, said in the log, and marked as a
    gap when there is room again.

    ticks  written since the start
    lost   could not be written
    cut    bytes that a crash had left incomplete
    touched  trading days of what was written, for the caller to clear
    """

    def __init__(self, folder: Path, most_open: int | None = None) -> None:
        self.folder = folder
        self.ticks = self.lost = self.cut = 0
        self.touched: set[str] = set()
        self._most_open = MOST_OPEN if most_open is None else most_open
        self._open: OrderedDict[tuple[str, str], DayFile] = OrderedDict()
        self._dirty: dict[tuple[str, str], DayFile] = {}
        self._missing: dict[tuple[str, str], Missing] = {}
        self._shut: set[tuple[str, str]] = set()  # could not be opened since the last flush
        self._failing = False
        self._error = ""

    def add(self, day: str, instrument: str, message: bytes) -> None:
        """A published tick, to be written by the next ``flush``."""
        at = message.index(b"\0") + 1
        self.put((day, instrument), message[at : at + HEADER.size], message[at + HEADER.size :])

    def put(self, key: tuple[str, str], header: bytes, body: bytes) -> None:
        """The same: day and instrument, and the two parts of the message behind its topic."""
        epoch, seq, recv_ns, _, _, layout, _ = HEADER.unpack(header)
        file = self._open.get(key)
        if (
            file is None
            or file.layout != layout
            or file.body_size != len(body)
            or epoch < file.place[0]
        ):
            file = self._file(key, Head(layout, len(body), *key), epoch)
            if file is None:
                self._lose(key, 1, (epoch, seq - 1), (epoch, seq))
                return
        if self._missing:
            self._mark_missing(key, file, epoch, recv_ns)
        if (epoch, seq) <= file.place:
            return
        file.add((epoch, seq), pack_record(header, body))
        self._dirty[key] = file

    def begin(self, key: tuple[str, str], layout: int, body_size: int, epoch: int) -> bool:
        """Open or make the file, so that a gap can come first; whether that could be done."""
        file, head = self._open.get(key), Head(layout, body_size, *key)
        if file is not None and file.head == head and file.place[0] <= epoch:
            return True
        return self._file(key, head, epoch) is not None

    def add_gap(
        self, day: str, instrument: str, epoch: int, first: int, last: int, now_ns: int
    ) -> None:
        """Ticks that nobody can give any more; ``first`` 0: nobody knows how many. Only in a file
        that there is."""
        key = day, instrument
        file = self._open.get(key) or self._newest(key)
        if file is not None and epoch < file.place[0]:
            file = self._file(key, file.head, epoch)
        if file is not None and (epoch, last) > file.place:
            if first and epoch == file.place[0]:
                first = max(first, file.place[1] + 1)
            file.add_gap(epoch, first, last, now_ns)
            self._dirty[key] = file

    def last(self, day: str, instrument: str) -> tuple[int, int] | None:
        """The place of the last record; None without one."""
        key = day, instrument
        if key in self._open:
            return self._open[key].place
        for path in reversed(self._paths(day, instrument)):
            try:
                with DayReader(path) as reader:
                    place = _last_place(reader)
            except FileError:
                continue
            if place is not None:
                return place
        return None

    def flush(self) -> None:
        """Write what was added."""
        dirty, self._dirty = self._dirty, {}
        self.touched.update(day for day, _ in dirty)
        failed = bool(self._shut)
        self._shut.clear()
        for key, file in dirty.items():
            failed |= not self._flush(key, file)
        if dirty and self._failing and not failed:
            self._failing = False
            log.warning("ticks are written again", extra={"fields": {"lost": self.lost}})

    def _flush(self, key: tuple[str, str], file: DayFile) -> bool:
        before, count, last = file.written, file.waiting, file.place
        try:
            self.ticks += file.flush()
        except OSError as exc:
            self._lose(key, count, before, last)
            self._fail(exc, file.path)
            return False
        return True

    def readers(self, day: str, instrument: str) -> Iterator[DayReader]:
        """The files of one instrument on one day, in order; the caller closes each. One whose head
        is not complete, for want of room or by a crash, has nothing in it."""
        for path in self._paths(day, instrument):
            try:
                reader = DayReader(path)
            except FileError:
                if path.stat().st_size < HEAD_SIZE:
                    continue
                raise
            yield reader

    def days(self) -> list[str]:
        """Trading days with a folder, the oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.name.isdigit())

    def instruments(self, day: str) -> list[str]:
        names = {_instrument_of(path) for path in (self.folder / day).glob(f"*{_SUFFIX}")}
        return sorted(names)

    def open_days(self) -> set[str]:
        """Those of open files."""
        return {day for day, _ in self._open}

    def close_day(self, day: str) -> None:
        """A day is over: close its files."""
        for key in [key for key in self._open if key[0] == day]:
            self._close(key)

    def close(self) -> None:
        for key in list(self._open):
            self._close(key)

    # -- files -------------------------------------------------------------------------------

    def _file(self, key: tuple[str, str], head: Head, epoch: int) -> DayFile | None:
        """The file of this layout that can go on with this epoch, opened; None when that cannot be
        now. Tried once in a batch."""
        if key in self._shut:
            return None
        if key in self._open:
            self._close(key)
        try:
            return self._keep_open(key, self._open_file(head, epoch))
        except (OSError, FileError) as exc:
            self._shut.add(key)
            self._fail(exc, self.folder / head.day / _file_name(head.instrument))
            return None

    def _newest(self, key: tuple[str, str]) -> DayFile | None:
        """The last file that there is, opened."""
        try:
            paths = self._paths(*key)
        except OSError as exc:
            self._fail(exc, self.folder / key[0])
            return None
        for path in reversed(paths):
            try:
                with DayReader(path) as reader:
                    head = reader.head
                return self._keep_open(key, DayFile(path, head))
            except FileError:
                continue
            except OSError as exc:
                self._fail(exc, path)
        return None

    def _keep_open(self, key: tuple[str, str], file: DayFile) -> DayFile:
        self._open[key] = file
        self.cut += file.cut
        if len(self._open) > self._most_open:
            self._close(next(iter(self._open)))
        return file

    def _open_file(self, head: Head, epoch: int) -> DayFile:
        """The last one or a new one: what was written later never stands in an earlier file."""
        pack_head(head)  # raises before there is an empty file
        folder = self.folder / head.day
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = self._paths(head.day, head.instrument)
        if not paths:
            return DayFile(folder / f"{_file_name(head.instrument)}{_SUFFIX}", head)
        with contextlib.suppress(FileError):
            file = DayFile(paths[-1], head)
            if file.place[0] <= epoch:
                return file
            file.close()
        number = _number_of(paths[-1]) + 1
        if number > _MOST_PARTS:
            raise FileError(f"{head.instrument}: too many files in {head.day}")
        return DayFile(folder / f"{_file_name(head.instrument)}.{number}{_SUFFIX}", head)

    def _close(self, key: tuple[str, str]) -> None:
        file = self._open.pop(key)
        if self._dirty.pop(key, None) is not None:
            self._flush(key, file)
        file.close()

    def _paths(self, day: str, instrument: str) -> list[Path]:
        name = _file_name(instrument)
        folder = self.folder / day
        parts = [folder / f"{name}{_SUFFIX}"]
        for number in range(2, _MOST_PARTS + 1):
            parts.append(folder / f"{name}.{number}{_SUFFIX}")
            if not parts[-1].exists():
                parts.pop()
                break
        return [path for path in parts if path.exists()]

    # -- what could not be written -----------------------------------------------------------

    def _fail(self, exc: OSError | FileError, path: Path) -> None:
        """Said when it begins, and again when the reason is another one."""
        text = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
        if not self._failing or text != self._error:
            fields = {"file": path.name, "error": text, "lost": self.lost}
            log.error("ticks could not be written", extra={"fields": fields})
        self._failing, self._error = True, text

    def _lose(
        self, key: tuple[str, str], count: int, before: tuple[int, int], last: tuple[int, int]
    ) -> None:
        self.lost += count
        missing = self._missing.get(key)
        if missing is not None and missing.epoch == last[0]:
            missing.last = last[1]
        else:
            first = before[1] + 1 if before[0] == last[0] else 1
            self._missing[key] = Missing(last[0], first, last[1])

    def _mark_missing(self, key: tuple[str, str], file: DayFile, epoch: int, now_ns: int) -> None:
        """``epoch``: of what comes behind it; a lower one began another file."""
        missing = self._missing.pop(key, None)
        if missing is None or missing.epoch > epoch:
            return
        if (missing.epoch, missing.last) > file.place:
            file.add_gap(missing.epoch, missing.first, missing.last, now_ns)


def _last_place(reader: DayReader) -> tuple[int, int] | None:
    for number in range(len(reader) - 1, -1, -1):
        try:
            record = reader[number]
        except FileError:
            continue
        return record.epoch, record.seq
    return None


def _file_name(instrument: str) -> str:
    return quote(instrument, safe="").replace(".", "%2E")  # a point parts name and number


def _number_of(path: Path) -> int:
    return int(path.name.removesuffix(_SUFFIX).partition(".")[2] or 1)


def _instrument_of(path: Path) -> str:
    return unquote(path.name.partition(".")[0])
