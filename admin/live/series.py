"""Points over time for a chart, never more than so many. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import dropwhile

Point = tuple[float, float | None]


class Series:
    """The newest value of each ``step_s``, over the last ``span_s``. Times are Unix times in ms.
    ``number`` rises with each change, so that who has drawn it knows whether to draw again."""

    def __init__(self, span_s: float, step_s: float) -> None:
        self._span_ms, self._step_ms = span_s * 1000, step_s * 1000
        self._points: deque[Point] = deque()
        self.number = 0

    def __len__(self) -> int:
        return len(self._points)

    def add(self, at_ms: float, value: float | None) -> None:
        """None: a hole in the line. What is older than the last point is left out, for a line does
        not go back."""
        points = self._points
        if points:
            before, shown = points[-1]
            if at_ms < before or (value is None and shown is None):
                return
            # A hole stays, whatever comes in the same step.
            if self._step(before) == self._step(at_ms) and value is not None and shown is not None:
                points.pop()
        elif value is None:
            return
        points.append((at_ms, value))
        while points[0][0] < at_ms - self._span_ms:
            points.popleft()
        self.number += 1

    def begin(self, earlier: Iterable[tuple[float, float]]) -> None:
        """Points from before the first one, in their order."""
        here = list(self._points)
        first = here[0][0] if here else float("inf")
        self._points.clear()
        for at_ms, value in earlier:
            if at_ms < first:
                self.add(at_ms, value)
        newest = here[-1][0] if here else float("-inf")
        kept = dropwhile(lambda point: point[0] < newest - self._span_ms, self._points)
        self._points = deque([*kept, *here])
        self.number += 1

    def points(self) -> list[Point]:
        return list(self._points)

    def _step(self, at_ms: float) -> int:
        return int(at_ms // self._step_ms)
