"""A query desk between a counter and clients, all played by the test."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import cast

import msgspec

from bus.answers import Answer
from bus.errors import Refused
from bus.publisher import Publisher
from bus.rpc import Call
from schemas.codec import Value
from schemas.counter import Event
from td_worker.numbers import RequestIds
from td_worker.queries.day_cache import DayCache
from td_worker.queries.delivery import Deliveries
from td_worker.queries.desk import QueryDesk
from td_worker.queries.telling import Telling
from tests.unit.td_worker.fakes import CATALOGUE, FakeCounter, FakePublisher

OK = CATALOGUE.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})


class TestCounter(FakeCounter):
    __test__ = False

    def query_freq(self) -> int:
        return 1


@dataclass(eq=False)
class Asked:
    """What one caller hears."""

    rows: list[tuple[Event, bool]] = field(default_factory=list)
    errors: list[Refused] = field(default_factory=list)

    @property
    def ends(self) -> int:
        return sum(last for _, last in self.rows) + len(self.errors)


def body(method: str, **values: Value) -> bytes:
    return CATALOGUE.codec(CATALOGUE.td.requests[method].struct).pack(values)


class Office:
    """The desk; ``now`` is its clock."""

    def __init__(self, per_s: float = 1000, query_s: float = 30, cache_mb: int = 64) -> None:
        self.counter, self.now = TestCounter(), 1000.0
        self.cache, self.deliveries = DayCache(cache_mb << 20), Deliveries()
        self.publisher = FakePublisher()
        self.desk = self.of("u1", query_s)
        self.desk.pace(per_s)

    def of(self, user: str, query_s: float = 30) -> QueryDesk:
        """A desk of another account with the same cache."""
        ids = RequestIds()
        telling = Telling(
            CATALOGUE, cast(Publisher, self.publisher), f"answer/9999/{user}/", self.shown
        )
        desk = QueryDesk(
            CATALOGUE, self.counter, ids, query_s, user, self.cache, self.deliveries, telling
        )
        desk.pace(1000)
        return desk

    def shown(self, event: Event) -> Event:
        """As clients see it."""
        return event._replace(field=b"shown" + (event.field or b""))

    @property
    def told(self) -> list[Answer]:
        """What was published, on all topics."""
        return [msgspec.msgpack.decode(raw, type=Answer) for raw in self.publisher.bodies]

    def query(
        self,
        client: bytes,
        method: str = "ReqQryOrder",
        *,
        desk: QueryDesk | None = None,
        patience_s: float = 1000,
        fresh: bool = False,
        request_id: int = 0,
        asker: str = "",
        **values: Value,
    ) -> Asked:
        deadline_ns = time.time_ns() + int(patience_s * 1e9)
        raw = body(method, **values)
        call = Call(1, method, deadline_ns, client, request_id, raw, fresh=fresh)
        asked = Asked()
        (self.desk if desk is None else desk).accept(
            call,
            lambda event, last: asked.rows.append((event, last)),
            asked.errors.append,
            self.now,
            asker,
        )
        return asked

    def ask(self, method: str = "ReqQryTrade", timeout_s: float = 30) -> Asked:
        """A query of the worker itself."""
        asked = Asked()
        self.desk.ask(
            method,
            body(method),
            lambda event, last: asked.rows.append((event, last)),
            asked.errors.append,
            self.now,
            timeout_s,
        )
        return asked

    def answer(
        self,
        count: int = 1,
        error: int = 0,
        *,
        index: int = -1,
        name: str = "",
        last: bool = True,
        desk: QueryDesk | None = None,
    ) -> bool:
        """The counter answers one of its requests by so many rows; whether the desk took them."""
        method, _, number = self.counter.asked[index]
        request = CATALOGUE.td.requests[method]
        struct = CATALOGUE.td.callbacks[request.reply].struct
        assert struct is not None
        info = CATALOGUE.codec("RspInfo").pack({"ErrorID": error}) if error else OK
        taken = True
        for position in range(max(count, 1)):
            field = bytes(CATALOGUE.layouts[struct].size) if count and not error else None
            ends = last and position == max(count, 1) - 1
            event = Event(name or request.reply, field, info, number, ends, 0, 0)
            taken = (self.desk if desk is None else desk).on_reply(event, self.now) and taken
        return taken

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.desk.expire(self.now)
        self.desk.pump(self.now)

    def deliver(self) -> None:
        """Hand out every kept row that is there."""
        while len(self.deliveries):
            self.now += 1
            self.deliveries.step(self.now)

    def instruments(self) -> list[str]:
        """InstrumentID of the queries that the counter has been asked."""
        found = []
        for method, raw, _ in self.counter.asked:
            codec = CATALOGUE.codec(CATALOGUE.td.requests[method].struct)
            found.append(str(codec.get(raw, "InstrumentID")))
        return found
