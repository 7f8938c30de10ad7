"""A folder of recorded days: what is in it, and its ticks as files that can be played."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bus.config import Common, open_calendar
from bus.errors import ConfigError
from recorder.ticks.store import TickStore
from schemas.calendar import Calendar
from schemas.catalogue import Catalogue

from .address import Address, parse
from .columns import layout_of
from .convert import Report, convert
from .csv_files import CsvFile, csv_files, day_in_name, shown

log = logging.getLogger("replay")

_CONVERTED: Final = "ticks_of_csv"


class FolderError(ValueError):
    """Nothing to play; one line."""


class Ready(NamedTuple):
    """A folder of ticks, and the day in it."""

    ticks: Path
    day: str


class _Stamp(msgspec.Struct, frozen=True):
    """What a folder of converted ticks was made of."""

    files: list[tuple[str, int, int]]
    day: str
    layout: str
    version: int
    report: Report
    calendar: str = "exchange"


def check(text: str) -> None:
    """Refuse an address whose folder, day or files are not there. Raises ValueError, one line."""
    address = parse(text)
    _calendar(address)
    found = _days(address)
    if found and address.day and address.day not in found:
        raise FolderError(f"{address.folder} has {_listed(found)}, not {address.day}")


def prepare(
    address: Address, catalogue: Catalogue, work: Path, stopping: Callable[[], bool]
) -> Ready:
    """The day to play. CSV files are read into a folder under ``work``, which stays for the next
    time. Raises ValueError, OSError."""
    folder = ticks_folder(address.folder)
    if folder is None:
        folder = _converted(address, catalogue, work / _CONVERTED, stopping)
    days = [day for day in TickStore(folder).days() if TickStore(folder).instruments(day)]
    day = address.day or (days[-1] if days else "")
    if day not in days and not stopping():
        raise FolderError(f"{address.folder} has no ticks of {day or 'any day'}")
    return Ready(folder, day)


def ticks_folder(folder: Path) -> Path | None:
    """The folder of our own files: this one, or ``ticks`` in that of a recorder. None: it holds
    none. Raises FolderError."""
    if not folder.is_dir():
        raise FolderError(f"there is no folder {folder}")
    for path in (folder, folder / "ticks"):
        if any(path.glob("[0-9]*/*.ticks")):
            return path
    return None


def _days(address: Address) -> list[str]:
    """Those that can be known without reading all of it; empty: none can."""
    if address.layout:
        layout_of(address.layout)
    ticks = ticks_folder(address.folder)
    if ticks is not None:
        return TickStore(ticks).days()
    files = _files(address)
    for path in files:
        CsvFile(path, address.layout)
    days = {day_in_name(path) for path in files}
    return [] if "" in days else sorted(days)


def _files(address: Address) -> list[Path]:
    files = csv_files(address.folder)
    if not files:
        raise FolderError(f"{address.folder} holds neither files of ticks nor CSV files")
    return files


def _converted(
    address: Address, catalogue: Catalogue, folder: Path, stopping: Callable[[], bool]
) -> Path:
    files = _files(address)
    stats = [(path, path.stat()) for path in files]
    listed = [(shown(path.absolute()), stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    stamp_file = folder / "made_of"
    layout_id, calendar = catalogue.layout_id, address.calendar
    made = _Stamp(listed, address.day, address.layout, layout_id, Report(), calendar)
    try:
        before = msgspec.json.decode(stamp_file.read_bytes(), type=_Stamp)
    except (OSError, msgspec.DecodeError):
        before = None
    if before is None or msgspec.structs.replace(before, report=made.report) != made:
        log.info("CSV files are being read", extra={"fields": {"files": len(files)}})
        report = convert(
            files, folder, address.day, address.layout, catalogue, _calendar(address), stopping
        )
        before = msgspec.structs.replace(made, report=report)
        if not stopping():
            stamp_file.write_bytes(msgspec.json.encode(before))
    _tell(before.report)
    return folder


def _calendar(address: Address) -> Calendar:
    try:
        return open_calendar(Common(calendar=address.calendar))
    except ConfigError as exc:
        raise FolderError(str(exc)) from None


def _tell(report: Report) -> None:
    fields = msgspec.to_builtins(report)
    level = logging.WARNING if report.bad else logging.INFO
    log.log(level, "CSV files were read", extra={"fields": fields})


def _listed(days: list[str]) -> str:
    return f"{len(days)} days, {days[0]} to {days[-1]}" if len(days) > 3 else ", ".join(days)
