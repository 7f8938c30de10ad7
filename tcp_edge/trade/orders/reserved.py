"""Lots that orders of this gateway take, and that the counter may not know of yet. No I/O.

What the counter says of a position covers an order when it was asked after the order had been
heard of: before that the order's lots may or may not be among those that it calls frozen. So every
question remembers the orders that were unheard when it was put, and those that were placed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from schemas.xtp.instruments import Instrument

from .placed import Placed

Orders = Mapping[int, Mapping[str, Any]]  # fields of InputOrder by reqid


class Reserved:
    """Of one account. ``unheard`` gives the orders of which neither the counter nor td_worker has
    said anything; those of before a restart and those whose outcome is unknown are among them."""

    def __init__(self, unheard: Callable[[], Iterable[Placed]]) -> None:
        self._unheard = unheard
        self._under_way: dict[int, Mapping[str, Any]] = {}
        self._questions: dict[int, dict[int, Mapping[str, Any]]] = {}

    @contextmanager
    def question(self) -> Iterator[Orders]:
        """The counter is asked meanwhile: the orders that its answer may not cover."""
        seen = {placed.reqid: placed.fields for placed in self._unheard()} | self._under_way
        self._questions[id(seen)] = seen
        try:
            yield seen
        finally:
            del self._questions[id(seen)]

    @contextmanager
    def under_way(self, reqid: int, fields: Mapping[str, Any]) -> Iterator[None]:
        """From an order's choice until there is a word on it; then it is unheard, or was not sent.
        Between the end of a question and the beginning of this nothing may be awaited."""
        self._under_way[reqid] = fields
        for seen in self._questions.values():
            seen[reqid] = fields
        try:
            yield
        finally:
            del self._under_way[reqid]

    def is_covered(self, seen: Orders) -> bool:
        """Whether another question would know of all these."""
        unheard = {placed.reqid for placed in self._unheard()}
        return not any(reqid in unheard or reqid in self._under_way for reqid in seen)


def closing(seen: Orders, instrument: Instrument, direction: str) -> Orders:
    """Those that take lots of the same side of an instrument; ``direction`` is CTP's."""
    wanted = (instrument.code, instrument.exchange, direction)
    names = ("InstrumentID", "ExchangeID", "Direction")
    return {
        reqid: fields
        for reqid, fields in seen.items()
        if tuple(fields[name] for name in names) == wanted and fields["CombOffsetFlag"] != "0"
    }
