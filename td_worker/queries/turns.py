"""Whose turn it is. No I/O."""

from __future__ import annotations

from collections import deque

from .query import Query, Stage, Waiter


class Turns:
    """Round robin over clients, first come first served within each.

    One question may stand here for several clients: the first whose turn comes asks it for all,
    and the turns of the others are not used up by it.
    """

    def __init__(self) -> None:
        self._lines: dict[bytes, deque[Waiter]] = {}  # of each client, in the order of the turns

    @property
    def clients(self) -> int:
        return len(self._lines)

    def firsts(self) -> list[float]:
        """Since when the first question of each client waits."""
        return [line[0].since for line in self._lines.values() if not line[0].done]

    def add(self, waiter: Waiter) -> None:
        self._lines.setdefault(waiter.client, deque()).append(waiter)

    def take(self) -> Query | None:
        """The next question to ask."""
        while self._lines:
            client = next(iter(self._lines))
            line = self._lines.pop(client)
            query = _first(line)
            if line:
                self._lines[client] = line
            if query is not None:
                return query
        return None

    def clear(self) -> None:
        self._lines.clear()


def _first(line: deque[Waiter]) -> Query | None:
    """The first question of a client that still waits for its turn."""
    while line:
        waiter = line.popleft()
        if not waiter.done and waiter.query.stage is Stage.WAITING:
            return waiter.query
    return None
