"""Orders whose offset the gateway chooses do not choose the same lots, whatever is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bus.client import Account
from bus.frames import Row
from schemas.xtp.instruments import Instruments
from tcp_edge.stat import Failed, Stat
from tcp_edge.trade.orders import inputs
from tcp_edge.trade.orders.placed import Placed
from tcp_edge.trade.orders.reserved import Reserved
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import RB, book, order, placed
from tests.unit.tcp_edge.trade.test_inputs import SELL, Counter, position


class Gateway:
    """Chooses offsets, and sends nothing: what becomes of an order is the test's to say."""

    def __init__(self, counter: Counter) -> None:
        self.book, self.counter = book(), counter
        self.reserved = Reserved(lambda: self.book.unheard())
        self._setting = SimpleNamespace(
            bus=SimpleNamespace(catalogue=Counter.catalogue),
            instruments=lambda: Instruments([RB]),
            auto_offset=True,
            fak_minimum=False,
        )

    async def choose(self, lots: int = 2, **more: Any) -> dict[str, Any]:
        params = SELL | {"quantity": lots} | more
        account, setting = cast(Account, self.counter), cast(Setting, self._setting)
        return (await inputs.wanted(params, account, setting, self.reserved)).fields

    async def place(self, ref: str, lots: int = 2, **more: Any) -> Placed:
        """Chosen and sent, and nothing is heard of it."""
        fields = await self.choose(lots, **more)
        sent = placed(ref, fields=placed(ref).fields | fields)
        with self.reserved.under_way(sent.reqid, fields):
            await asyncio.sleep(0.01)  # the disk, and td_worker's word
            self.book.place(sent)
        return sent

    def hear(self, sent: Placed) -> None:
        self.book.order(order(sent.order_ref, "3"), 0)


class Later(Counter):
    """Answers when ``meanwhile`` is done."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def request(self, *args: Any, **options: Any) -> Row:
        rows = list(self.rows)
        if self.meanwhile is not None:
            work, self.meanwhile = self.meanwhile, None
            await work()
        await asyncio.sleep(0)
        now, self.rows = self.rows, rows
        try:
            return await super().request(*args, **options)
        finally:
            self.rows = now


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_SETTLE_S", 0.2)


def offsets(*placed: Placed) -> str:
    return "".join(each.fields["CombOffsetFlag"] for each in placed)


def test_two_at_one_moment_take_different_lots() -> None:
    async def run() -> None:
        counter = Later([position("2", 2), position("1", 3)])
        gateway = Gateway(counter)

        async def first() -> Placed:
            sent = await gateway.place("1")
            counter.rows = [position("2", 2, frozen=2), position("1", 3)]
            gateway.hear(sent)
            return sent

        one, other = await asyncio.gather(first(), gateway.place("2"))
        assert offsets(one, other) == "13"

    asyncio.run(run())


def test_when_there_is_enough_for_both_nobody_waits() -> None:
    async def run() -> None:
        gateway = Gateway(Later([position("2", 5)]))
        both = await asyncio.gather(gateway.place("1"), gateway.place("2"))
        assert offsets(*both) == "11"
        assert gateway.counter.asked == 2

    asyncio.run(run())


def test_an_order_that_is_sent_and_heard_of_during_a_question_counts() -> None:
    async def run() -> None:
        counter = Later([position("2", 2)])
        gateway = Gateway(counter)

        async def another() -> None:
            gateway.hear(await gateway.place("1", position_effect=2))
            counter.rows = [position("2", 2, frozen=2)]

        counter.meanwhile = another
        assert (await gateway.choose())["CombOffsetFlag"] == "0"
        assert counter.asked == 2

    asyncio.run(run())


def test_of_an_order_whose_outcome_is_unknown_nothing_is_guessed() -> None:
    async def run() -> None:
        gateway = Gateway(Later([position("2", 2)]))
        unknown = await gateway.place("1")
        gateway.book.doubt(unknown)
        with pytest.raises(
            Failed, match=r"position_effect required: .* nothing was sent"
        ) as failed:
            await gateway.choose()
        assert failed.value.stat is Stat.FLOW_LIMIT
        assert (await gateway.choose(side=1))["CombOffsetFlag"] == "0", "of the other side"
        gateway.book.refuse(unknown, -1, "it never reached the counter", 0)
        assert (await gateway.choose())["CombOffsetFlag"] == "1"

    asyncio.run(run())


def test_what_was_placed_before_a_restart_counts_until_it_is_heard_of() -> None:
    async def run() -> None:
        gateway = Gateway(Later([position("2", 2)]))
        kept = placed("1", fields=placed("1").fields | await gateway.choose())
        gateway.book.place(kept)  # as it is read from the disk
        with pytest.raises(Failed):
            await gateway.choose()
        gateway.hear(kept)
        gateway.counter.rows = [position("2", 2, frozen=1)]
        assert (await gateway.choose(1))["CombOffsetFlag"] == "1"

    asyncio.run(run())


def test_what_was_not_sent_takes_nothing() -> None:
    async def run() -> None:
        gateway = Gateway(Later([position("2", 2)]))
        gateway.book.drop(await gateway.place("1"))
        assert (await gateway.choose())["CombOffsetFlag"] == "1"

    asyncio.run(run())


def test_orders_that_open_take_no_lots() -> None:
    async def run() -> None:
        gateway = Gateway(Later([position("2", 2)]))
        await gateway.place("1", position_effect=1)
        assert (await gateway.choose())["CombOffsetFlag"] == "1"

    asyncio.run(run())
