"""The database that holds the tables: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    Connection,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bus.errors import ConfigError
from bus.secrets import Secret

from .tables import ADDED, METADATA, VERSION, VERSIONS

# What waits for longer has lost its database; it is tried again.
_PATIENCE_S: Final = 5
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class StoreError(Exception):
    """The database cannot be used as it is now. The text is for people and holds no password."""


class Database:
    """Connections for any thread. It is not opened before the first is needed, and the tables are
    made then. ``url`` as SQLAlchemy writes it; empty: SQLite in ``file``. Raises ConfigError."""

    def __init__(self, url: Secret, file: Path) -> None:
        self._url = _parse(url) if url else URL.create("sqlite", database=str(file))
        try:
            self._engine = create_engine(self._url, **_options(self._url))
        except ModuleNotFoundError:
            text = "recorder.store.url: PostgreSQL needs the extra: pip install -e .[postgres]"
            raise ConfigError(text) from None
        if self._url.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
        self._made = False
        self._making = threading.Lock()

    @property
    def name(self) -> str:
        """What it is, for people; without the password."""
        return self._url.set(query={}).render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction, committed at the end. Raises StoreError, and SQLAlchemyError."""
        self._make()
        with self._engine.begin() as connection:
            yield connection

    def doubt(self) -> None:
        """It failed: look again whether the tables are there."""
        self._made = False

    def explain(self, error: BaseException) -> str:
        """An error of SQLAlchemy in one line without rows and passwords."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        text = str(cause) if cause is not error or isinstance(error, StoreError) else ""
        for password in (self._url.password, self._url.query.get("password")):
            if password:
                text = text.replace(str(password), "***")
        return " ".join([type(cause).__name__, *text.split()])[:300]

    def close(self) -> None:
        self._engine.dispose()

    def _make(self) -> None:
        """Create what is missing, once; a newer program's tables are not touched."""
        with self._making:
            if self._made:
                return
            self._make_file()
            with self._engine.begin() as connection:
                _create(connection)
            self._made = True

    def _make_file(self) -> None:
        """Closed to others from the beginning; SQLite gives its other files the same mode."""
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            try:
                os.close(os.open(self._url.database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            except OSError as exc:
                raise StoreError(f"{self._url.database}: {exc.strerror}") from None


def _create(connection: Connection) -> None:
    VERSIONS.create(connection, checkfirst=True)
    found = connection.scalar(select(VERSIONS.c.version).order_by(VERSIONS.c.version.desc()))
    if found is not None and found != VERSION:
        raise StoreError(
            f"its tables are of version {found}, this program knows {VERSION}: "
            + ("use the program that made them" if found > VERSION else "give it another database")
        )
    METADATA.create_all(connection)
    _add_columns(connection)
    if found is None:
        connection.execute(insert(VERSIONS).values(version=VERSION))


def _add_columns(connection: Connection) -> None:
    """To tables of an earlier version. An older program passes over them, so it may use the tables
    as well; a second one of this version that does the same at this moment fails and tries again.
    """
    dialect = connection.dialect
    for column in ADDED:
        table = column.table.name
        if column.name not in {known["name"] for known in inspect(connection).get_columns(table)}:
            kind = column.type.compile(dialect)
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}"))


def _parse(url: Secret) -> URL:
    try:
        parsed = make_url(url.reveal())
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigError("recorder.store.url: not sqlite:///FILE or postgresql://…") from None
    if "@" in f"{parsed.host or ''}{parsed.database or ''}" and parsed.password is not None:
        # What follows the first "@" would be in every message as the name of a host.
        raise ConfigError("recorder.store.url: write an @ of the password as %40")
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None or (driver == "sqlite" and parsed.database in (None, "", ":memory:")):
        raise ConfigError("recorder.store.url: not sqlite:///FILE or postgresql://…")
    return parsed.set(drivername=driver)


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": _PATIENCE_S, "check_same_thread": False}}
    # Bodies and errors are long; neither belongs into a message of an exception.
    return {
        "pool_pre_ping": True,
        "pool_timeout": _PATIENCE_S,
        "connect_args": {
            "connect_timeout": _PATIENCE_S,
            "keepalives_idle": _PATIENCE_S,
            "tcp_user_timeout": 2000 * _PATIENCE_S,
            "options": f"-c statement_timeout={2000 * _PATIENCE_S}",
        },
    }


def _prepare_sqlite(connection: Any, record: object) -> None:
    """WAL: readers do not wait for the writer. NORMAL: what the machine loses in a crash is asked
    of td_worker once more, because the places go with the rows."""
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
    finally:
        cursor.close()
