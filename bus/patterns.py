"""Patterns of instruments: "rb" is a product, "rb26*" and "600000" are names, "SHFE/*" a place."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from functools import cache


class Pattern:
    """One pattern. Upper and lower case differ, as they do at the exchanges."""

    def __init__(self, text: str) -> None:
        exchange, _, name = text.rpartition("/")
        self._exchange = _matcher(exchange or "*")
        # A product's letters stand before the first digit, in its options as well.
        self._name = re.compile(rf"{name}\d.*").fullmatch if name.isalpha() else _matcher(name)

    def covers(self, instrument: str, exchange: str) -> bool:
        """Whether an instrument is certainly meant; an exchange that is not known is none."""
        return bool(self._name(instrument) and self._exchange(exchange))

    def may_cover(self, instrument: str, exchange: str) -> bool:
        """Whether it may be meant: what is not known could be anything."""
        return bool(
            (not instrument or self._name(instrument))
            and (not exchange or self._exchange(exchange))
        )


@cache
def _matcher(pattern: str) -> Callable[[str], object]:
    return re.compile(fnmatch.translate(pattern)).match
