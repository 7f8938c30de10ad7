"""How far each topic has come, told once a second on the topic itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from .publisher import Publisher

BEAT_S: Final = 1.0
# Without a Beat for so long, the publisher, the link or the subscription is dead.
SILENT_S: Final = 3.0
# Under one lock, which the API's thread may want for a tick: 50 take 0.1 ms.
_AT_ONCE: Final = 50


class Beats:
    """A part of a publisher's loop. ``topics`` gives those that have interest now; each gets its
    Beat once in BEAT_S, some topics in each turn of the loop.

    20,000 topics take 400 turns, so the loop does not sleep while ``busy``.
    """

    def __init__(self, publisher: Publisher, topics: Callable[[], Iterable[str]]) -> None:
        self._publisher, self._topics = publisher, topics
        self._left: deque[str] = deque()
        self._next = 0.0

    @property
    def busy(self) -> bool:
        return bool(self._left)

    def step(self, now: float) -> None:
        """One turn; ``now`` is of any clock that nobody sets, in seconds."""
        if not self._left and now >= self._next:
            self._left.extend(self._topics())
            self._next = now + BEAT_S
        if self._left:
            turn = list(islice(self._left, _AT_ONCE))
            for _ in turn:
                self._left.popleft()
            self._publisher.beat(turn)
