"""The items that wait for the program."""

from __future__ import annotations

import asyncio

import pytest

from bus.client.items import Fresh, Gap, Item, Stale, Tick
from bus.client.queue import Queue


def tick(topic: str, seq: int) -> Tick:
    return Tick(topic, 1, seq, 0, 0, 0, 0, 0, b"")


def test_beyond_its_limit_the_newest_of_each_topic_remains() -> None:
    async def scenario() -> None:
        left_out: list[int] = []
        queue = Queue(4, left_out.append)
        items: list[Item] = [tick("a/", 1), Stale("a/"), tick("b/", 1), Fresh("a/"), tick("a/", 2)]
        for item in items:
            queue.put(item)
        expected = [Fresh("a/"), Gap("a/", 1, 1, 1, "slow"), tick("a/", 2), tick("b/", 1)]
        assert [await queue.get() for _ in expected] == expected
        assert left_out == [1]
        assert len(queue) == 0

    asyncio.run(scenario())


def test_it_stays_small_whatever_is_put() -> None:
    async def scenario() -> None:
        queue = Queue(100, lambda count: None)
        for seq in range(1, 10_000):
            queue.put(tick(f"{seq % 30}/", seq))
            assert len(queue) <= 30 * 2 * 6 + 1

    asyncio.run(scenario())


def test_who_waits_is_woken_and_after_the_end_gets_what_was_there() -> None:
    async def scenario() -> None:
        queue = Queue(4, lambda count: None)
        waits = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        queue.put(tick("a/", 1))
        assert await waits == tick("a/", 1)
        queue.put(tick("a/", 2))
        queue.end(StopAsyncIteration())
        queue.put(tick("a/", 3))
        assert await queue.get() == tick("a/", 2)
        with pytest.raises(StopAsyncIteration):
            await queue.get()

    asyncio.run(scenario())


def test_who_puts_can_wait_for_room() -> None:
    async def scenario() -> None:
        queue = Queue(100, lambda count: None)
        for seq in range(3):
            queue.put(tick("a/", seq))
        room = asyncio.ensure_future(queue.below(2))
        for _ in range(2):
            await asyncio.sleep(0)
            assert not room.done()
            await queue.get()
        await asyncio.wait_for(room, 5)

    asyncio.run(scenario())


def test_a_second_taker_is_an_error_and_does_not_wait_for_ever() -> None:
    async def scenario() -> None:
        queue = Queue(10)
        first = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one task"):
            await queue.get()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(Stale("tick/a/"))
        assert await second == Stale("tick/a/"), "who gave up does not stand in the way"

    asyncio.run(scenario())
