"""Closing a position: which lots there are, and by which CombOffsetFlag they are closed.

Only SHFE and INE keep today's lots apart from those of earlier days, and a plain close means
earlier ones there. The other exchanges know one way to close and choose the lots themselves.
Source: ctp_facts, "Offsets" and "Positions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

SPLIT: Final = frozenset({"SHFE", "INE"})
OPEN: Final = "0"
CLOSE: Final = "1"
CLOSE_TODAY: Final = "3"
CLOSE_YESTERDAY: Final = "4"

NET: Final = "1"  # PosiDirection, of stocks
LONG: Final = "2"
SHORT: Final = "3"
SPECULATION: Final = "1"
_TODAY: Final = "1"  # PositionDate


class Closable(NamedTuple):
    """Lots on the other side that could be closed now, of today and of earlier days. An exchange
    that does not tell them apart has all of them in one of the two."""

    today: int = 0
    earlier: int = 0

    def without(self, orders: Iterable[Mapping[str, Any]]) -> Closable:
        """What is left when these close as well: fields of CTP's InputOrder, all of one instrument
        and side. Those that open take nothing."""
        today, earlier = self
        for order in orders:
            offset, lots = order["CombOffsetFlag"], order["VolumeTotalOriginal"]
            if offset == OPEN:
                continue
            if order["ExchangeID"] not in SPLIT:  # whichever lots of the two it takes
                taken = min(today, lots)
                today, earlier = today - taken, earlier - (lots - taken)
                continue
            # A forced close does not say which lots it takes.
            today -= lots if offset not in (CLOSE, CLOSE_YESTERDAY) else 0
            earlier -= lots if offset != CLOSE_TODAY else 0
        return Closable(max(0, today), max(0, earlier))


class Leg(NamedTuple):
    """One order of those that close together."""

    offset: str
    volume: int


def closable(rows: Iterable[Mapping[str, Any]], *, buys: bool) -> Closable:
    """What an order that buys, or sells, could close: rows of CTP's InvestorPosition of one
    instrument, without lots that orders hold and without those that hedge."""
    side, frozen = (SHORT, "LongFrozen") if buys else (LONG, "ShortFrozen")
    today = earlier = 0
    for row in rows:
        if row["PosiDirection"] == side and row["HedgeFlag"] == SPECULATION:
            free = max(0, row["Position"] - row[frozen])
            if row["PositionDate"] == _TODAY:
                today += free
            else:
                earlier += free
    return Closable(today=today, earlier=earlier)


def legs(volume: int, lots: Closable) -> tuple[Leg, ...]:
    """The orders that close so many lots on an exchange of ``SPLIT``: those of earlier days first.
    Raises ValueError when there are not so many."""
    if volume > lots.today + lots.earlier:
        raise ValueError(
            f"{volume} lots to close, and only {lots.today} of today and {lots.earlier} of "
            "earlier days can be"
        )
    earlier = min(volume, lots.earlier)
    found = (Leg(CLOSE_YESTERDAY, earlier), Leg(CLOSE_TODAY, volume - earlier))
    return tuple(leg for leg in found if leg.volume)
