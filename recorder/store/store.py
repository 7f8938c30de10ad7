"""All of this package for a recorder's process."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import zmq

from bus.endpoints import Addresses
from bus.security import Keys
from schemas.calendar import Calendar
from schemas.catalogue import Catalogue

from . import streams
from .config import StoreConfig
from .database import Database
from .reading import Reader
from .returns import Link
from .rows import DayOf, Rows
from .writing import Writer

_FILE: Final = "store.sqlite"


class Figures(NamedTuple):
    """``failing``: why nothing can be written now, "" else."""

    failing: str
    failures: int
    waiting: int
    answers_missed: int
    malformed: int
    unhandled: int


class Store:
    """Opened and used in the thread of an event loop. ``streams`` are the six, ``reader`` is for
    other threads. Raises ConfigError."""

    def __init__(self, config: StoreConfig, folder: Path, batch_s: float) -> None:
        self._database = Database(config.url, folder / _FILE)
        self.reader = Reader(self._database)
        self._writer = Writer(self._database, self._report, batch_s)
        self._link: Link | None = None
        self.streams: list[streams.TableStream] = []
        self._today: date | None = None

    def open(
        self,
        context: zmq.Context[Any],
        addresses: Addresses,
        keys: Keys | None,
        catalogue: Catalogue,
        day_of: DayOf,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = Link(context, addresses, keys)
        rows = Rows(catalogue, day_of)
        self.streams = streams.make(self._link, rows, self._writer, self.reader)
        self._writer.start()

    def keep(self, calendar: Calendar, now_ns: int, days: int) -> None:
        """Rows of days before the last so many trading days go."""
        today = calendar.trading_day("", now_ns)
        if today == self._today:
            return
        self._today = oldest = today
        for _ in range(days - 1):
            oldest = calendar.previous(oldest)
        self._writer.remove_before(oldest.strftime("%Y%m%d"))

    def describe(self) -> dict[str, object]:
        """For the state."""
        return {"database": self._database.name, **self.figures._asdict()}

    @property
    def figures(self) -> Figures:
        writer, link = self._writer, self._link
        return Figures(
            failing=writer.failing,
            failures=writer.failures,
            waiting=writer.waiting,
            answers_missed=link.missed if link is not None else 0,
            malformed=link.malformed if link is not None else 0,
            unhandled=link.unhandled if link is not None else 0,
        )

    def close(self) -> None:
        """The streams have been stopped; what they took is written, if the database takes it."""
        if self._link is not None:
            self._link.close()
        self._writer.close()
        self._database.close()

    def _report(self, written: dict[str, int], rejected: dict[str, int]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(streams.count, self.streams, written, rejected)
