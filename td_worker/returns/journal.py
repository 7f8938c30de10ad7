"""What was published of one account, kept on disk beyond the end of the process."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bus.orders import Place

from .records import DayFile, Record

log = logging.getLogger("td_worker")

_RETRY_S: Final = 1.0


@dataclass(slots=True, eq=False)
class Run:
    """Messages of one epoch, one behind the other in one file."""

    file: DayFile
    epoch: int
    first: int  # seq
    places: array[int]  # where each record begins, and where the last one ends

    @property
    def last(self) -> int:
        return self.first + len(self.places) - 2

    def goes_on(self, file: DayFile, record: Record) -> bool:
        return (
            self.file is file
            and (self.epoch, self.last + 1) == (record.epoch, record.seq)
            and self.places[-1] == record.start
        )

    def read(self, begin: int, end: int) -> Iterator[bytes]:
        """Frames by their numbers in this run. Raises OSError."""
        for number in range(begin, end):
            yield self.file.read(self.places[number], self.places[number + 1])


class Journal:
    """One file per trading day in ``folder``. A message is in it before it is published, written
    without fsync: that survives the process, and what the machine loses the counter still knows.

    The present day and the one before it can be read; the files of ``keep_days`` days stay. A disk
    that takes nothing raises nothing here: ``failing`` says so, the memory serves meanwhile, and
    the file goes on where it stopped when it can. What is published before the first login of a
    start belongs to a day that is not known yet, so it waits in the memory.
    """

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder, self._keep_days = folder, keep_days
        self._files: list[DayFile] = []  # two at the most, the present day's last
        self._begun = False
        self._early: list[tuple[bytes, bytes]] = []
        self._runs: list[Run] = []  # in the order of publishing
        self._alarmed = False
        self._retry_at = 0.0

    @property
    def exists(self) -> bool:
        """Whether anything of the account was ever published on a known day."""
        return self._begun or self._folder.exists()

    @property
    def begun(self) -> bool:
        """Whether the present day is known: before that, what is published is in no file."""
        return self._begun

    @property
    def failing(self) -> bool:
        """Whether the disk did not take everything."""
        return any(file.error is not None for file in self._files)

    @property
    def waiting(self) -> int:
        """Messages that are in the memory alone."""
        return len(self._early) + sum(file.waiting for file in self._files)

    @property
    def last(self) -> Place:
        """The place of the last message; (0, 0) without any."""
        return Place(self._runs[-1].epoch, self._runs[-1].last) if self._runs else Place(0, 0)

    def open(self) -> None:
        """Read the two newest days, which may take a while: for another thread than the loop's,
        before anything else happens here."""
        self._files = [self._load(path) for path in self._kept()[-2:]]

    def begin(self, day: str) -> None:
        """The trading day to which everything belongs from now on; "" when a login did not tell,
        which then is that of the login before."""
        path = self._folder / f"{quote(day, safe='')}.returns"
        if self._begun and (not day or self._files[-1].path == path):
            return
        file = next((file for file in self._files if file.path == path), None) or self._load(path)
        others = [other for other in self._files if other is not file]
        self._files = [*others[-1:], file]
        for old in others[:-1]:
            self._runs = [run for run in self._runs if run.file is not old]
            old.close()
        self._begun = True
        early, self._early = self._early, []
        for digest, frame in early:
            self.append(digest, frame)
        self._remove_old()

    def times(self, digest: bytes) -> int:
        """How often this digest was appended on the present day."""
        return self._files[-1].times(digest) if self._begun else 0

    def append(self, digest: bytes, frame: bytes) -> None:
        """Keep one message that is about to be published."""
        if not self._begun:
            self._early.append((digest, frame))
            return
        file = self._files[-1]
        self._note(file, file.append(digest, frame))
        if file.error is not None:
            self._alarm(file.error)

    def after(self, place: Place) -> Iterator[bytes]:
        """Everything behind this place up to what is the last now; (0, 0) is the beginning of the
        present day. Raises LookupError for a place that is not known, and OSError on the way."""
        if place == Place(0, 0):
            begun, skip = [run for run in self._runs if run.file is self._files[-1]], 0
        else:
            number = self._find(place)
            begun = self._runs[number:]
            skip = place.seq + 1 - begun[0].first
        ends = [(run, len(run.places) - 1) for run in begun]
        return chain.from_iterable(
            run.read(0 if index else skip, end) for index, (run, end) in enumerate(ends)
        )

    def flush(self, now: float) -> None:
        """Write what waits, if the disk takes it again."""
        if not self._alarmed or now < self._retry_at:
            return
        if not all(file.flush() for file in self._files):
            self._retry_at = now + _RETRY_S
        if not self.failing:
            self._alarmed = False
            log.info("the journal of returns is written again", extra={"fields": self._fields()})

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _find(self, place: Place) -> int:
        for number, run in enumerate(self._runs):
            if run.epoch == place.epoch and run.first - 1 <= place.seq <= run.last:
                return number
        raise LookupError(place)

    def _load(self, path: Path) -> DayFile:
        file = DayFile(path)
        try:
            for record in file.scan():
                self._note(file, record)
        except OSError as exc:
            self._alarm(exc)
        return file

    def _note(self, file: DayFile, record: Record) -> None:
        if not self._runs or not self._runs[-1].goes_on(file, record):
            self._runs.append(Run(file, record.epoch, record.seq, array("Q", [record.start])))
        self._runs[-1].places.append(record.end)

    def _alarm(self, error: OSError) -> None:
        if not self._alarmed:
            self._alarmed = True
            fields = {**self._fields(), "error": str(error.strerror)}
            event = "the journal of returns fails, they are kept in the memory alone"
            log.error(event, extra={"fields": fields})

    def _fields(self) -> dict[str, str]:
        return {"folder": self._folder.parent.name}

    def _kept(self) -> list[Path]:
        return sorted(self._folder.glob("*.returns"))

    def _remove_old(self) -> None:
        present, used = self._files[-1].path, {file.path for file in self._files}
        others = [path for path in self._kept() if path != present]
        for path in others[: 1 - self._keep_days]:
            if path not in used:
                try:
                    path.unlink()
                except OSError as exc:
                    fields = {**self._fields(), "error": str(exc.strerror)}
                    log.warning("an old journal was not removed", extra={"fields": fields})
