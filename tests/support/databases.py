"""Fresh databases for tests: SQLite files, and PostgreSQL where one runs.

``CTPBUS_POSTGRES`` is the URL of a server on which databases may be made, as .ci/run starts one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import URL, create_engine, make_url, text

POSTGRES: Final = os.environ.get("CTPBUS_POSTGRES", "")
NAMES: Final = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgres),
]


@contextmanager
def fresh(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'store.sqlite'}"
        return
    if not POSTGRES:
        assert os.environ.get("CI") != "true", "CI has PostgreSQL"
        pytest.skip("CTPBUS_POSTGRES names no server")
    database = f"test_{uuid.uuid4().hex}"
    command(f"CREATE DATABASE {database}")
    try:
        yield _server().set(database=database).render_as_string(hide_password=False)
    finally:
        command(f"DROP DATABASE {database} WITH (FORCE)")


def command(sql: str) -> None:
    """For the PostgreSQL server itself."""
    engine = create_engine(_server(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(sql))
    finally:
        engine.dispose()


def _server() -> URL:
    return make_url(POSTGRES).set(drivername="postgresql+psycopg")
