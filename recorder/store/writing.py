"""The thread that writes rows, in batches, whatever the database does."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, UniqueConstraint, delete, select, tuple_
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .database import Database, StoreError
from .tables import EVENTS, OF_A_DAY, PLACES, insert_new, raise_place

log = logging.getLogger("recorder")

_MOST_AT_ONCE: Final = 1000  # rows of one transaction
_MOST_BYTES: Final = 64 << 20
_ROW_BYTES: Final = 1000  # what a row takes in memory beside its body
_PAUSES_S: Final = (0.25, 10.0)  # the first one after a failure, and the longest
_LAST_PAUSE_S: Final = 0.1  # between attempts when the process ends
_SAY_AGAIN_S: Final = 60.0
_DELETED_AT_ONCE: Final = 2000
# The database, not the row, is the reason. A table that is missing may be there again.
_AWAY: Final = (
    OperationalError,
    InterfaceError,
    InternalError,
    ProgrammingError,
    PoolTimeout,
    StoreError,
    OSError,
)

# Told of each batch: by the owner of the rows, how many are written, and how many are not because
# the database does not take them.
Report = Callable[[dict[str, int], dict[str, int]], None]


class Row(NamedTuple):
    """One row for a table. An event is the place of its stream in its topic, and a row of
    ``PLACES`` raises it too. ``owner``: whose counters count
    it, "" for nobody's. ``size``: bytes of its body."""

    table: Table
    values: dict[str, Any]
    owner: str = ""
    size: int = 0


class Writer:
    """``put`` from any thread; the rows are written in that order.

    While the database is away what came waits in the memory, ``most_bytes`` of it, and is tried
    again; a single row that it does not take is passed over. ``failing`` says why nothing is
    written now, "" else.
    """

    def __init__(
        self,
        database: Database,
        report: Report,
        batch_s: float = 0.2,
        most_bytes: int = _MOST_BYTES,
        pauses_s: tuple[float, float] = _PAUSES_S,
    ) -> None:
        self._database, self._report, self._batch_s = database, report, batch_s
        self._most, self._pauses = most_bytes, pauses_s
        self._rows: deque[Row] = deque()
        self._bytes = 0
        self._oldest_day = ""  # to be kept; "" when nothing is to be removed
        self._wake = threading.Condition()
        self._closing = threading.Event()
        self._until = 0.0  # then a closing one gives up, by the monotonic clock
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._said = 0.0
        self.failing = ""
        self.failures = self.written = self.rejected = 0

    @property
    def waiting(self) -> int:
        """Rows in the memory."""
        return len(self._rows)

    @property
    def full(self) -> bool:
        return self._bytes >= self._most

    def start(self) -> None:
        self._thread.start()

    def put(self, rows: Sequence[Row], *, anyway: bool = False) -> bool:
        """Take all of them or none: there is no room while the database is away. ``anyway``: the
        caller has looked at ``full`` a moment ago."""
        if self.full and not anyway:
            return False
        with self._wake:
            self._rows.extend(rows)
            self._bytes += sum(_ROW_BYTES + row.size for row in rows)
            self._wake.notify()
        return True

    def remove_before(self, day: str) -> None:
        """Rows of earlier trading days go; "20261123"."""
        with self._wake:
            self._oldest_day = max(day, self._oldest_day)
            self._wake.notify()

    def close(self, timeout_s: float = 2.0) -> bool:
        """Write what waits, for so long at the most; whether everything is written."""
        self._until = time.monotonic() + timeout_s
        self._closing.set()
        with self._wake:
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._rows:
            fields = {"rows": len(self._rows), "reason": self.failing}
            log.error("events and answers were not written at the end", extra={"fields": fields})
        return not self._rows

    # -- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while True:
                self._await_rows()
                if not self._rows and not self._oldest_day and self._closing.is_set():
                    return
                if self._rows and not self._until_done(self._write_some):
                    return
                if self._oldest_day and not self._rows:
                    self._try_to_remove()
        except Exception:
            log.exception("the thread that writes events and answers has ended")
            self.failing = "its thread has ended, see the log"

    def _await_rows(self) -> None:
        """Until there is something to do, and then a little, so that more comes with it."""
        with self._wake:
            self._wake.wait_for(
                lambda: self._rows or self._oldest_day or self._closing.is_set(), timeout=None
            )
            self._wake.wait_for(
                lambda: len(self._rows) >= _MOST_AT_ONCE or self._closing.is_set(),
                timeout=self._batch_s,
            )

    def _until_done(self, act: Callable[[], None]) -> bool:
        """Try until it is done, with growing pauses; False when the process ends before."""
        pause, longest = self._pauses
        while True:
            try:
                act()
            except _AWAY as exc:
                self._fail(self._database.explain(exc))
                if not self._closing.wait(pause):
                    pause = min(2 * pause, longest)
                    continue
                if time.monotonic() + _LAST_PAUSE_S > self._until:
                    return False
                time.sleep(_LAST_PAUSE_S)
            else:
                self._well()
                return True

    def _write_some(self) -> None:
        batch = [self._rows[number] for number in range(min(len(self._rows), _MOST_AT_ONCE))]
        refused: Counter[str] = Counter()
        try:
            with self._database.begin() as connection:
                _write(connection, batch)
        except _AWAY:
            raise
        except Exception as exc:
            fields = {"reason": self._database.explain(exc), "rows": len(batch)}
            log.warning("rows are written one by one", extra={"fields": fields})
            refused = self._one_by_one(batch)
        with self._wake:
            for _ in batch:
                self._rows.popleft()
            self._bytes -= sum(_ROW_BYTES + row.size for row in batch)
        done = Counter(row.owner for row in batch if row.owner) - refused
        self.written += done.total()
        self.rejected += refused.total()
        self._report(dict(done), dict(refused))

    def _one_by_one(self, batch: list[Row]) -> Counter[str]:
        """How many were refused, by their owners."""
        refused: Counter[str] = Counter()
        for row in batch:
            try:
                with self._database.begin() as connection:
                    _write(connection, [row])
            except _AWAY:
                raise
            except Exception as exc:
                refused[row.owner] += 1
                fields = {"table": row.table.name, "reason": self._database.explain(exc)}
                log.error("a row was refused by the database", extra={"fields": fields})
        del refused[""]
        return refused

    def _try_to_remove(self) -> None:
        """Once a day is enough; what new rows wait for is something else."""
        with self._wake:
            day, self._oldest_day = self._oldest_day, ""
        try:
            count = sum(self._remove(table, day) for table in OF_A_DAY)
        except Exception as exc:
            fields = {"before": day, "reason": self._database.explain(exc)}
            log.error("old events and answers stay", extra={"fields": fields})
            return
        if count:
            removed = {"rows": count, "before": day}
            log.info("old events and answers were removed", extra={"fields": removed})

    def _remove(self, table: Table, day: str) -> int:
        """In small transactions, so that a second recorder does not wait for long."""
        unique = next(c for c in table.constraints if isinstance(c, UniqueConstraint))
        key = list(unique.columns)
        old = select(*key).where(table.c.day < day).limit(_DELETED_AT_ONCE)
        count = 0
        while not self._closing.is_set():
            with self._database.begin() as connection:
                gone = connection.execute(delete(table).where(tuple_(*key).in_(old))).rowcount
            count += gone
            if gone < _DELETED_AT_ONCE:
                break
        return count

    def _fail(self, why: str) -> None:
        self.failures += 1
        self._database.doubt()
        now = time.monotonic()
        if not self.failing or now - self._said >= _SAY_AGAIN_S:
            fields = {
                "database": self._database.name,
                "reason": why,
                "failures": self.failures,
                "rows": len(self._rows),
            }
            log.error("events and answers cannot be written", extra={"fields": fields})
            self._said = now
        self.failing = why

    def _well(self) -> None:
        if self.failing:
            self.failing = ""
            fields = {"rows": len(self._rows)}
            log.info("events and answers are written again", extra={"fields": fields})


def _write(connection: Connection, rows: Sequence[Row]) -> None:
    by_table: dict[Table, list[dict[str, Any]]] = {}
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row.table is PLACES or row.table is EVENTS:
            place = {name: row.values[name] for name in PLACES.c.keys()}  # noqa: SIM118
            places[place["topic"], place["stream"]] = place
        if row.table is not PLACES:
            by_table.setdefault(row.table, []).append(row.values)
    # Always in one order: two recorders on one database would else wait for each other.
    for table in sorted(by_table, key=lambda table: table.name):
        connection.execute(
            insert_new(table, connection.dialect), sorted(by_table[table], key=_order)
        )
    for key in sorted(places):
        connection.execute(raise_place(connection.dialect), places[key])


def _order(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Any that all recorders have in common."""
    return tuple(str(values.get(name)) for name in ("topic", "epoch", "seq", "request_id", "asker"))
