"""Many clients and their queries at a front that takes one a second.

``CTPBUS_QUERY_CLIENTS`` and ``CTPBUS_QUERIES`` set the size of the load: 50 and 20 take half a
minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bus.frames import stat_topic
from sim.control import SimControl
from tests.support.buslink import Reply, TdLink
from tests.support.group import Group

CLIENTS = int(os.environ.get("CTPBUS_QUERY_CLIENTS", "10"))
QUERIES = int(os.environ.get("CTPBUS_QUERIES", "4"))
USER, OTHER, PASSWORD = "300001", "300002", "geheim-3"
SETTINGS: dict[str, Any] = {
    "sim": {
        "queries_per_second": 1,
        "users": [{"user_id": user, "password": PASSWORD} for user in (USER, OTHER)],
    },
    "td_worker": {"query_s": 60.0 + QUERIES},
}


class Load:
    """A group and ``CLIENTS`` logins of one account, all over one connection like an edge's."""

    def __init__(self, folder: Path, stack: ExitStack, **worker: Any) -> None:
        overrides = {**SETTINGS, "td_worker": {**SETTINGS["td_worker"], **worker}}
        self.group = stack.enter_context(Group(folder, overrides=overrides))
        self.group.start("sim", "td_worker")
        self.link = stack.enter_context(TdLink(self.group))
        self.sim = stack.enter_context(SimControl(self.group.config["sim"]["listen"]))
        self.clients: list[bytes] = []
        for _ in range(CLIENTS):
            self.link.login(USER, PASSWORD)
            self.clients.append(self.link.handle)
        self.link.subscribe(stat_topic("td_worker"))

    def ask(self, client: bytes, method: str, **values: Any) -> int:
        body = self.link.body(method, **values)
        return self.link.send(method, body, session=client, timeout_s=60.0 + QUERIES)

    def answer(self, number: int) -> list[Reply]:
        """Waits for longer than a link does."""
        end = time.monotonic() + 60.0 + QUERIES
        while not self.link.answered(number):
            assert time.monotonic() < end, f"no answer of call {number}"
            time.sleep(0.01)
        return self.link.rows(number)

    def plug(self, seconds: float) -> int:
        """A slow query takes the slot, so that everything after it waits."""
        self.sim.delay("ReqQryTradingAccount", seconds)
        number = self.ask(self.clients[0], "ReqQryTradingAccount")
        self.link.wait_for(lambda: not self.sim.faults()["waiting"], "plug")
        return number

    def queries(self) -> dict[str, Any]:
        """What the next stat message says of the account's queries."""
        self.link.taken()
        own = self.link.next("Stat").own
        return next(a["queries"] for a in own["accounts"] if a["user"] == USER)


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    with ExitStack() as stack:
        yield Load(tmp_path, stack)


def test_each_question_of_many_clients_is_asked_once_and_nobody_hears_of_the_limits(
    load: Load,
) -> None:
    plug = load.plug(3.0)
    before = load.sim.tally()
    numbers = [
        load.ask(client, "ReqQryOrder", InstrumentID=f"rb{2601 + query}")
        for query in range(QUERIES)
        for client in load.clients
    ]
    began = time.monotonic()
    assert load.queries()["waiting"] == CLIENTS * QUERIES
    assert {row.error_id for number in (plug, *numbers) for row in load.answer(number)} == {0}
    took = time.monotonic() - began
    assert load.sim.tally()["ReqQryOrder"] - before.get("ReqQryOrder", 0) == QUERIES
    assert QUERIES - 1 < took < CLIENTS * QUERIES / 2
    stat = load.queries()
    assert stat["merged"] == (CLIENTS - 1) * QUERIES
    assert (stat["waiting"], stat["timeouts"]) == (0, 0)
    # A process that stands still just before a call makes the next one come too early.
    assert sum(stat["put_off"].values()) <= 1
    assert "return" not in load.sim.faults()["hits"]


def test_one_who_asks_a_lot_does_not_keep_another_waiting(load: Load) -> None:
    load.plug(1.0)
    before = load.sim.tally().get("ReqQryOrder", 0)
    for query in range(50):
        load.ask(load.clients[0], "ReqQryOrder", InstrumentID=f"x{query}")
    number = load.ask(load.clients[1], "ReqQryTrade")
    assert load.answer(number)[-1].error_id == 0
    assert load.sim.tally().get("ReqQryOrder", 0) - before <= 3


def test_instruments_are_asked_once_a_day_for_all_accounts(tmp_path: Path) -> None:
    with ExitStack() as stack:
        load = Load(tmp_path, stack)
        other = stack.enter_context(TdLink(load.group))
        other.login(OTHER, PASSWORD)
        first = load.answer(load.ask(load.clients[0], "ReqQryInstrument"))
        for link in (load.link, other):
            again = link.request("ReqQryInstrument")
            assert [row.field for row in again] == [row.field for row in first]
            assert [row.last for row in again] == [row.last for row in first]
        assert load.sim.tally()["ReqQryInstrument"] == 1
        stat = load.queries()
        assert (stat["hits"], stat["misses"]) == (1, 1)
        load.group.stop("td_worker")


def test_the_cache_can_be_turned_off(tmp_path: Path) -> None:
    with ExitStack() as stack:
        load = Load(tmp_path, stack, cache_mb=0)
        for _ in range(2):
            load.answer(load.ask(load.clients[0], "ReqQryExchange"))
        assert load.sim.tally()["ReqQryExchange"] == 2


def test_a_query_outside_of_the_limits_does_not_wait(load: Load) -> None:
    plug = load.plug(3.0)
    waits = load.ask(load.clients[0], "ReqQryOrder")
    load.answer(load.ask(load.clients[1], "ReqQueryCFMMCTradingAccountToken"))
    assert not load.link.answered(plug) and not load.link.answered(waits)


def test_the_counters_come_once_a_second(load: Load) -> None:
    sent = load.queries()["sent"]
    load.answer(load.ask(load.clients[0], "ReqQryOrder"))
    load.link.taken()
    stats = [load.link.next("Stat").own for _ in range(3)]
    assert {"rows_dropped", "malformed_calls", "cache", "deliveries"} <= set(stats[0])
    assert [1.0 <= stat["interval_s"] < 1.5 for stat in stats[1:]] == [True, True]
    (account,) = stats[-1]["accounts"]
    assert account["user"] == USER
    assert account["queries"]["sent"] == sent + 1
    assert PASSWORD not in str(stats)
