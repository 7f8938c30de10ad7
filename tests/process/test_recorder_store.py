"""Events and answers of real processes are in the tables, each once, whoever is killed."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy.engine import make_url

from bus.answers import ASSETS, ORDERS, POSITIONS, TRADES
from bus.frames import account_topic
from bus.orders import After
from bus.secrets import Secret
from recorder.store.database import Database, StoreError
from recorder.store.reading import AnswerPart, EventRow, Reader
from schemas.calendar import exchange_calendar
from schemas.errors import NOT_LOGGED_IN
from tests.process.test_recorder import ask, stream
from tests.support.buslink import TdLink
from tests.support.databases import NAMES, fresh
from tests.support.disks import small_disk
from tests.support.group import Group

USER, PASSWORD = "300001", "td-geheim-7319"
TOPIC = account_topic("9999", USER)
WAIT_S = 30
STREAMS = {
    "order_events": {"OnRtnOrder", "OnErrRtnOrderInsert", "OnErrRtnOrderAction"},
    "trade_events": {"OnRtnTrade"},
}


@pytest.fixture(params=NAMES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def group(url: str, tmp_path: Path) -> Iterator[Group]:
    settings: dict[str, Any] = {
        "sim": {"queries_per_second": 0, "users": [{"user_id": USER, "password": PASSWORD}]},
        "td_worker": {"queries_per_s": 1000},
        "recorder": {"store": {"url": url}, "batch_s": 0.05},
    }
    with Group(tmp_path, overrides=settings) as group:
        group.start("sim", "td_worker", "recorder")
        yield group


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    database = Database(Secret(url), Path("unused"))
    yield Reader(database)
    database.close()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def log_in(client: TdLink) -> None:
    client.login(USER, PASSWORD)
    client.follow(USER)


def until(fact: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fact():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def events(reader: Reader, name: str) -> list[EventRow]:
    try:
        return reader.events("9999", USER, name, limit=10_000)
    except StoreError:  # SQLite's file does not exist before the first row
        return []


def trade(client: TdLink, count: int) -> None:
    """Orders that are filled, one that is refused and one that rests."""
    (instrument, *_) = client.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
    name = str(instrument["InstrumentID"])
    (quote,) = client.request("ReqQryDepthMarketData", InstrumentID=name)
    high, low = quote["UpperLimitPrice"], quote["LowerLimitPrice"]
    assert isinstance(high, float)
    assert isinstance(low, float)
    for _ in range(count):
        client.order(name, high)
    client.order(name, low)
    client.order(name, 2 * high)
    trades = 0

    def filled() -> bool:
        nonlocal trades
        trades += sum(message.name == "OnRtnTrade" for message in client.taken())
        return trades >= count

    client.wait_for(filled, "trades")


def published(client: TdLink, callbacks: set[str]) -> list[tuple[Any, ...]]:
    """The events of the trading day, from td_worker's journal."""
    return [
        (m.epoch, m.seq, m.name, m.values["InstrumentID"], m.field)
        for m in client.returns()[0]
        if m.name in callbacks
    ]


def kept(client: TdLink, reader: Reader, name: str) -> list[tuple[Any, ...]]:
    """The same from the tables; without the RspInfo behind a struct."""
    sizes = {
        callback: client.catalogue.codec(str(client.catalogue.td.callbacks[callback].struct)).size
        for callback in STREAMS[name]
    }
    return [
        (e.epoch, e.seq, e.callback, e.instrument, e.body[: sizes[e.callback]])
        for e in events(reader, name)
    ]


def check_all_is_there(client: TdLink, reader: Reader) -> None:
    """Every event of the day is in the tables, once, with the bytes of the bus."""

    def same(name: str) -> bool:
        wanted = published(client, STREAMS[name])
        return bool(wanted) and kept(client, reader, name) == wanted

    for name in STREAMS:
        until(lambda name=name: same(name), lambda name=name: kept(client, reader, name))  # type: ignore[misc]
    assert reader.gaps("9999", USER) == []


def test_every_event_is_in_the_tables_once_whoever_is_killed(group: Group, reader: Reader) -> None:
    with TdLink(group) as client:
        log_in(client)
        trade(client, 3)
        check_all_is_there(client, reader)
        group.kill("recorder")
        trade(client, 3)  # nobody records it
        group.start("recorder")
        trade(client, 2)
        check_all_is_there(client, reader)
        trade(client, 2)
    group.kill("recorder")  # with a batch that is not written
    group.restart("td_worker")
    group.start("recorder")
    with TdLink(group) as client:
        log_in(client)
        trade(client, 2)
        check_all_is_there(client, reader)
    group.restart("td_worker")
    with TdLink(group) as client:
        log_in(client)
        check_all_is_there(client, reader)
    state = stream(group, "order_events")
    assert state.running
    assert (state.lost, state.written) == (0, state.received)
    one = next(e for e in events(reader, "trade_events"))
    assert (one.broker, one.user, one.exchange) == ("9999", USER, "SHFE")
    assert one.trade_id
    assert one.order_sys_id
    today = exchange_calendar().trading_day("", one.arrived_ns)
    assert one.day == today.strftime("%Y%m%d"), "the day of which history speaks"
    ones = [e for e in events(reader, "order_events") if e.callback == "OnRtnOrder"]
    assert all(e.order_ref and e.session_id for e in ones)


def test_a_stopped_stream_takes_nothing_and_catches_up(group: Group, reader: Reader) -> None:
    with TdLink(group) as client:
        log_in(client)
        ask(group, "StopStream", "trade_events")
        trade(client, 2)

        def same() -> bool:
            wanted = published(client, STREAMS["order_events"])
            return bool(wanted) and kept(client, reader, "order_events") == wanted

        until(same, lambda: "order events")
        assert events(reader, "trade_events") == []
        ask(group, "StartStream", "trade_events")
        check_all_is_there(client, reader)


def test_answers_are_found_under_each_number_that_asked(group: Group, reader: Reader) -> None:
    with TdLink(group) as client:
        log_in(client)
        trade(client, 2)
        rows = {}
        for request_id, method in enumerate((ORDERS, TRADES, ASSETS, POSITIONS), start=16):
            number = client.send(
                method, client.body(method), session=client.handle, request_id=request_id
            )
            rows[method, request_id] = client.rows(number)
        numbers = [
            client.send(ORDERS, client.body(ORDERS), session=client.handle, request_id=request_id)
            for request_id in range(100, 120)
        ]
        same = [client.rows(number) for number in numbers]

    def found(method: str, request_id: int) -> list[AnswerPart]:
        return reader.answers("9999", USER, method, request_id=request_id)

    for (method, request_id), answered in rows.items():
        until(lambda m=method, r=request_id: bool(found(m, r)), lambda m=method: m)  # type: ignore[misc]
        (part,) = found(method, request_id)
        assert part.rows == [row.field for row in answered]
        assert (part.last, part.error_id, part.request_ids) == (True, 0, [request_id])
        assert part.asked_ns <= part.arrived_ns
    for request_id, answered in zip(range(100, 120), same, strict=True):
        until(lambda r=request_id: bool(found(ORDERS, r)), lambda: "answers")  # type: ignore[misc]
        assert found(ORDERS, request_id)[-1].rows == [row.field for row in answered]
    parts = reader.answers("9999", USER, ORDERS)
    assert len(parts) < 20, "equal questions are asked once"
    assert sorted(i for p in parts for i in p.request_ids) == [16, *range(100, 120)]
    assert reader.answers("9999", USER, ORDERS, latest=True) == parts[-1:]


def test_two_recorders_share_a_database(url: str, tmp_path: Path, reader: Reader) -> None:
    settings: dict[str, Any] = {
        "sim": {"queries_per_second": 0, "users": [{"user_id": USER, "password": PASSWORD}]},
        "td_worker": {"queries_per_s": 1000},
        "recorder": {"store": {"url": url}, "batch_s": 0.05, "members": ["b"]},
    }
    with Group(tmp_path, overrides=settings) as group:
        group.start("sim", "td_worker", "recorder", "recorder:b")
        with TdLink(group) as client:
            log_in(client)
            trade(client, 3)
            check_all_is_there(client, reader)
            client.request(ASSETS)
            group.kill("recorder")
            trade(client, 2)
            check_all_is_there(client, reader)
            until(lambda: bool(reader.answers("9999", USER, ASSETS)), lambda: "assets")
            assert len(reader.answers("9999", USER, ASSETS)) == 1


def test_missed_returns_are_asked_for_by_topic_and_of_nobody_unknown(group: Group) -> None:
    with TdLink(group) as client:

        def ask_for(topic: str) -> Any:
            return client.call("Returns", msgspec.msgpack.encode(After(0, 0, topic=topic)))[-1]

        assert ask_for(TOPIC).error_id == NOT_LOGGED_IN
        log_in(client)
        assert ask_for(TOPIC).name == "Returns"
        assert ask_for(account_topic("9999", "other")).error_id == NOT_LOGGED_IN
        refused = client.call("Returns", b"\xc1")[-1]
        assert refused.name == "Error"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_orders_go_on_and_events_come_later_when_the_file_is_away(
    group: Group, reader: Reader, url: str
) -> None:
    with TdLink(group) as client:
        log_in(client)
        trade(client, 1)
        check_all_is_there(client, reader)
        group.kill("recorder")
        file = Path(str(make_url(url).database))
        away = file.with_suffix(".away")
        for path in file.parent.glob(f"{file.name}*"):
            path.rename(str(path).replace(file.name, away.name))
        file.mkdir()
        group.start("recorder")
        trade(client, 2)
        until(lambda: "waits for its database" in group.log("recorder"), lambda: "a log")
        file.rmdir()
        for path in file.parent.glob(f"{away.name}*"):
            path.rename(str(path).replace(away.name, file.name))
        check_all_is_there(client, reader)


def test_a_database_that_says_nothing_keeps_nobody_from_anything(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/x"
        with Group(tmp_path, overrides={"recorder": {"store": {"url": url}}}) as group:
            group.start("sim", "md_worker", "td_worker", "recorder")
            silent.settimeout(WAIT_S)
            peer, _ = silent.accept()  # it waits there now
            with TdLink(group) as client:
                client.login()
                client.request(ASSETS)
            until(lambda: stream(group, "assets").received == 1, lambda: "an answer")
            assert ask(group, "State")["tables"]["waiting"] >= 1
            assert group.stop("recorder") == 0
            peer.close()
            assert "hunter2" not in group.log("recorder")


def test_orders_go_on_when_the_disk_of_the_recorder_is_full(
    tmp_path: Path, full_disk: Path
) -> None:
    settings: dict[str, Any] = {
        "sim": {"queries_per_second": 0, "users": [{"user_id": USER, "password": PASSWORD}]},
        "td_worker": {"queries_per_s": 1000},
        "recorder": {"folder": str(full_disk), "batch_s": 0.05, "min_free_mb": 0},
    }
    with Group(tmp_path, overrides=settings) as group:
        group.start("sim", "td_worker", "recorder")
        database = Database(Secret(""), full_disk / "store.sqlite")
        reader = Reader(database)
        with TdLink(group) as client:
            log_in(client)
            trade(client, 1)
            check_all_is_there(client, reader)
            (full_disk / "filler").write_bytes(bytes(_free(full_disk)))

            def failing() -> bool:
                trade(client, 5)  # each in vain for the tables, none for the client
                return bool(ask(group, "State")["tables"]["failing"])

            until(failing, lambda: group.log("recorder"))
            trade(client, 5)
            assert "events and answers cannot be written" in group.log("recorder")
            (full_disk / "filler").unlink()
            check_all_is_there(client, reader)
        assert group.stop("recorder") == 0
        database.close()


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
