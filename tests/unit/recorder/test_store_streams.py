"""Streams of events and answers between a td_worker and a database, both played by the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas.catalogue
from bus.answers import ASSETS, METHODS, ORDERS, Answer
from bus.errors import refused, request_failed
from bus.frames import BEAT, Flag, Message, account_topic, answer_topic, message_type, session_of
from bus.orders import NOT_KEPT
from recorder.store import returns, streams
from recorder.store.database import Database
from recorder.store.reading import EventRow, Reader
from recorder.store.returns import Link, OnAnswer, OnReturn
from recorder.store.rows import ANSWER_STREAMS, EVENT_STREAMS, Rows
from recorder.store.streams import AnswerStream, EventStream
from recorder.store.tables import ASKERS
from recorder.store.writing import Writer
from schemas.codec import Value
from schemas.errors import NOT_LOGGED_IN
from tests.unit.recorder.test_store import Running

CATALOGUE = schemas.catalogue.load()
TOPIC = account_topic("9999", "demo")
STRUCTS = {
    "OnRtnOrder": "Order",
    "OnRtnTrade": "Trade",
    "OnErrRtnOrderInsert": "InputOrder",
    "OnErrRtnOrderAction": "OrderAction",
    "Mark": "",
}


def rows(day: str = "20261130") -> Rows:
    return Rows(CATALOGUE, lambda instrument, at_ns: day)


def message(
    seq: int, name: str = "OnRtnOrder", epoch: int = 1, topic: str = TOPIC, **values: Value
) -> Message:
    flags, body = int(Flag.MSGPACK), b"\xc0"
    if struct := STRUCTS[name]:
        flags, body = Flag.HAS_FIELD, CATALOGUE.codec(struct).pack(values)
        if name.startswith("OnErr"):
            flags |= Flag.HAS_INFO
            body += CATALOGUE.codec("RspInfo").pack({"ErrorID": 31})
    kind = message_type(name)
    return Message(topic, epoch, seq, seq, seq, kind, CATALOGUE.layout_id, flags, body)


def beat(seq: int, epoch: int = 1) -> Message:
    return Message(TOPIC, epoch, seq, 0, 0, BEAT, CATALOGUE.layout_id, Flag.LOCAL, b"")


class Worker:
    """td_worker as a ``Link``: ``publish`` reaches the streams unless ``deaf``, and the journal."""

    def __init__(self) -> None:
        self.journal: list[Message] = []
        self.takes: list[OnReturn] = []
        self.hears: list[OnAnswer] = []
        self.deaf = False
        self.known_from = (0, 0)
        self.logged_in = True
        self.asked = 0

    def hear_returns(self, take: OnReturn) -> None:
        self.takes.append(take)

    def hear_answers(self, hear: OnAnswer) -> None:
        self.hears.append(hear)

    def leave_returns(self, take: OnReturn) -> None:
        if take in self.takes:
            self.takes.remove(take)

    def leave_answers(self, hear: OnAnswer) -> None:
        self.hears.remove(hear)

    def publish(self, *messages: Message) -> None:
        for one in messages:
            if one.type != BEAT:
                self.journal.append(one)
            for take in [] if self.deaf else list(self.takes):
                take(one)

    async def returns_after(
        self, topic: str, place: tuple[int, int], take: Callable[[Message], object]
    ) -> tuple[int, int] | None:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.logged_in:
            raise refused(NOT_LOGGED_IN, "no such session")
        if (0, 0) < place < self.known_from:
            raise request_failed(f"they {NOT_KEPT}")
        found = [m for m in self.journal if (m.epoch, m.seq) > max(place, self.known_from)]
        for one in found[: returns.MOST_AT_ONCE]:
            take(one)
        if len(found) >= returns.MOST_AT_ONCE:
            return None
        last = self.journal[-1] if self.journal else None
        return (last.epoch, last.seq) if last is not None else (0, 0)


class Bench:
    """A recorder's part about events."""

    def __init__(self, file: Path, worker: Worker, **options: Any) -> None:
        self.worker = worker
        self.database = Database(cast(Any, ""), file)
        self.running = Running(self.database, pauses_s=(0.02, 0.1), **options)
        self.reader = Reader(self.database)
        self.streams = {
            name: EventStream(name, cast(Link, worker), rows(), self.writer, self.reader)
            for name in EVENT_STREAMS
        }

    @property
    def writer(self) -> Writer:
        return self.running.writer

    async def start(self) -> None:
        count = len(self.worker.takes)
        for stream in self.streams.values():
            stream.start()
        await until(lambda: len(self.worker.takes) == count + len(self.streams))

    def close(self) -> None:
        for stream in self.streams.values():
            stream.stop()
        self.writer.close(20)
        self.database.close()

    def events(self, name: str = "order_events") -> list[EventRow]:
        return self.reader.events("9999", "demo", name, limit=10_000)

    def places(self, name: str = "order_events") -> list[tuple[int, int]]:
        return [(row.epoch, row.seq) for row in self.events(name)]


async def until(fact: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.005)


def test_events_of_all_kinds_are_kept_with_their_names(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path / "store", worker := Worker())
        await bench.start()
        worker.publish(
            message(
                1,
                TradingDay="20261123",
                ExchangeID="SHFE",
                InstrumentID="rb2701",
                FrontID=3,
                SessionID=-7,
                OrderRef="          12",
                OrderSysID="    881",
            ),
            message(2, "Mark"),
            message(3, "OnErrRtnOrderInsert", InstrumentID="au2612", OrderRef="13"),
            message(4, "OnErrRtnOrderAction", FrontID=3, SessionID=-7, OrderRef="12"),
            message(5, "OnRtnTrade", TradingDay="20261123", TradeID="  99", OrderSysID="881"),
        )
        await until(lambda: bench.running.written == {"order_events": 3, "trade_events": 1})
        first, second, third = bench.events()
        assert (first.day, first.exchange, first.instrument) == ("20261123", "SHFE", "rb2701")
        assert (first.front_id, first.session_id) == (3, -7)
        assert (first.order_ref, first.order_sys_id, first.trade_id) == ("12", "881", "")
        assert (second.day, second.callback) == ("20261130", "OnErrRtnOrderInsert")
        assert second.flags == Flag.HAS_FIELD | Flag.HAS_INFO
        assert (third.callback, third.order_ref, third.session_id) == (
            "OnErrRtnOrderAction",
            "12",
            -7,
        )
        (trade,) = bench.events("trade_events")
        assert (trade.trade_id, trade.seq) == ("99", 5)
        assert bench.streams["order_events"].counters.received == 3
        assert bench.streams["order_events"].counters.last_ns == 4
        bench.close()

    asyncio.run(scenario())


def test_structs_of_another_version_are_kept_unread() -> None:
    other = message(1, InstrumentID="rb2701")._replace(layout=0x1234)
    values = rows().event("order_events", other).values
    assert values["body"] == other.body
    assert (values["instrument"], values["layout"], values["day"]) == ("", 0x1234, "20261130")


@pytest.mark.parametrize(
    "told", [b"2026112\x81\x30", b"20261332", b"\xff" * 9, b"0", b"00000000", b"123456789", b"x"]
)
def test_a_trading_day_that_is_none_is_not_a_row_s_day(told: bytes) -> None:
    """PostgreSQL refuses one of nine characters; others would be found by nobody."""
    good = message(1, TradingDay="20261123")
    assert rows().event("order_events", good).values["day"] == "20261123"
    field = next(f for f in CATALOGUE.layouts["Order"].fields if f.name == "TradingDay")
    body = bytearray(good.body)
    body[field.offset : field.offset + field.size] = told.ljust(field.size, b"\0")
    values = rows().event("order_events", good._replace(body=bytes(body))).values
    assert (values["day"], values["body"]) == ("20261130", bytes(body))


def test_a_text_with_a_nul_can_be_written() -> None:
    answer = Answer(
        method=ORDERS,
        request_ids=[1],
        asked_ns=0,
        layout=CATALOGUE.layout_id,
        rows=[],
        last=True,
        error_id=-1,
        error_msg="a\0b",
    )
    row, _ = rows().answer("orders", message(1, topic=answer_topic("9999", "demo")), answer)
    assert row.values["error_msg"] == "a b"


def test_who_asked_is_kept_by_name_even_when_a_td_worker_of_before_names_nobody() -> None:
    def kept(request_ids: list[int], askers: list[str]) -> tuple[list[str], list[tuple[str, int]]]:
        answer = Answer(
            method=ORDERS,
            request_ids=request_ids,
            asked_ns=0,
            layout=CATALOGUE.layout_id,
            rows=[],
            last=True,
            askers=askers,
        )
        told = message(1, topic=answer_topic("9999", "demo"))
        row, *others = rows().answer("orders", told, answer)
        names = [r.values for r in others if r.table is ASKERS]
        return msgspec.msgpack.decode(row.values["askers"]), [
            (values["asker"], values["request_id"]) for values in names
        ]

    assert kept([1, 1, 2], ["edge", "", "edge"]) == (
        ["edge", "", "edge"],
        [("edge", 1), ("edge", 2)],
    )
    assert kept([1, 2], []) == (["", ""], [])
    assert kept([1], ["a\0b", "too many"]) == (["a b"], [("a b", 1)])


def test_who_begins_late_gets_the_day_from_its_beginning(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path / "store", worker := Worker())
        worker.publish(*(message(seq) for seq in range(1, 6)))
        await bench.start()
        worker.publish(beat(5))
        await until(lambda: bench.running.written.get("order_events") == 5)
        assert bench.places() == [(1, seq) for seq in range(1, 6)]
        bench.close()

    asyncio.run(scenario())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(["order", "trade", "mark", "lose", "hear", "again", "new", "kill"]))
)
def test_every_event_is_kept_once_whatever_is_lost_or_killed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    async def scenario(folder: Path) -> None:
        worker = Worker()
        bench = Bench(folder / "store", worker)
        await bench.start()
        epoch, seq = 1, 0
        kinds = {"order": "OnRtnOrder", "trade": "OnRtnTrade", "mark": "Mark"}
        for step in steps:
            if step in kinds:
                seq += 1
                worker.publish(message(seq, kinds[step], epoch))
            elif step in ("lose", "hear"):
                worker.deaf = step == "lose"
            elif step == "again" and worker.journal and not worker.deaf:
                for take in worker.takes:
                    take(worker.journal[len(worker.journal) // 2])
            elif step == "new":
                epoch, seq = epoch + 1, 0
            elif step == "kill":
                bench.close()
                bench = Bench(folder / "store", worker)
                await bench.start()
            await asyncio.sleep(0)
        worker.deaf = False
        wanted = {
            name: [
                (m.epoch, m.seq)
                for m in worker.journal
                if m.type in {message_type(callback) for callback in callbacks}
            ]
            for name, callbacks in EVENT_STREAMS.items()
        }
        worker.publish(beat(seq, epoch))
        for name in EVENT_STREAMS:
            await until(lambda name=name: bench.places(name) == wanted[name])  # type: ignore[misc]
        assert bench.reader.gaps("9999", "demo") == []
        bench.close()

    asyncio.run(scenario(tmp_path_factory.mktemp("streams")))


def test_without_asking_a_loss_would_stay(tmp_path: Path) -> None:
    """The control of the test above: nobody is logged in, so nothing is given again."""

    async def scenario() -> None:
        bench = Bench(tmp_path / "store", worker := Worker())
        await bench.start()
        worker.publish(message(1))
        await until(lambda: bench.running.written == {"order_events": 1})
        worker.logged_in, worker.deaf = False, True
        worker.publish(message(2))
        worker.deaf = False
        worker.publish(message(3), beat(3))
        await until(lambda: worker.asked >= 1)
        await asyncio.sleep(0.1)
        assert bench.places() == [(1, 1)]
        worker.logged_in = True
        worker.publish(beat(3))
        await until(lambda: bench.places() == [(1, 1), (1, 2), (1, 3)])
        bench.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("killed", [False, True])
def test_who_trades_seldom_has_no_gap_in_his_trades_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """His last trade is older than what td_worker keeps; of orders there was one a moment ago."""
    monkeypatch.setattr(streams, "_NOTE_S", 0.01 if killed else 60.0)

    async def scenario() -> None:
        bench = Bench(tmp_path / "store", worker := Worker())
        await bench.start()
        worker.publish(message(1, "OnRtnTrade"), *(message(seq) for seq in range(2, 7)))
        await until(lambda: bench.running.written == {"trade_events": 1, "order_events": 5})
        if killed:
            await until(lambda: bench.reader.places("trade_events") == {TOPIC: (1, 6)})
            for stream in bench.streams.values():
                monkeypatch.setattr(stream, "_note", lambda: None)
        bench.close()
        worker.known_from = (1, 5)
        worker.journal.append(message(7))
        again = Bench(tmp_path / "store", worker)
        await again.start()
        worker.publish(beat(7))
        await until(lambda: (1, 7) in again.places())
        worker.publish(message(8, "OnRtnTrade"))
        await until(lambda: again.places("trade_events") == [(1, 1), (1, 8)])
        assert again.reader.gaps("9999", "demo") == []
        again.close()

    asyncio.run(scenario())


def test_what_nobody_has_is_marked_as_a_gap(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path / "store", worker := Worker())
        await bench.start()
        worker.publish(message(1))
        await until(lambda: bench.running.written == {"order_events": 1})
        worker.deaf = True
        worker.publish(message(2), message(3), message(1, epoch=3))
        worker.deaf, worker.known_from = False, (3, 0)
        worker.publish(message(2, epoch=3))
        await until(lambda: bench.places() == [(1, 1), (3, 1), (3, 2)])
        await until(lambda: len(bench.reader.gaps("9999", "demo")) == 2)
        gaps = bench.reader.gaps("9999", "demo")
        assert {gap.stream for gap in gaps} == set(EVENT_STREAMS)
        assert {(gap.epoch, gap.last) for gap in gaps} == {(1, None)}
        assert bench.streams["order_events"].counters.lost == 1
        bench.close()

    asyncio.run(scenario())


def test_while_the_database_is_away_events_wait_in_the_journal(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "store"
        bench = Bench(file, worker := Worker(), most_bytes=50_000)
        await bench.start()
        worker.publish(message(1))
        await until(lambda: bench.running.written == {"order_events": 1})
        with bench.database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE events RENAME TO away")
            connection.exec_driver_sql("CREATE VIEW events AS SELECT 1 AS x")
        worker.publish(*(message(seq) for seq in range(2, 3000)))
        await until(lambda: bool(bench.writer.failing))
        assert bench.writer.waiting < 100
        with bench.database.begin() as connection:
            connection.exec_driver_sql("DROP VIEW events")
            connection.exec_driver_sql("ALTER TABLE away RENAME TO events")
        await until(lambda: len(bench.places()) == 2999)
        assert bench.places() == [(1, seq) for seq in range(1, 3000)]
        assert bench.streams["order_events"].counters.lost == 0
        bench.close()

    asyncio.run(scenario())


def test_answers_go_to_the_stream_of_their_kind(tmp_path: Path) -> None:
    database = Database(cast(Any, ""), tmp_path / "store")
    running = Running(database)
    worker = Worker()
    streams = {
        name: AnswerStream(name, cast(Link, worker), rows(), running.writer)
        for name in ANSWER_STREAMS
    }
    for stream in streams.values():
        stream.start()
    order = CATALOGUE.codec("Order").pack({"TradingDay": "20261123"})
    for seq, method in enumerate(sorted(METHODS), start=1):
        heard = Message(
            answer_topic("9999", "demo"), 1, seq, seq, 0, 0, CATALOGUE.layout_id, 4, b""
        )
        answer = Answer(
            method=method,
            request_ids=[seq, seq],
            asked_ns=1,
            layout=CATALOGUE.layout_id,
            rows=[order] if method == ORDERS else [],
            last=True,
            number=seq,
        )
        for hear in worker.hears:
            hear(heard, answer)
    assert running.writer.close(20)
    assert {name: stream.counters.received for name, stream in streams.items()} == dict.fromkeys(
        ANSWER_STREAMS, 1
    )
    reader = Reader(database)
    (part,) = reader.answers("9999", "demo", ORDERS)
    assert (part.day, part.rows) == ("20261123", [order])
    (empty,) = reader.answers("9999", "demo", ASSETS, day="20261130")
    assert (empty.count, empty.last) == (0, True)
    database.close()


def test_answers_beyond_the_memory_are_counted_as_lost(tmp_path: Path) -> None:
    database = Database(cast(Any, ""), tmp_path / "missing" / "store")
    writer = Writer(database, lambda written, rejected: None, most_bytes=3000)
    worker = Worker()
    stream = AnswerStream("orders", cast(Link, worker), rows(), writer)
    stream.start()
    answer = Answer(method=ORDERS, request_ids=[1], asked_ns=1, layout=1, rows=[], last=True)
    for seq in range(1, 11):
        worker.hears[0](Message(answer_topic("9999", "demo"), 1, seq, 0, 0, 0, 1, 4, b""), answer)
    assert stream.counters.received == 10
    assert 0 < stream.counters.lost < 10
    stream.stop()
    database.close()


@pytest.mark.parametrize("slot", [0, 12])
@pytest.mark.parametrize("user", ["demo", "a/b:c", "张三"])
def test_an_account_is_read_from_its_topics(user: str, slot: int) -> None:
    assert session_of(account_topic("9999", user, slot)) == ("9999", user, slot)
    assert session_of(answer_topic("9999", user, slot)) == ("9999", user, slot)
