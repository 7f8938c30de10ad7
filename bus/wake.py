"""Waking a poll loop from another thread or from a signal handler."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue whose owner sleeps in ``poll`` on ``fd``. Any thread puts, one thread takes."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Never waits; may be called by a signal handler."""
        self._items.append(item)
        os.eventfd_write(self.fd, 1)

    def take(self) -> list[T]:
        """Everything that is there now, oldest first."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.fd)
        items = self._items
        return [items.popleft() for _ in range(len(items))]

    def close(self) -> None:
        os.close(self.fd)
