"""The meters of the programme-trading rules of 2025: orders and cancels of an account, by exchange.

The rules look at 10 or more orders and cancels within one second, at how many such seconds a
trading day has, and at the day's sum; the broker has their text. "Within one second" is taken
strictly: any 1000 ms count, not only a second of the clock, so a meter here shows at least what an
exchange can count of the requests that go out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .rules import Marks, Meters
from .window import Window


@dataclass(slots=True)
class Meter:
    """One account at one exchange on one trading day. ``peak``: the most within a second, ``busy``
    the seconds with so many that they count."""

    orders: int = 0
    cancels: int = 0
    peak: int = 0
    busy: int = 0
    _busy_second: int = -1  # the last that was counted as such
    _window: Window = field(default_factory=Window)

    @property
    def total(self) -> int:
        return self.orders + self.cancels

    def lately(self, ms: int) -> int:
        return self._window.count(ms / 1000)

    def note(self, ms: int, cancel: bool, busy: int) -> None:
        if cancel:
            self.cancels += 1
        else:
            self.orders += 1
        within = self.lately(ms) + 1
        self._window.add(ms / 1000)
        self.peak = max(self.peak, within)
        if self._is_new_busy(ms, within, busy):
            self.busy += 1
            self._busy_second = ms // 1000

    def beyond(self, ms: int, meters: Meters) -> Iterator[tuple[str, int, int]]:
        """Which bounds one more would break: (name, bound, the value then)."""
        bounds: Marks = meters.refuse
        within = self.lately(ms) + 1
        if bounds.per_s is not None and within > bounds.per_s:
            yield "per_s", bounds.per_s, within
        if bounds.per_day is not None and self.total >= bounds.per_day:
            yield "per_day", bounds.per_day, self.total + 1
        most = bounds.busy_seconds
        if most is not None and self.busy >= most and self._is_new_busy(ms, within, meters.busy):
            yield "busy_seconds", most, self.busy + 1

    def reached(self, marks: Marks) -> Iterator[tuple[str, int, int]]:
        """Which marks it has come to: (name, mark, value)."""
        for name, mark, value in (
            ("per_s", marks.per_s, self.peak),
            ("per_day", marks.per_day, self.total),
            ("busy_seconds", marks.busy_seconds, self.busy),
        ):
            if mark is not None and value >= mark:
                yield name, mark, value

    def _is_new_busy(self, ms: int, within: int, busy: int) -> bool:
        return within >= busy and ms // 1000 != self._busy_second
