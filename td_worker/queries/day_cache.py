"""Answers of day tables (``tables``), kept for the trading day. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from .query import Answer
from .tables import SHARED


class Key(NamedTuple):
    """``account`` is empty where the rows do not depend on it."""

    day: str
    account: str
    method: str
    body: bytes


def key_of(day: str, account: str, method: str, body: bytes) -> Key:
    return Key(day, "" if method in SHARED else account, method, body)


class DayCache:
    """For all accounts of the worker. Who was not asked for the longest goes first when more than
    ``most_bytes`` are held. A limit of 0 turns it off."""

    def __init__(self, most_bytes: int) -> None:
        self.size = 0
        self._most = most_bytes
        self._day = ""
        self._answers: OrderedDict[Key, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def new_day(self, day: str) -> None:
        """A login said this TradingDay: the answers of earlier days are dropped."""
        if day > self._day:
            self._day = day
            for key in [key for key in self._answers if key.day < day]:
                self._drop(key)

    def get(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer) -> None:
        """Keep a whole answer instead of an earlier one.

        Not kept: one with an error, and one without a row, which a counter that has just started
        may give and which costs little to ask again.
        """
        self._drop(key)
        whole = answer.complete and answer.good and answer.row(0).field is not None
        if not whole or not key.day or key.day != self._day or answer.size > self._most:
            return
        self._answers[key] = answer
        self.size += answer.size
        while self.size > self._most:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self.size -= answer.size
