"""Everybody who waits for an answer: how many, of whom, and until when. No I/O."""

from __future__ import annotations

import heapq
import itertools
from typing import Final

from bus.errors import request_failed

from .query import Waiter

_MOST_OF_CLIENT: Final = 10_000
_MOST: Final = 50_000


class Waiting:
    """The waiters of one desk, queued or not. ``done`` of a waiter says that it left."""

    def __init__(self) -> None:
        self._of_client: dict[bytes, int] = {}
        self._count = 0
        self._deadlines: list[tuple[float, int, Waiter]] = []  # a heap
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return self._count

    def admit(self, client: bytes) -> None:
        """Raises Refused when there are enough."""
        if self._of_client.get(client, 0) >= _MOST_OF_CLIENT:
            raise request_failed(f"{_MOST_OF_CLIENT} queries of this client wait already")
        if self._count >= _MOST:
            raise request_failed(f"{_MOST} queries of this account wait already")

    def add(self, waiter: Waiter) -> None:
        self._count += 1
        self._of_client[waiter.client] = self._of_client.get(waiter.client, 0) + 1
        if len(self._deadlines) > 2 * self._count + 1000:  # mostly of those who have their answer
            self._deadlines = [entry for entry in self._deadlines if not entry[2].done]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (waiter.deadline, next(self._numbers), waiter))

    def leave(self, waiter: Waiter) -> None:
        """Its entry in the heap goes later."""
        waiter.done = True
        self._count -= 1
        self._of_client[waiter.client] -= 1
        if not self._of_client[waiter.client]:
            del self._of_client[waiter.client]

    def late(self, now: float) -> Waiter | None:
        """The next one whose deadline has passed."""
        while self._deadlines and self._deadlines[0][0] < now:
            waiter = heapq.heappop(self._deadlines)[2]
            if not waiter.done:
                return waiter
        return None

    def all(self) -> list[Waiter]:
        """By their deadlines."""
        return [waiter for _, _, waiter in sorted(self._deadlines) if not waiter.done]

    def of(self, client: bytes) -> list[Waiter]:
        if client not in self._of_client:
            return []
        return [waiter for waiter in self.all() if waiter.client == client]
