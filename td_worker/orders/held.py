"""Trades that came before their order."""

from __future__ import annotations

from typing import Final

from schemas.counter import Event

_MOST_S: Final = 1.0


class Held:
    """In the order in which they came; none waits longer than a second."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[float, Event]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self._waiting.values()]

    def add(self, event: Event, now: float) -> None:
        self._waiting[id(event)] = (now + _MOST_S, event)

    def remove(self, event: Event) -> None:
        del self._waiting[id(event)]

    def due(self, now: float) -> list[Event]:
        """Take out those whose time is over."""
        due = [event for deadline, event in self._waiting.values() if deadline <= now]
        for event in due:
            self.remove(event)
        return due
