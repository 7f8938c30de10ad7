"""One answer out of those of several feeds: the first success wins, and only when nobody succeeds
it is an error. No I/O.

Both kinds have the same three methods, which say whether the answer is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bus.frames import Flag, Row
from bus.rpc import refusal

IsError = Callable[[Row], bool]


class Whole:
    """The answer to a request, of which the rows of one feed belong together.

    ``rows``: it; empty when no feed has answered.
    """

    def __init__(self, feeds: Iterable[str], is_error: IsError) -> None:
        self._coming: dict[str, list[Row]] = {feed: [] for feed in feeds}
        self._is_error = is_error
        self.rows: list[Row] = []

    @property
    def complete(self) -> bool:
        return not self._coming

    def take(self, feed: str, row: Row) -> bool:
        rows = self._coming.get(feed)
        if rows is None:
            return self.complete
        rows.append(row)
        if not row.flags & Flag.LAST:
            return False
        if not any(refusal(row) or self._is_error(row) for row in rows):
            self.rows = rows
            self._coming.clear()
            return True
        if not self.rows or refusal(self.rows[-1]):  # what a counter says tells more than we do
            self.rows = rows
        return self.drop(feed)

    def drop(self, feed: str) -> bool:
        """Nothing more comes from this feed."""
        self._coming.pop(feed, None)
        return self.complete


class Listed:
    """The answer to a call about ``count`` instruments: one row for each, in their order.

    ``rows``: them, None where nobody has answered. ``refused``: the last refusal of all of them.
    """

    def __init__(self, feeds: Iterable[str], count: int, is_error: IsError) -> None:
        self._come = dict.fromkeys(feeds, 0)
        self._is_error = is_error
        self._without = count  # rows that are missing or errors
        self._good = [False] * count
        self.rows: list[Row | None] = [None] * count
        self.refused: Row | None = None

    @property
    def complete(self) -> bool:
        return not self._come or not self._without

    def take(self, feed: str, row: Row) -> bool:
        at = self._come.get(feed)
        if at is None or at >= len(self.rows):
            return self.complete
        if refusal(row):
            self.refused = row
            return self.drop(feed)
        self._come[feed] = at + 1
        if not self._good[at]:
            self._put(at, row)
        return self.drop(feed) if row.flags & Flag.LAST else self.complete

    def drop(self, feed: str) -> bool:
        """Nothing more comes from this feed."""
        self._come.pop(feed, None)
        return self.complete

    def _put(self, at: int, row: Row) -> None:
        good = not self._is_error(row)
        if good or self.rows[at] is None:
            self.rows[at] = row
        if good:
            self._good[at] = True
            self._without -= 1
