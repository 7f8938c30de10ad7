"""Trades that came before their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from schemas.counter import Event

from .index import Key

_MOST_S: Final = 1.0


class _Waiting(NamedTuple):
    deadline: float
    event: Event
    keys: Sequence[Key]


class Held:
    """In the order in which they came; none waits longer than a second."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._by_key: dict[Key, list[int]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: Event, keys: Sequence[Key], now: float) -> None:
        """``keys``: any of them says that its order is there."""
        self._next += 1
        self._waiting[self._next] = _Waiting(now + _MOST_S, event, keys)
        for key in keys:
            self._by_key.setdefault(key, []).append(self._next)

    def of(self, keys: Sequence[Key]) -> list[Event]:
        """Take out the trades of an order that has come."""
        if not self._waiting:
            return []
        numbers = {number for key in keys for number in self._by_key.get(key, ())}
        return [self._take(number) for number in sorted(numbers)]

    def known(self, is_known: Callable[[Event], bool]) -> list[Event]:
        """Take out those whose order has become known in another way."""
        found = [number for number, each in self._waiting.items() if is_known(each.event)]
        return [self._take(number) for number in found]

    def due(self, now: float) -> list[Event]:
        """Take out those whose time is over."""
        found = [number for number, each in self._waiting.items() if each.deadline <= now]
        return [self._take(number) for number in found]

    def _take(self, number: int) -> Event:
        waiting = self._waiting.pop(number)
        for key in waiting.keys:
            numbers = self._by_key[key]
            numbers.remove(number)
            if not numbers:
                del self._by_key[key]
        return waiting.event
