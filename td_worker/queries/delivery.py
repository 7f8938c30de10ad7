"""Rows of kept answers on their way to those who asked, in slices and not too many a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .query import Answer, Hand, Waiter

# The worker's loop has orders to send, so it gives rows not more than this at once.
_SLICE_S: Final = 0.003
_TURN: Final = 50  # rows to one reader before the next one has his turn
# A caller who leaves 100,000 rows unread loses some, and an edge with 50 clients reads for all of
# them over one socket: its pace, about 60,000 a second, must be above ours.
_PER_S: Final = 30_000
_BURST: Final = 20_000


class Deliveries:
    """All readers of all accounts. The worker's loop calls ``step`` once in each round."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._open: deque[tuple[Answer, Waiter, Hand]] = deque()
        self._allowance, self._at = float(_BURST), 0.0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, answer: Answer, waiter: Waiter, hand: Hand) -> None:
        """``hand`` gets each row that the answer has or will get, until the waiter is done."""
        self._open.append((answer, waiter, hand))

    def grown(self, answer: Answer) -> None:
        """An answer has more rows."""
        if answer.parked:
            self._open.extend((answer, waiter, hand) for waiter, hand in answer.parked)
            answer.parked.clear()

    def due(self) -> float | None:
        """When ``step`` has something to do; None when only a new row can change that."""
        if not self._open:
            return None
        return self._at + max(0.0, _TURN - self._allowance) / _PER_S

    def step(self, now: float) -> None:
        """Hand over one slice."""
        self._allowance = min(_BURST, self._allowance + (now - self._at) * _PER_S)
        self._at = now
        end = self._clock() + _SLICE_S
        while self._open and self._allowance >= _TURN and self._clock() < end:
            self._allowance -= self._advance(*self._open.popleft())

    def _advance(self, answer: Answer, waiter: Waiter, hand: Hand) -> int:
        """Hand some rows to one reader; how many."""
        begin = waiter.position
        end = min(begin + _TURN, len(answer))
        while waiter.position < end and not waiter.done:
            event = answer.row(waiter.position)
            waiter.position += 1
            hand(waiter, event, event.last)
        if not waiter.done:
            if waiter.position < len(answer):
                self._open.append((answer, waiter, hand))
            else:
                answer.parked.append((waiter, hand))
        return waiter.position - begin
