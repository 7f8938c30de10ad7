"""Iterators that wait."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

from ...errors import Closed
from .loop import Loop

_AT_ONCE: Final = 64

T = TypeVar("T")


class Items(Protocol[T]):
    """An iterator of the SDK: Ticks, Returns."""

    async def __anext__(self) -> T: ...
    def ready(self, most: int) -> list[T]: ...
    def close(self) -> None: ...


class Stream(Generic[T]):
    """Ticks or returns, see ``bus.client`` for the items. One thread takes them; ``close`` from any
    ends it, and so does the client's. What was taken off the loop, 64 items at the most, is not
    thinned out any more."""

    def __init__(self, loop: Loop, items: Items[T]) -> None:
        self._loop, self._items = loop, items
        self._taken: deque[T] = deque()
        # Who lets go of it in the midst of a loop has no use for what comes.
        weakref.finalize(self, loop.soon, items.close).atexit = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            item = self.get()
        except Closed:
            raise StopIteration from None
        assert item is not None
        return item

    def get(self, timeout_s: float | None = None) -> T | None:
        """The next item; None when there is none within ``timeout_s``. Raises Closed at the end,
        and Refused when the counter does not let the account of returns in again."""
        if not self._taken:
            try:
                self._taken.extend(self._loop.run(self._some(timeout_s)))
            except TimeoutError:
                return None
            except StopAsyncIteration:
                raise Closed("the stream was closed") from None
        return self._taken.popleft()

    def close(self) -> None:
        """What has come can still be taken."""
        with contextlib.suppress(Closed):
            self._loop.call(self._items.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _some(self, timeout_s: float | None) -> list[T]:
        async with asyncio.timeout(timeout_s):
            first = await self._items.__anext__()
        return [first, *self._items.ready(_AT_ONCE)]
