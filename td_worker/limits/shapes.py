"""What an insertion asks for, read off its struct; the same lines for every version of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from schemas.catalogue import Catalogue
from schemas.fields import plain, struct_of

_LIMIT: Final = "2"  # THOST_FTDC_OPT_LimitPrice
_MODIFY: Final = "3"  # THOST_FTDC_AF_Modify

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


Values = dict[str, Any]
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
        has = {field.name for field in layout.fields}
        self._legs = _legs_of(has)
        wanted = {*_NAMES, *_ORDER, *_QUOTE, "Volume", "ActionFlag"} & has
        self._fields = [field for field in layout.fields if field.name in wanted]
        self._struct = struct_of(layout, wanted)

    def read(self, body: bytes) -> Asked:
        values = {
            field.name: plain(field, value)
            for field, value in zip(self._fields, self._struct.unpack(body), strict=True)
        }
        # A blank behind a name must not lead past a rule.
        instrument = str(values.get("InstrumentID", "")).strip()
        return Asked(instrument, str(values.get("ExchangeID", "")).strip(), self._legs(values))

    def modifies(self, body: bytes) -> bool:
        for field, value in zip(self._fields, self._struct.unpack(body), strict=True):
            if field.name == "ActionFlag":
                return plain(field, value) == _MODIFY
        return False


def _legs_of(has: set[str]) -> Callable[[Values], tuple[Leg, ...]]:
    if has >= set(_ORDER):
        return _order
    if has >= set(_QUOTE):
        return _quote
    return _volume if "Volume" in has else _nothing


def _order(values: Values) -> tuple[Leg, ...]:
    price = values["LimitPrice"] if values["OrderPriceType"] == _LIMIT else None
    return (Leg(values["Direction"], price, values["VolumeTotalOriginal"]),)


def _quote(values: Values) -> tuple[Leg, ...]:
    bid = Leg(BUY, values["BidPrice"], values["BidVolume"])
    return bid, Leg(SELL, values["AskPrice"], values["AskVolume"])


def _volume(values: Values) -> tuple[Leg, ...]:
    return (Leg("", None, values["Volume"]),)


def _nothing(values: Values) -> tuple[Leg, ...]:
    return ()
