"""``ctpbus export``: recorded ticks as Parquet or CSV.

CSV has the fields of CTP's struct under their own names, ``recv_ns`` before them, an empty cell for
"no value", and numbers to their last digit: ``replay://`` plays it again. Parquet has

    recv_time      timestamp[ns, Asia/Shanghai], when md_worker received the tick
    exchange_time  the same, when the exchange says it was made; NULL when it says nothing usable
    epoch, seq     its place on the bus
    …              the fields of the struct: string, int32, double with NULL for "no value"

Both times are points in time; the zone only says how to show them.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from bus.config import Common, load, open_calendar
from bus.errors import ConfigError
from recorder.config import RecorderConfig
from recorder.ticks.reading import DayReader
from recorder.ticks.record import GAP, FileError, Record
from recorder.ticks.store import TickStore
from replay.folder import FolderError, ticks_folder
from schemas import catalogue as catalogues
from schemas.calendar import Calendar
from schemas.catalogue import Catalogue
from schemas.codec import Codec

_BATCH: Final = 8192  # ticks in memory at once
_MOST_NAMED: Final = 100

Form = Literal["parquet", "csv"]
Per = Literal["instrument", "day"]


class Gap(msgspec.Struct, frozen=True):
    """Ticks that the recording does not have; ``first`` None: nobody knows how many."""

    day: str
    instrument: str
    epoch: int
    first: int | None
    last: int


class Summary(msgspec.Struct):
    """``damaged``: records that could not be read; ``left_out``: files of another version of the
    API, whose structs this one cannot read. ``gaps`` names the first hundred of ``gap_count``."""

    files: list[str] = []
    ticks: int = 0
    gap_count: int = 0
    gaps: list[Gap] = []
    damaged: int = 0
    left_out: list[str] = []


class Sink(Protocol):
    """One file that is being written."""

    def write(self, records: list[Record]) -> None: ...
    def close(self) -> None: ...


class Exporter:
    """Writes days of a folder of ticks; memory is that of one batch."""

    def __init__(
        self, folder: Path, out: Path, form: Form, catalogue: Catalogue, calendar: Calendar
    ) -> None:
        self.summary = Summary()
        self._store, self._out, self._form = TickStore(folder), out, form
        self._catalogue, self._calendar = catalogue, calendar
        self._codec = catalogue.codec("DepthMarketData")

    def choose(self, days: list[str], instruments: list[str]) -> list[tuple[str, list[str]]]:
        """Days with the instruments of each. Raises ConfigError for what is not there."""
        there = self._store.days()
        missing = [day for day in days if day not in there]
        if missing or not there:
            raise ConfigError(f"no ticks of {', '.join(missing) or 'any day'}")
        chosen = []
        for day in days or there:
            names = self._store.instruments(day)
            names = [name for name in names if not instruments or name in instruments]
            if names:
                chosen.append((day, names))
        known = {name for _, names in chosen for name in names}
        if unknown := [name for name in instruments if name not in known]:
            raise ConfigError(f"no ticks of {', '.join(unknown)}")
        return chosen

    def size(self, day: str, instrument: str) -> int:
        """Records, for the progress bar."""
        count = 0
        for reader in self._readers(day, instrument, None):
            with reader:
                count += len(reader)
        return count

    def export(self, day: str, names: list[str], per: Per, step: Callable[[int], None]) -> None:
        """One file for each instrument, or one for the day. ``step`` hears of records done. Raises
        ConfigError where the day stands in the other way already."""
        self._check_alone(day, per)
        for group in [names] if per == "day" else [[name] for name in names]:
            self._file(day, group, day if per == "day" else group[0], step)

    def _check_alone(self, day: str, per: Per) -> None:
        """Who reads the folder, such as ``replay``, would find each tick twice."""
        whole, parts = self._out / f"{day}.{self._form}", self._out / day
        other = whole if per == "instrument" else next(parts.glob(f"*.{self._form}"), whole)
        if other.exists() and (per == "instrument" or other != whole):
            raise ConfigError(f"{other} has ticks of {day} already: write --per {per} elsewhere")

    def _file(self, day: str, names: list[str], stem: str, step: Callable[[int], None]) -> None:
        folder = self._out if stem == day else self._out / day
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem.replace('/', '%2F')}.{self._form}"
        part = path.with_name(f".{path.name}.part")
        sink = self._sink(part)
        try:
            for name in names:
                for batch, passed in self._batches(day, name):
                    sink.write(batch)
                    self.summary.ticks += len(batch)
                    step(passed)
            sink.close()
            part.replace(path)  # whoever reads the folder sees whole files only
        except BaseException:
            with contextlib.suppress(OSError):  # a full disk says so once more
                sink.close()
            part.unlink(missing_ok=True)
            raise
        self.summary.files.append(str(path))

    def _sink(self, path: Path) -> Sink:
        if self._form == "csv":
            return CsvSink(path, self._codec)
        try:
            parquet = importlib.import_module("admin.parquet")
        except ModuleNotFoundError as exc:
            if exc.name != "pyarrow":
                raise
            raise ConfigError(
                "Parquet needs pyarrow: pip install -e '.[parquet]' in the checkout"
            ) from None
        sink: Sink = parquet.ParquetSink(path, self._codec, self._calendar)
        return sink

    def _batches(self, day: str, name: str) -> Iterator[tuple[list[Record], int]]:
        """Ticks, and how many records they were among."""
        for reader in self._readers(day, name, self.summary):
            with reader:
                self.summary.damaged += reader.left_over
                for begin in range(0, len(reader), _BATCH):
                    end = min(begin + _BATCH, len(reader))
                    found = list(reader.records(begin, end))
                    self.summary.damaged += end - begin - len(found)
                    for record in found:
                        if record.type == GAP:
                            self._note(record, day, name)
                    yield [record for record in found if record.type != GAP], end - begin

    def _note(self, record: Record, day: str, name: str) -> None:
        self.summary.gap_count += 1
        if len(self.summary.gaps) < _MOST_NAMED:
            gap = Gap(day, name, record.epoch, record.first_missing, record.seq)
            self.summary.gaps.append(gap)

    def _readers(self, day: str, name: str, summary: Summary | None) -> Iterator[DayReader]:
        """Of those files that can be read here; others are noted in ``summary``."""
        wanted = self._catalogue.layout_id, self._codec.size
        try:
            for reader in self._store.readers(day, name):
                if (reader.head.layout, reader.head.body_size) == wanted:
                    yield reader
                    continue
                reader.close()
                if summary is not None:
                    summary.left_out.append(f"{day}/{name}")
        except FileError:
            if summary is not None:
                summary.left_out.append(f"{day}/{name}")


class CsvSink:
    """One CSV file."""

    def __init__(self, path: Path, codec: Codec) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._codec = codec
        self._writer.writerow(["recv_ns", *(field.name for field in codec.layout.fields)])

    def write(self, records: list[Record]) -> None:
        unpack = self._codec.unpack
        rows = ([record.recv_ns, *unpack(record.body).values()] for record in records)
        self._writer.writerows(rows)

    def close(self) -> None:
        self._file.close()


def run(
    exporter: Exporter, days: list[str], instruments: list[str], per: Per, *, quiet: bool
) -> Summary:
    """Raises ConfigError."""
    chosen = exporter.choose(days, instruments)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        for day, names in chosen:
            total = sum(exporter.size(day, name) for name in names)
            step = partial(progress.advance, progress.add_task(day, total=total))
            try:
                exporter.export(day, names, per, step)
            except OSError as exc:
                raise ConfigError(f"{exc.filename or 'writing'}: {exc.strerror}") from None
    return exporter.summary


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The recorder's folder of ticks.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where to write.")],
    form: Annotated[Form, typer.Option("--format", help="Of the files.")] = "parquet",
    per: Annotated[Per, typer.Option(help="One file per instrument or per day.")] = "instrument",
    day: Annotated[
        list[str] | None, typer.Option(help="20261123; again for more; none: all.")
    ] = None,
    instrument: Annotated[list[str] | None, typer.Option(help="Again for more.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of the group: its calendar and binding.")
    ] = None,
    binding: Annotated[str, typer.Option(help="The CTP binding; none: the group's.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write recorded ticks as Parquet or CSV: of all days and instruments, or of those named."""
    try:
        ticks = ticks_folder(folder)
    except FolderError as exc:
        raise ConfigError(str(exc)) from None
    if ticks is None:
        raise ConfigError(f"{folder} holds no files of ticks")
    common = load(str(config), "recorder", RecorderConfig).common if config else Common()
    catalogue = catalogues.load(binding or common.binding)
    exporter = Exporter(ticks, out, form, catalogue, open_calendar(common))
    summary = run(exporter, day or [], instrument or [], per, quiet=json)
    if json:
        print(msgspec.json.encode(summary).decode())
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{summary.ticks} ticks in {len(summary.files)} files under {out}")
    for gap in summary.gaps:
        which = "nobody knows how many" if gap.first is None else f"seq {gap.first}-{gap.last}"
        console.print(f"  missing: {gap.day} {gap.instrument} {which}")
    if summary.gap_count > len(summary.gaps):
        console.print(f"  and {summary.gap_count - len(summary.gaps)} gaps more")
    if summary.damaged:
        console.print(f"  damaged records left out: {summary.damaged}")
    for name in summary.left_out:
        console.print(f"  left out, of another version of the API: {name}")
