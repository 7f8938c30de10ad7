"""What an order says, from words to CTP's characters. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, TypedDict, TypeVar, get_args

from schemas.typed import InputOrder

Side = Literal["buy", "sell"]
Offset = Literal["open", "close", "close_today", "close_yesterday"]
Lasts = Literal["day", "fak", "fok"]

# THOST_FTDC_D_*, THOST_FTDC_OF_*; TimeCondition, VolumeCondition: THOST_FTDC_TC_*, _VC_*
_SIDES: Final = dict(zip(get_args(Side), "01", strict=True))
_OFFSETS: Final = dict(zip(get_args(Offset), "0134", strict=True))
_LASTS: Final = {"day": ("3", "1"), "fak": ("1", "1"), "fok": ("1", "3")}
_MOST: Final = 2**31 - 1

T = TypeVar("T")


class Terms(TypedDict, total=False):
    """What few orders say, see ``limit_order``."""

    exchange: str
    lasts: Lasts
    hedge: str


def limit_order(
    instrument: str,
    side: Side,
    volume: int,
    price: float,
    *,
    offset: Offset = "open",
    exchange: str = "",
    lasts: Lasts = "day",
    hedge: str = "1",
) -> InputOrder:
    """A limit order; ``volume`` in lots (of stocks: shares), ``price`` in quoted CNY.

    offset  "close" is what the exchange makes of it: on SHFE and INE it closes yesterday's
            position, and today's needs "close_today"; elsewhere it closes any
    lasts   "day"; "fak": what does not trade at once is cancelled; "fok": all at once or nothing
    hedge   THOST_FTDC_HF_*: "1" speculation, "2" arbitrage, "3" hedge

    Raises ValueError for what cannot be an order.
    """
    if not instrument:
        raise ValueError("an order needs an instrument")
    if not isinstance(volume, int) or not 1 <= volume <= _MOST:
        raise ValueError(f"volume: {volume!r} is no number of lots")
    if not math.isfinite(price):
        raise ValueError(f"price: {price!r} is no price")
    time_condition, volume_condition = _chosen("lasts", _LASTS, lasts)
    return InputOrder(
        instrument_id=instrument,
        exchange_id=exchange,
        direction=_chosen("side", _SIDES, side),
        comb_offset_flag=_chosen("offset", _OFFSETS, offset),
        comb_hedge_flag=hedge,
        order_price_type="2",  # limit
        limit_price=float(price),
        volume_total_original=volume,
        time_condition=time_condition,
        volume_condition=volume_condition,
        min_volume=1,
        contingent_condition="1",  # immediately
        force_close_reason="0",
    )


def _chosen(name: str, table: Mapping[str, T], word: str) -> T:
    if word not in table:
        raise ValueError(f"{name}: {word!r} is none of {', '.join(table)}")
    return table[word]
