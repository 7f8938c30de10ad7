"""The price band: an order's price against the last tick."""

from __future__ import annotations

from typing import Final

from .resolved import Bound
from .ticks import Tick

_ROUNDING: Final = 1 + 1e-9  # a price right on the edge is inside


def outside(price: float, tick: Tick, bound: Bound) -> str:
    """Why a price is outside; "" when it is inside. The exchange's own limits count as well."""
    if tick.base is None:
        return "the tick has no price to go by"
    if abs(price - tick.base) > bound.value * abs(tick.base) * _ROUNDING:
        return f"price {price:g}, the last is {tick.base:g}"
    if tick.upper is not None and price > tick.upper:
        return f"price {price:g} is above UpperLimitPrice {tick.upper:g}"
    if tick.lower is not None and price < tick.lower:
        return f"price {price:g} is below LowerLimitPrice {tick.lower:g}"
    return ""
