"""What an insertion asks for, read off its struct; the same lines for every version of the API."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from schemas.catalogue import Catalogue
from schemas.fields import NO_VALUE, struct_of
from schemas.text import CHARS, TEXTS

_LIMIT: Final = b"2"  # THOST_FTDC_OPT_LimitPrice
_MODIFY: Final = b"3"  # THOST_FTDC_AF_Modify

BUY: Final = "0"
SELL: Final = "1"


class Leg(NamedTuple):
    """One side. ``side`` "" when it buys and sells nothing (an exercise, a request for quotes);
    ``price`` None without a limit price; ``volume`` None when the struct has none."""

    side: str
    price: float | None
    volume: int | None


class Asked(NamedTuple):
    instrument: str
    exchange: str
    legs: tuple[Leg, ...]


Raw = tuple[Any, ...]  # as unpacked; plain() for each field of it would take 4 µs
Legs = Callable[[Raw], tuple[Leg, ...]]
_NAMES: Final = ("InstrumentID", "ExchangeID")
_ORDER: Final = ("OrderPriceType", "Direction", "LimitPrice", "VolumeTotalOriginal")
_QUOTE: Final = ("BidPrice", "BidVolume", "AskPrice", "AskVolume")


def is_insertion(method: str) -> bool:
    """Whether a request may bring something new to the exchange."""
    return method.endswith("Insert") or method == "ReqOffsetSetting"


def is_counted(method: str) -> bool:
    """Whether the exchange gets it now, as an order or a cancel."""
    return (is_insertion(method) or is_cancel(method)) and "Parked" not in method


def is_cancel(method: str) -> bool:
    """Whether it ends or changes something that is there; removing what is parked at the counter
    does not, nothing of it has come to the exchange."""
    return method.endswith("Action") and not method.startswith("ReqRemove")


class Shape:
    """Reads the bodies of one request."""

    def __init__(self, catalogue: Catalogue, method: str) -> None:
        layout = catalogue.layouts[catalogue.td.requests[method].struct]
        wanted = {*_NAMES, *_ORDER, *_QUOTE, "Volume", "ActionFlag"}
        names = [field.name for field in layout.fields if field.name in wanted]
        at = {name: index for index, name in enumerate(names)}
        self._struct = struct_of(layout, names)
        self._instrument, self._exchange = (at.get(name) for name in _NAMES)
        self._flag = at.get("ActionFlag")
        self._legs = _legs_of(at)
        self._last: tuple[bytes, Asked] = (b"", Asked("", "", ()))

    def read(self, body: bytes) -> Asked:
        # What is checked is sent right afterwards.
        if body is not self._last[0]:
            self._last = body, self._read(body)
        return self._last[1]

    def modifies(self, body: bytes) -> bool:
        return self._flag is not None and self._struct.unpack(body)[self._flag] == _MODIFY

    def _read(self, body: bytes) -> Asked:
        raw = self._struct.unpack(body)
        return Asked(_name(raw, self._instrument), _name(raw, self._exchange), self._legs(raw))


def _name(raw: Raw, index: int | None) -> str:
    """A blank behind a name must not lead past a rule."""
    return "" if index is None else TEXTS[raw[index]].strip()


def _price(value: float) -> float | None:
    return value if -math.inf < value < NO_VALUE else None


def _legs_of(at: dict[str, int]) -> Legs:
    if at.keys() >= set(_ORDER):
        return _order(*(at[name] for name in _ORDER))
    if at.keys() >= set(_QUOTE):
        return _quote(*(at[name] for name in _QUOTE))
    volume = at.get("Volume")
    if volume is None:
        return lambda raw: ()
    return lambda raw: (Leg("", None, raw[volume]),)


def _order(kind: int, side: int, price: int, volume: int) -> Legs:
    def legs(raw: Raw) -> tuple[Leg, ...]:
        limit = _price(raw[price]) if raw[kind] == _LIMIT else None
        return (Leg(CHARS[raw[side]], limit, raw[volume]),)

    return legs


def _quote(bid: int, bid_volume: int, ask: int, ask_volume: int) -> Legs:
    def legs(raw: Raw) -> tuple[Leg, ...]:
        buy = Leg(BUY, _price(raw[bid]), raw[bid_volume])
        return buy, Leg(SELL, _price(raw[ask]), raw[ask_volume])

    return legs
