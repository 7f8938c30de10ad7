"""The items between the loop's callbacks and the program that takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .conflate import conflate
from .items import Item, Return, Tick


class Queue:
    """Items in their order. At ``limit`` they are conflated, see ``bus.client.conflate``;
    ``on_conflated`` gets how many ticks that left out."""

    def __init__(
        self, limit: int, on_conflated: Callable[[int], None] = lambda count: None
    ) -> None:
        self._limit = self._bound = limit
        self._on_conflated = on_conflated
        self._items: deque[Item] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._taken = asyncio.Event()
        self._end: BaseException | None = None

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        if self._end is not None:
            return
        self._items.append(item)
        if len(self._items) > self._bound:
            self._conflate()
        self._wake()

    def end(self, why: BaseException) -> None:
        """``get`` raises this once the items are taken."""
        if self._end is None:
            self._end = why
            self._wake()

    async def get(self) -> Item:
        while not self._items:
            if self._end is not None:
                raise self._end
            if self._waiter is not None and not self._waiter.done():
                raise RuntimeError("one task takes the items, and one thread")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._taken.set()
        return self._items.popleft()

    def ready(self, most: int) -> list[Item]:
        """Those that are there, without waiting."""
        count = min(most, len(self._items))
        if count:
            self._taken.set()
        return [self._items.popleft() for _ in range(count)]

    async def below(self, count: int) -> None:
        """Wait until fewer are there."""
        while len(self._items) >= count:
            self._taken.clear()
            await self._taken.wait()

    def _conflate(self) -> None:
        before = self._ticks()
        self._items = deque(conflate(self._items))
        self._on_conflated(before - self._ticks())
        # Not at each item again when so many topics remain.
        self._bound = max(self._limit, 2 * len(self._items))

    def _ticks(self) -> int:
        return sum(isinstance(item, (Tick, Return)) for item in self._items)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
