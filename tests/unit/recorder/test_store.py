"""Tables on SQLite and on PostgreSQL: written once, read in order, whatever the database does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text, true
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from bus.errors import ConfigError
from bus.frames import account_topic, answer_topic
from bus.secrets import Secret
from recorder.store import reading
from recorder.store.database import Database, StoreError
from recorder.store.reading import Reader
from recorder.store.tables import (
    ANSWERS,
    ASKERS,
    EVENTS,
    GAPS,
    METADATA,
    PLACES,
    REQUESTS,
    VERSION,
)
from recorder.store.writing import Row, Writer
from tests.support.databases import NAMES, command, fresh

TOPIC = account_topic("9999", "demo")
ANSWER_TOPIC = answer_topic("9999", "demo")


@pytest.fixture(params=NAMES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    database = Database(Secret(url), tmp_path / "unused")
    yield database
    database.close()


class Running:
    """A writer and what it reported."""

    def __init__(self, database: Database, **options: Any) -> None:
        self.written: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.writer = Writer(database, self._report, batch_s=0.01, **options)
        self.writer.start()

    def _report(self, written: dict[str, int], rejected: dict[str, int]) -> None:
        for total, counts in ((self.written, written), (self.rejected, rejected)):
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count


@pytest.fixture
def running(database: Database) -> Iterator[Running]:
    running = Running(database, pauses_s=(0.02, 0.1))
    yield running
    running.writer.close()


def wait(fact: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


def _has_written(running: Running, count: int) -> bool:
    return sum(running.written.values()) == count


def event(seq: int | None, epoch: int = 7, *, owner: str = "order_events", **values: object) -> Row:
    row = {
        "topic": TOPIC,
        "epoch": epoch,
        "seq": seq,
        "broker": "9999",
        "user": "demo",
        "slot": 0,
        "day": "20261123",
        "arrived_ns": 1_763_756_001_000_000_000 + (seq or 0),
        "layout": 0x670B,
        "stream": owner,
        "callback": "OnRtnOrder",
        "exchange": "SHFE",
        "instrument": "rb2701",
        "front_id": 1,
        "session_id": -5,
        "order_ref": "1",
        "order_sys_id": "",
        "trade_id": "",
        "flags": 1,
        "body": b"\0\xff",
    }
    return Row(EVENTS, {**row, **values}, owner, 2)


def answer(
    seq: int,
    request_ids: list[int],
    rows: list[bytes],
    askers: tuple[str, ...] = (),
    **values: object,
) -> list[Row]:
    names = askers or ("",) * len(request_ids)
    row = {
        "topic": ANSWER_TOPIC,
        "epoch": 7,
        "seq": seq,
        "broker": "9999",
        "user": "demo",
        "slot": 0,
        "day": "20261123",
        "arrived_ns": seq,
        "layout": 0x670B,
        "kind": "ReqQryOrder",
        "number": seq,
        "first": 0,
        "count": len(rows),
        "last": True,
        "asked_ns": 1,
        "error_id": 0,
        "error_msg": "",
        "request_ids": msgspec.msgpack.encode(request_ids),
        "rows": msgspec.msgpack.encode(rows),
        "askers": msgspec.msgpack.encode(names),
        **values,
    }
    place = {name: row[name] for name in ("topic", "epoch", "seq", "day")}
    asked = [Row(REQUESTS, {**place, "request_id": number}) for number in request_ids]
    named = [
        Row(ASKERS, {**place, "asker": name, "request_id": number})
        for name, number in zip(names, request_ids, strict=True)
        if name
    ]
    return [Row(ANSWERS, row, "orders", 0), *asked, *named]


def place(seq: int, epoch: int = 7) -> Row:
    return Row(PLACES, {"topic": TOPIC, "stream": "order_events", "epoch": epoch, "seq": seq})


def seqs(database: Database, **options: Any) -> list[tuple[int, int]]:
    rows = Reader(database).events("9999", "demo", "order_events", **options)
    return [(row.epoch, row.seq) for row in rows]


def test_what_is_written_is_read_as_it_was(database: Database, running: Running) -> None:
    assert running.writer.put([event(1), event(2, body=bytes(1000), instrument="au2612")])
    wait(lambda: running.written == {"order_events": 2})
    first, second = Reader(database).events("9999", "demo", "order_events")
    assert msgspec.structs.asdict(first) == event(1).values
    assert second.body == bytes(1000)
    assert seqs(database, instrument="au2612") == [(7, 2)]
    assert seqs(database, after=first.after) == [(7, 2)]
    assert seqs(database, limit=1) == [(7, 1)]
    assert seqs(database, day="20261122") == []
    assert Reader(database).events("9999", "demo", "trade_events") == []
    assert Reader(database).events("9999", "other", "order_events") == []
    assert Reader(database).days() == {"20261123": 2}


def test_pages_go_on_across_epochs(database: Database, running: Running) -> None:
    places = [(epoch, seq) for epoch in (7, 1_763_756_000) for seq in range(1, 8)]
    running.writer.put([event(seq, epoch) for epoch, seq in reversed(places)])
    wait(lambda: running.written == {"order_events": len(places)})
    got: list[tuple[int, int]] = []
    after = 0
    while page := Reader(database).events("9999", "demo", "order_events", after=after, limit=3):
        got += [(row.epoch, row.seq) for row in page]
        after = page[-1].after
    assert got == places


def test_answers_are_found_by_each_who_asked_by_day_and_the_latest(
    database: Database, running: Running
) -> None:
    running.writer.put(
        [
            *answer(1, [16, 17, -3], [b"a", b"b"], last=False, number=1),
            *answer(2, [16, 17, -3], [b"c"], first=2, number=1),
            *answer(3, [17], [], number=2, error_id=-1, error_msg="CTP:请求失败"),
            *answer(4, [16], [b"m"], kind="ReqQryTradingAccount", number=3),
        ]
    )
    wait(lambda: running.written == {"orders": 4})
    reader = Reader(database)

    def found(kind: str = "ReqQryOrder", **options: Any) -> list[int]:
        return [part.seq for part in reader.answers("9999", "demo", kind, **options)]

    assert found() == [1, 2, 3]
    assert found(request_id=16) == [1, 2]
    assert found(request_id=17) == [1, 2, 3]
    assert found(request_id=-3) == [1, 2]
    assert found(request_id=18) == []
    assert found(latest=True) == [1, 2]
    assert found(day="20261124") == []
    assert found("ReqQryTradingAccount", latest=True) == [4]
    assert found("ReqQryTrade", latest=True) == []
    first, second, failed = reader.answers("9999", "demo", "ReqQryOrder")
    assert first.rows + second.rows == [b"a", b"b", b"c"]
    assert (first.last, second.last, second.first) == (False, True, 2)
    assert first.request_ids == [16, 17, -3]
    assert (failed.error_id, failed.error_msg) == (-1, "CTP:请求失败")
    assert found(after=first.after, limit=1) == [2]
    running.writer.put(
        [
            *answer(5, [18], [b"x"], last=False, number=4),
            *answer(6, [18], [], first=1, number=4, error_id=-1, error_msg="the front is gone"),
            *answer(7, [19], [b"y"], last=False, number=5),
        ]
    )
    wait(lambda: running.written == {"orders": 7})
    assert found(latest=True) == [1, 2]  # of the later ones one has failed, one goes on


def test_answers_are_found_by_the_names_of_those_who_asked(
    database: Database, running: Running
) -> None:
    running.writer.put(
        [
            *answer(1, [7, 7, 8], [b"a"], ("edge", "", "web")),
            *answer(2, [8], [b"b"], ("edge",)),
            *answer(3, [7], [b"c"]),
        ]
    )
    wait(lambda: running.written == {"orders": 3})
    reader = Reader(database)

    def found(**options: Any) -> list[int]:
        return [part.seq for part in reader.answers("9999", "demo", "ReqQryOrder", **options)]

    assert found(asker="edge") == [1, 2]
    assert found(asker="edge", request_id=7) == [1]
    assert found(asker="web", request_id=7) == []
    assert found(asker="web", latest=True) == [1]
    assert found(asker="nobody") == []
    assert found(request_id=7) == [1, 3]
    parts = reader.answers("9999", "demo", "ReqQryOrder")
    assert [part.askers for part in parts] == [["edge", "", "web"], ["edge"], [""]]
    running.writer.remove_before("20261124")
    wait(lambda: not found())
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM answer_askers")).scalar() == 0


def test_without_the_filter_everybody_finds_the_answers_of_all(
    database: Database, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: what keeps the programs apart is the filter."""
    running.writer.put([*answer(1, [7], [b"a"], ("edge",)), *answer(2, [7], [b"b"], ("web",))])
    wait(lambda: running.written == {"orders": 2})

    def found(asker: str) -> list[int]:
        parts = Reader(database).answers("9999", "demo", "ReqQryOrder", asker=asker)
        return [part.seq for part in parts]

    assert (found("edge"), found("web"), found("nobody")) == ([1], [2], [])
    monkeypatch.setattr(reading, "_asked_for", lambda topic, asker, request_id: true())
    assert found("edge") == found("web") == found("nobody") == [1, 2]


def test_a_store_of_the_version_before_is_opened_and_both_versions_may_use_it(
    database: Database, url: str
) -> None:
    """Without names: the column is not there, and what an older recorder writes has none."""
    with database.begin() as connection:
        connection.execute(text("DROP TABLE answer_askers"))
        connection.execute(text("ALTER TABLE answers DROP COLUMN askers"))
        (row, *_) = answer(1, [16, 17], [b"a"])
        old = {name: value for name, value in row.values.items() if name != "askers"}
        names = ", ".join(f'"{name}"' for name in old)
        marks = ", ".join(f":{name}" for name in old)
        insert_old = text(f"INSERT INTO answers ({names}) VALUES ({marks})")
        connection.execute(insert_old, old)
    newer = Database(Secret(url), Path("unused"))
    running = Running(newer, pauses_s=(0.02, 0.1))
    try:
        running.writer.put(answer(2, [16], [b"b"], ("edge",)))
        wait(lambda: running.written == {"orders": 1})
        with database.begin() as connection:
            connection.execute(insert_old, old | {"seq": 3})
        reader = Reader(newer)
        parts = reader.answers("9999", "demo", "ReqQryOrder")
        assert [(part.seq, part.askers) for part in parts] == [
            (1, ["", ""]),
            (2, ["edge"]),
            (3, ["", ""]),
        ]
        assert [p.seq for p in reader.answers("9999", "demo", "ReqQryOrder", asker="edge")] == [2]
    finally:
        running.writer.close()
        newer.close()


def test_gaps_and_places(database: Database, running: Running) -> None:
    gap = {
        "topic": TOPIC,
        "stream": "order_events",
        "epoch": 7,
        "first": 3,
        "last": None,
        "day": "20261123",
        "noted_ns": 1,
    }
    running.writer.put([Row(GAPS, gap), Row(GAPS, gap), event(1)])
    wait(lambda: running.written == {"order_events": 1})
    assert [msgspec.structs.asdict(row) for row in Reader(database).gaps("9999", "demo")] == [gap]
    assert Reader(database).gaps("9999", "other") == []
    assert Reader(database).places("order_events") == {TOPIC: (7, 1)}
    assert Reader(database).places("trade_events") == {}


def test_a_place_is_never_taken_back(database: Database, running: Running) -> None:
    for number, row in enumerate((place(5), place(4), place(9, epoch=6)), start=1):
        running.writer.put(
            [row, event(number, topic=account_topic("9999", "other"))]
        )  # each in a transaction of its own
        wait(partial(_has_written, running, number))
        assert Reader(database).places("order_events")[TOPIC] == (7, 5)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 12)), max_size=15), max_size=6),
    st.integers(0, 2**30),
)
def test_replays_duplicates_and_two_recorders_change_nothing(
    url: str, tmp_path: Path, batches: list[list[tuple[int, int]]], salt: int
) -> None:
    """Any batches, in any order and many times over, by two writers at once."""
    topic = f"{TOPIC}{salt}-{time.monotonic_ns()}"
    databases = [Database(Secret(url), tmp_path / "unused") for _ in range(2)]
    both = [Running(database, pauses_s=(0.02, 0.1)) for database in databases]
    try:
        for batch in batches:
            rows = [event(seq, epoch, topic=topic) for epoch, seq in batch]
            both[0].writer.put(rows)
            both[1].writer.put(rows[::-1])
        count = sum(map(len, batches))
        for running in both:
            wait(partial(_has_written, running, count))
        with databases[0].begin() as connection:
            found = connection.execute(
                text("SELECT epoch, seq FROM events WHERE topic = :topic ORDER BY epoch, seq"),
                {"topic": topic},
            ).all()
        assert [tuple(row) for row in found] == sorted({p for batch in batches for p in batch})
    finally:
        for running in both:
            running.writer.close()
        for database in databases:
            database.close()


def test_no_table_takes_a_place_twice(database: Database) -> None:
    """The control of the test above: it is the INSERT that passes over what is there."""
    for row in (event(1), *answer(1, [16], [b"a"])):
        with database.begin() as connection:
            connection.execute(insert(row.table).values(row.values))
        with pytest.raises(IntegrityError), database.begin() as connection:
            connection.execute(insert(row.table).values(row.values))


def test_a_row_that_the_database_refuses_keeps_none_of_the_others_out(
    database: Database, running: Running
) -> None:
    running.writer.put([event(1), event(None), event(3)])
    wait(lambda: running.written == {"order_events": 2})
    assert running.rejected == {"order_events": 1}
    assert running.writer.failing == ""
    assert seqs(database) == [(7, 1), (7, 3)]


def test_it_catches_up_when_the_database_is_back(
    database: Database, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.writer.put([event(1)])
    wait(lambda: running.written == {"order_events": 1})
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO away"))
        connection.execute(text("CREATE VIEW events AS SELECT 1 AS x"))
    running.writer.put([event(2)])
    wait(lambda: running.writer.failures >= 2)
    running.writer.put([event(3)])
    assert running.writer.failing
    assert running.written == {"order_events": 1}
    with database.begin() as connection:
        connection.execute(text("DROP VIEW events"))
        connection.execute(text("ALTER TABLE away RENAME TO events"))
    wait(lambda: running.written == {"order_events": 3})
    assert running.writer.failing == ""
    assert running.rejected == {}
    assert seqs(database) == [(7, 1), (7, 2), (7, 3)]


@pytest.mark.parametrize("url", NAMES[1:], indirect=True)
def test_it_connects_again_when_the_server_has_thrown_everybody_out(
    database: Database, running: Running, url: str
) -> None:
    running.writer.put([event(1)])
    wait(lambda: running.written == {"order_events": 1})
    name = url.partition("?")[0].rpartition("/")[2]
    command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    thrown = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    command(thrown)
    running.writer.put([event(2)])
    wait(lambda: running.writer.failures >= 2)
    with pytest.raises(StoreError):
        Reader(database).events("9999", "demo", "order_events")
    command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait(lambda: running.written == {"order_events": 2})
    command(thrown)
    wait(lambda: seqs(database) == [(7, 1), (7, 2)])


def test_a_full_disk_is_waited_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(Secret(""), tmp_path / "store.sqlite")
    pages = 40

    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    listen(database._engine, "checkout", limit)
    running = Running(database, most_bytes=300_000, pauses_s=(0.02, 0.1))
    taken = 0
    while running.writer.put([event(taken + 1, body=bytes(2000))]):
        taken += 1
        if taken % 20 == 0:
            wait(lambda: not running.writer.waiting or running.writer.failing)
        assert taken < 1000
    assert "full" in running.writer.failing
    assert [record.message for record in caplog.records].count(
        "events and answers cannot be written"
    ) == 1
    pages = 10_000
    wait(lambda: running.written == {"order_events": taken})
    assert len(seqs(database, limit=10_000)) == taken
    assert running.writer.close()
    database.close()


def test_the_memory_is_bounded_while_the_database_is_away(tmp_path: Path) -> None:
    database = Database(Secret(""), tmp_path / "missing" / "store.sqlite")
    running = Running(database, most_bytes=100_000, pauses_s=(0.02, 0.1))
    taken = 0
    while running.writer.put([event(taken + 1)]):
        taken += 1
        assert taken < 1000
    wait(lambda: running.writer.failing)
    assert "missing" in running.writer.failing
    (tmp_path / "missing").mkdir()
    wait(lambda: running.written == {"order_events": taken})
    assert running.writer.put([event(taken + 1)])
    assert running.writer.close(20)
    assert len(seqs(database)) == taken + 1
    database.close()


def test_a_newer_schema_is_left_alone(database: Database, running: Running, url: str) -> None:
    with database.begin() as connection:
        connection.execute(text(f"UPDATE ctpbus_version SET version = {VERSION + 1}"))
    other = Database(Secret(url), Path("unused"))
    try:
        with pytest.raises(StoreError, match=f"version {VERSION + 1}"), other.begin():
            pass
    finally:
        other.close()


def test_days_before_the_kept_ones_go(database: Database, running: Running) -> None:
    for seq, day in enumerate(("20261120", "20261123", "20261124"), start=1):
        running.writer.put([event(seq, day=day), *answer(seq, [seq], [b"x"], day=day)])
    wait(lambda: running.written == {"order_events": 3, "orders": 3})
    running.writer.remove_before("20261123")
    wait(lambda: seqs(database) == [(7, 2), (7, 3)])
    running.writer.remove_before("20261124")
    wait(lambda: seqs(database) == [(7, 3)])
    wait(lambda: len(Reader(database).answers("9999", "demo", "ReqQryOrder")) == 1)
    assert running.writer.close()
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM answer_requests")).scalar() == 1


def test_rows_are_written_where_old_ones_cannot_be_removed(
    database: Database, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.writer.put([event(1, day="20261120")])
    wait(lambda: running.written == {"order_events": 1})
    with database.begin() as connection:
        connection.execute(text("DROP TABLE gaps"))
    running.writer.remove_before("20261123")
    wait(lambda: "old events and answers stay" in caplog.text)
    running.writer.put([event(2)])
    wait(lambda: running.written == {"order_events": 2})


def test_many_old_rows_go_in_portions(database: Database, running: Running) -> None:
    running.writer.put([event(seq, day="20261120") for seq in range(1, 5001)])
    running.writer.put([event(6000)])
    wait(lambda: running.written == {"order_events": 5001})
    running.writer.remove_before("20261123")
    wait(lambda: seqs(database) == [(7, 6000)])


def test_two_that_begin_at_once_make_the_tables_together(url: str) -> None:
    databases = [Database(Secret(url), Path("unused")) for _ in range(2)]
    both = [Running(database, pauses_s=(0.02, 0.1)) for database in databases]
    begin = threading.Barrier(2)

    def put(running: Running, seq: int) -> None:
        begin.wait()
        running.writer.put([event(seq)])

    threads = [threading.Thread(target=put, args=(r, n)) for n, r in enumerate(both, start=1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for running in both:
        assert running.writer.close(20)
    assert seqs(databases[0]) == [(7, 1), (7, 2)]
    with databases[0].begin() as connection:
        assert connection.execute(text("SELECT version FROM ctpbus_version")).all() == [(VERSION,)]
    for database in databases:
        database.close()


def test_an_at_in_a_password_is_not_taken_for_the_name_of_a_host(tmp_path: Path) -> None:
    """That name would be in the state and in each line of the log."""
    with pytest.raises(ConfigError, match="%40"):
        Database(Secret("postgresql://u:hun@ter2@127.0.0.1:1/x"), tmp_path / "unused")
    with pytest.raises(ConfigError, match="%40"):
        Database(Secret("postgresql://u:hun@t/er2@127.0.0.1:1/x"), tmp_path / "unused")
    database = Database(Secret("postgresql://u:hun%40ter2@127.0.0.1:1/x"), tmp_path / "unused")
    assert database.name == "postgresql+psycopg://u:***@127.0.0.1:1/x"
    database.close()


def test_a_short_password_hides_nothing_but_itself(tmp_path: Path) -> None:
    database = Database(Secret("postgresql://u:r@127.0.0.1:1/x"), tmp_path / "unused")
    assert database.explain(StoreError("r")) == "StoreError ***"
    database.close()


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "not a url", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://x/y"],
)
def test_an_url_of_something_else_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"recorder\.store\.url"):
        Database(Secret(url), tmp_path / "unused")


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x?password=hunter2"]
)
def test_no_password_is_in_a_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    database = Database(Secret(url), tmp_path / "unused")
    running = Running(database, pauses_s=(0.02, 0.1))
    running.writer.put([event(1)])
    wait(lambda: running.writer.failing)
    assert not running.writer.close(0.2)
    told = database.name + running.writer.failing + caplog.text
    told += "".join(str(record.__dict__) for record in caplog.records)
    assert "hunter2" not in told
    assert "127.0.0.1" in database.name
    database.close()


def test_the_file_of_sqlite_is_closed_to_others(tmp_path: Path) -> None:
    database = Database(Secret(""), tmp_path / "store.sqlite")
    with database.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()
    assert modes == {0o600}


def test_every_table_has_a_day_or_is_about_places() -> None:
    assert {name for name, table in METADATA.tables.items() if "day" not in table.c} == {
        "places",
        "ctpbus_version",
    }
