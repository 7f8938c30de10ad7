"""When which front is closed or frozen."""

from __future__ import annotations

from typing import Literal

Sides = Literal["md", "td", "both"]


def sides(side: Sides) -> tuple[str, ...]:
    return ("md", "td") if side == "both" else (side,)


class Gates:
    """Times are monotonic seconds."""

    def __init__(self) -> None:
        self._closed_until: dict[str, float] = {}
        self._frozen_until: dict[str, float] = {}

    def close(self, side: Sides, until: float) -> None:
        _extend(self._closed_until, side, until)

    def freeze(self, side: Sides, until: float) -> None:
        _extend(self._frozen_until, side, until)

    def closed(self, side: str, now: float) -> bool:
        return now < self._closed_until.get(side, 0.0)

    def frozen(self, side: str, now: float) -> bool:
        return now < self._frozen_until.get(side, 0.0)


def _extend(table: dict[str, float], side: Sides, until: float) -> None:
    for name in sides(side):
        table[name] = max(until, table.get(name, 0.0))
