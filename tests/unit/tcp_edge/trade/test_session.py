"""The login of an account as its gateway follows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from bus.client import Place, Return
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.account.session import Session
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import CATALOGUE

RETURNS = 5000


class Told:
    """td_worker, which tells a long day at once."""

    reached = Place(1, RETURNS)
    session: dict[str, Any] = {}  # noqa: RUF012
    catalogue = CATALOGUE

    async def attach(self, user: str, *, name: str) -> Told:
        return self

    def returns(self, since: Place) -> Told:
        return self

    async def __aiter__(self) -> AsyncIterator[Return]:
        for number in range(1, RETURNS + 1):
            yield Return("account", 1, number, 0, 0, 0, 0, 0, b"")

    def name(self, item: Return) -> str:
        return "Mark"

    def close(self) -> None: ...

    def leave(self) -> None: ...


class Empty:
    def __init__(self) -> None:
        self.ready = asyncio.Event()

    def begin(self, session: object) -> None: ...

    def complete(self) -> None:
        self.ready.set()


async def turns_until_ready() -> int:
    loaded = asyncio.Event()
    loaded.set()
    setting = cast(Any, Setting)(
        bus=Told(),
        instruments_loaded=loaded,
        **{
            name: None
            for name in Setting._fields
            if name not in ("bus", "instruments_loaded", "on_event")
        },
    )
    books = Empty()
    session = Session(setting, "028742", cast(Books, books), lambda account: None)
    following, turns = asyncio.create_task(session.run()), 0
    async with asyncio.timeout(20):
        while not books.ready.is_set():
            await asyncio.sleep(0)
            turns += 1
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return turns


def test_who_asks_has_his_turn_while_a_long_day_is_read() -> None:
    assert asyncio.run(turns_until_ready()) >= RETURNS / 100
