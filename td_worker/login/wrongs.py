"""Wrong passwords by who sent them: the answers come ever later. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bus.errors import request_failed

_LONGEST_S: Final = 10.0
_FORGOTTEN_S: Final = 600.0
_MOST: Final = 10_000  # origins that are remembered
_WAITING: Final = 1_000  # answers

Key = tuple[str, str]  # the user whose password was guessed, and the origin of the guess


@dataclass(slots=True, eq=False)
class _Origin:
    until: float = 0.0  # nothing is heard from it before
    pause_s: float = 0.0


@dataclass(slots=True, eq=False)
class _Answer:
    due: float
    give: Callable[[], None]


class Wrongs:
    """A guess from one origin is answered after ``first_s``, the next one after twice as long, up
    to 10 s; and while an answer is due the same origin is not listened to, so guesses at the same
    time do not help. Times are seconds of the caller's clock.
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._origins: OrderedDict[Key, _Origin] = OrderedDict()
        self._answers: list[_Answer] = []
        self.total = 0

    def __len__(self) -> int:
        """Answers that wait."""
        return len(self._answers)

    def check(self, key: Key, now: float) -> None:
        """Raises Refused while the origin has to wait."""
        origin = self._origins.get(key)
        if origin is not None and now < origin.until:
            left_s = origin.until - now
            raise request_failed(f"after a wrong password nothing is tried for {left_s:.1f} s")

    def wrong(self, key: Key, give: Callable[[], None], now: float, deadline: float) -> None:
        """Answer later, by ``deadline`` at the latest."""
        self.total += 1
        origin = self._origins.get(key)
        if origin is None or now - origin.until > _FORGOTTEN_S:
            origin = self._origins[key] = _Origin()
        self._origins.move_to_end(key)
        if len(self._origins) > _MOST:
            self._origins.popitem(last=False)
        origin.pause_s = min(2 * origin.pause_s, _LONGEST_S) or self._first_s
        origin.until = now + origin.pause_s
        self._answers.append(_Answer(min(origin.until, deadline), give))
        if len(self._answers) > _WAITING:
            self._answers.pop(0).give()

    def right(self, key: Key) -> None:
        self._origins.pop(key, None)

    def timers(self, now: float) -> None:
        """Give the answers that are due."""
        due = [answer for answer in self._answers if answer.due <= now]
        if due:
            self._answers = [answer for answer in self._answers if answer.due > now]
            for answer in due:
                answer.give()
