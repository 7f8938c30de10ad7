"""A position as a strategy sees it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.closing import LONG, NET, SHORT, SPECULATION

from .record import Record


@dataclass(slots=True, eq=False)
class Position(Record):
    """The lots of one instrument, long and short: all, of today (``_today``) and what is left of
    earlier days (``_his``); ``open_price``: the mean price at which they were opened, in quoted
    CNY, NaN without lots. Stocks are long.

    Lots that closing orders hold count until they are traded. Those that hedge do not count:
    ``open_close`` neither opens nor closes any."""

    pos_long: int = 0
    pos_long_today: int = 0
    pos_long_his: int = 0
    open_price_long: float = math.nan
    pos_short: int = 0
    pos_short_today: int = 0
    pos_short_his: int = 0
    open_price_short: float = math.nan


class _Side(NamedTuple):
    lots: int
    today: int
    price: float


def position_of(rows: Iterable[Mapping[str, Any]], multiplier: int) -> Position:
    """``rows`` of CTP's InvestorPosition of one instrument, of all of them; SHFE and INE have two
    for each direction. ``multiplier``: its VolumeMultiple."""
    ours = [row for row in rows if row["HedgeFlag"] == SPECULATION]
    long, short = _side(ours, (LONG, NET), multiplier), _side(ours, (SHORT,), multiplier)
    return Position(
        pos_long=long.lots,
        pos_long_today=long.today,
        # Not YdPosition: that is what there was when the day began.
        pos_long_his=long.lots - long.today,
        open_price_long=long.price,
        pos_short=short.lots,
        pos_short_today=short.today,
        pos_short_his=short.lots - short.today,
        open_price_short=short.price,
    )


def _side(rows: Iterable[Mapping[str, Any]], directions: Collection[str], multiplier: int) -> _Side:
    rows = [row for row in rows if row["PosiDirection"] in directions]
    lots = sum(row["Position"] for row in rows)
    cost = sum(row["OpenCost"] or 0.0 for row in rows)
    today = sum(row["TodayPosition"] for row in rows)
    return _Side(lots, today, cost / lots / multiplier if lots else math.nan)
