"""Price types of XTP as CTP's OrderPriceType, TimeCondition and VolumeCondition.

What an exchange does not offer becomes the limit order that does the same: a market order is one at
the day's price limit ("band"). Source: ctp_facts, "Order field combinations".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from .enums import unsupported
from .errors import wrong

LIMIT, BEST_OR_CANCEL, BEST5_OR_LIMIT, BEST5_OR_CANCEL = 1, 2, 3, 4
ALL_OR_CANCEL, FORWARD_BEST, REVERSE_BEST_LIMIT, LIMIT_OR_CANCEL = 5, 6, 7, 8
LIMIT_FAK = 101  # ours: at the limit, what does not trade at once is cancelled

_FAK: Final = "FAK"
Price = Literal["given", "none", "band", "own", "opposite"]


class Terms(NamedTuple):
    price_type: str
    time: str
    volume: str
    price: Price


class Priced(NamedTuple):
    """The fields of InputOrder."""

    order_price_type: str
    time_condition: str
    volume_condition: str
    limit_price: float


_EVERYWHERE: Final = {
    LIMIT: Terms("2", "3", "1", "given"),
    BEST_OR_CANCEL: Terms("2", "1", _FAK, "band"),
    ALL_OR_CANCEL: Terms("2", "1", "3", "band"),
    FORWARD_BEST: Terms("2", "3", "1", "own"),
    REVERSE_BEST_LIMIT: Terms("2", "3", "1", "opposite"),
    LIMIT_OR_CANCEL: Terms("2", "1", "3", "given"),
    LIMIT_FAK: Terms("2", "1", _FAK, "given"),
}
_CFFEX: Final = {
    BEST_OR_CANCEL: Terms("3", "1", "1", "none"),
    BEST5_OR_LIMIT: Terms("G", "3", "1", "none"),
    BEST5_OR_CANCEL: Terms("G", "1", "1", "none"),
    REVERSE_BEST_LIMIT: Terms("3", "3", "1", "none"),
}
_DALIAN: Final = {ALL_OR_CANCEL: Terms("1", "1", "3", "none")}
_BY_EXCHANGE: Final = {
    "CFFEX": _EVERYWHERE | _CFFEX,
    "DCE": _EVERYWHERE | _DALIAN,
    "GFEX": _EVERYWHERE | _DALIAN,
}
KNOWN: Final = frozenset(_EVERYWHERE | _CFFEX)


def priced(
    price_type: int,
    exchange: str,
    buys: bool,
    price: float | None,
    tick: Mapping[str, Any] | None,
    fak_minimum: bool,
) -> Priced:
    """``price``: the client's, None without one. ``tick``: the last one of the instrument (CTP's
    fields), if it is of now. ``fak_minimum``: this counter wants the documented form of FAK orders,
    VolumeCondition '2'. Raises XtpError."""
    if price_type not in KNOWN:
        raise unsupported("price_type", "XTP_PRICE_TYPE", price_type)
    terms = _BY_EXCHANGE.get(exchange, _EVERYWHERE).get(price_type)
    if terms is None:
        raise wrong(f"price_type {price_type} is not offered by {exchange}")
    volume = terms.volume
    if volume == _FAK:
        volume = "2" if fak_minimum else "1"
    limit = _price(terms.price, buys, price, tick)
    return Priced(terms.price_type, terms.time, volume, limit)


def _price(kind: Price, buys: bool, price: float | None, tick: Mapping[str, Any] | None) -> float:
    if kind == "none":
        return 0.0
    if kind == "given":
        if price is None:
            raise wrong("price required")
        return price
    names = {
        "band": ("UpperLimitPrice", "LowerLimitPrice"),
        "own": ("BidPrice1", "AskPrice1"),
        "opposite": ("AskPrice1", "BidPrice1"),
    }
    found = tick[names[kind][0 if buys else 1]] if tick else None
    if not found:
        raise wrong("this price_type needs a tick with prices of now, and there is none")
    return float(found)


def price_type_of(order_price_type: str, time_condition: str, volume_condition: str) -> int:
    """Of an order whose client is not known: several price types become the same order."""
    match order_price_type, time_condition, volume_condition:
        case "1" | "3", "1", "1":
            return BEST_OR_CANCEL
        case "1", "1", "3":
            return ALL_OR_CANCEL
        case "G", "3", _:
            return BEST5_OR_LIMIT
        case "G", "1", _:
            return BEST5_OR_CANCEL
        case "3", "3", _:
            return REVERSE_BEST_LIMIT
        case "2", "1", "3":
            return LIMIT_OR_CANCEL
        case "2", "1", "1" | "2":
            return LIMIT_FAK
    return LIMIT
