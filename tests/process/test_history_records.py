"""Events and answers asked of a real recorder: what a client is told is what the account saw."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.answers import ASSETS, ORDERS, POSITIONS
from bus.client import Client, Return, addresses_of
from bus.frames import message_type
from tests.process.test_recorder_store import STREAMS, USER, trade
from tests.support.buslink import Published, Reply, TdLink
from tests.support.group import Group

BROKER, WAIT_S = "9999", 30.0
Scenario = Callable[[Client], Awaitable[None]]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    settings: dict[str, Any] = {
        "sim": {"queries_per_second": 0, "users": [{"user_id": USER, "password": "p-1"}]},
        "td_worker": {
            "queries_per_s": 1000,
            "accounts": [{"user": USER, "password": "p-1"}],
        },
        "recorder": {"batch_s": 0.05},
    }
    folder: Path = tmp_path_factory.mktemp("records")
    with Group(folder, overrides=settings) as group:
        group.start("sim", "td_worker", "recorder")
        yield group


def run(group: Group, scenario: Scenario) -> None:
    async def whole() -> None:
        async with Client(addresses_of(str(group.config_file))) as client:
            async with asyncio.timeout(WAIT_S):
                await scenario(client)

    asyncio.run(whole())


def test_where_nothing_is_on_record_the_answer_is_empty(group: Group) -> None:
    async def scenario(client: Client) -> None:
        history = client.history
        assert await history.events(BROKER, "nobody", "order_events") == []
        assert await history.answers(BROKER, "nobody", "orders") == []
        assert await history.answers(BROKER, "nobody", "assets", latest=True) == []

    run(group, scenario)


def test_events_and_answers_are_those_of_the_account(group: Group) -> None:
    with TdLink(group) as td:
        td.login(USER, "p-1")
        td.follow(USER)
        trade(td, 3)
        answered: dict[str, list[Reply]] = {}
        for request_id, method in enumerate((ORDERS, ASSETS, POSITIONS), start=16):
            number = td.send(method, td.body(method), session=td.handle, request_id=request_id)
            answered[method] = td.rows(number)
        seen, _ = td.returns()

    async def scenario(client: Client) -> None:
        for stream, callbacks in STREAMS.items():
            await _same(client, stream, [item for item in seen if item.name in callbacks])
        for kind, method in (("orders", ORDERS), ("assets", ASSETS), ("positions", POSITIONS)):
            await _answer(client, kind, answered[method])
        assert await client.history.answers(BROKER, USER, "orders", request_id=99) == []

    run(group, scenario)


async def _same(client: Client, stream: Any, seen: list[Published]) -> None:
    history = client.history
    while len(found := await history.events(BROKER, USER, stream)) < len(seen):
        await asyncio.sleep(0.05)
    assert [(e.topic, e.epoch, e.seq, client.name(e)) for e in found] == [
        (m.topic, m.epoch, m.seq, m.name) for m in seen
    ]
    assert [client.fields(event) for event in found] == [m.values for m in seen]
    name = str(seen[0]["InstrumentID"])
    assert await history.events(BROKER, USER, stream, instrument=name) == [
        event for event in found if client.fields(event)["InstrumentID"] == name
    ]
    assert await history.events(BROKER, USER, stream, instrument="other") == []
    assert await history.events(BROKER, USER, stream, day="20200101") == []
    assert all(isinstance(e, Return) and e.type == message_type(client.name(e)) for e in found)


def test_answers_are_found_by_the_names_of_programs_that_attached(group: Group) -> None:
    body = {"BrokerID": BROKER, "InvestorID": USER}

    async def scenario(client: Client) -> None:
        for name in ("edge", "web"):
            account = await client.attach(USER, name=name)
            await account.request("ReqQryTradingAccount", body, request_id=4100)

        async def found(asker: str, request_id: int | None = None) -> list[list[str]]:
            parts = await client.history.answers(
                BROKER, USER, "assets", asker=asker, request_id=request_id
            )
            return [part.askers for part in parts]

        while not await found("web"):
            await asyncio.sleep(0.05)
        assert await found("web", 4100) == await found("web") == [["web"]]
        assert await found("edge") == [["edge"]]
        assert await found("edge", 4101) == await found("nobody") == []
        assert await found("", 4100) == [["edge"], ["web"]]

    run(group, scenario)


async def _answer(client: Client, kind: Any, rows: list[Reply]) -> None:
    history, request_id = client.history, rows[0].request_id
    while not (found := await history.answers(BROKER, USER, kind, request_id=request_id)):
        await asyncio.sleep(0.05)
    (part,) = found
    assert part.rows == [row.field for row in rows]
    assert part.last and request_id in part.request_ids and part.error_id == 0
    assert await history.answers(BROKER, USER, kind, latest=True) == found
    assert [part async for part in history.answers(BROKER, USER, kind)][-1:] == found
