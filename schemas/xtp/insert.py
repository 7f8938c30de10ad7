"""An order of a client, XTPOrderInsertInfo, as CTP's InputOrder."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..closing import Closable
from .enums import unsupported
from .errors import wrong
from .instruments import Instrument
from .order_ids import Identity
from .price_types import priced
from .sides import direction_and_offset

_MOST: Final = 2**31 - 1
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
# Python would read 3_100 and digits of other scripts as well.
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BUSINESS: Final = frozenset({0, 10})  # CASH; OPTION of later generations
_CONSTANT: Final = {
    "CombHedgeFlag": "1",
    "MinVolume": 1,
    "ContingentCondition": "1",
    "ForceCloseReason": "0",
    "IsAutoSuspend": 0,
    "UserForceClose": 0,
    "StopPrice": 0.0,
    "IsSwapOrder": 0,
}


class Insertion(NamedTuple):
    """``fields`` of InputOrder but for BrokerID, InvestorID, UserID and OrderRef, and what the
    counter does not keep."""

    fields: dict[str, Any]
    order_client_id: int
    price_type: int
    business_type: int


def insert(
    params: Mapping[str, Any],
    instrument: Instrument,
    tick: Mapping[str, Any] | None,
    *,
    request_id: int = 0,
    closable: Closable | None = None,
    fak_minimum: bool = False,
) -> Insertion:
    """``params`` with keys in lower case, numbers perhaps as texts; ``instrument`` is what
    ``Instruments.find(params["ticker"], params.get("market"))`` gives.

    tick         the last tick of the instrument by CTP's names, None when there is none of now
    closable     with ``auto_offset``: what this order could close; None without
    fak_minimum  see ``price_types.priced``

    Raises XtpError(400).
    """
    side = whole(params, "side")
    price_type = whole(params, "price_type")
    quantity = whole(params, "quantity")
    if not 0 < quantity <= _MOST:
        raise wrong(f"quantity is not within 1 and {_MOST}")
    business_type = whole(params, "business_type", 0)
    if business_type not in _BUSINESS:
        raise unsupported("business_type", "XTP_BUSINESS_TYPE", business_type)
    if _number(params, "stop_price"):
        raise wrong("stop_price is not supported")
    client_id = whole(params, "order_client_id", 0)
    if not 0 <= client_id < 2**32:
        raise wrong("order_client_id is not within 0 and 4294967295")
    effect = whole(params, "position_effect", 0)
    direction, offset = direction_and_offset(side, effect, quantity, instrument, closable)
    price = _number(params, "price")
    if price is not None and instrument.is_stock and price < 0:
        raise wrong("price is negative")
    terms = priced(price_type, instrument.exchange, direction == "0", price, tick, fak_minimum)
    fields = {
        "InstrumentID": instrument.code,
        "ExchangeID": instrument.exchange,
        "Direction": direction,
        "CombOffsetFlag": offset,
        "OrderPriceType": terms.order_price_type,
        "TimeCondition": terms.time_condition,
        "VolumeCondition": terms.volume_condition,
        "LimitPrice": terms.limit_price,
        "VolumeTotalOriginal": quantity,
        "RequestID": request_id,
    }
    return Insertion(fields | _CONSTANT, client_id, price_type, business_type)


def cancel(identity: Identity, *, request_id: int = 0) -> dict[str, Any]:
    """Fields of InputOrderAction but for BrokerID, InvestorID, UserID and OrderActionRef."""
    fields: dict[str, Any] = {
        "ActionFlag": "0",
        "ExchangeID": identity.exchange,
        "InstrumentID": identity.instrument,
        "RequestID": request_id,
    }
    if identity.order_sys_id:
        return fields | {"OrderSysID": identity.order_sys_id}
    return fields | {
        "FrontID": identity.front_id,
        "SessionID": identity.session_id,
        "OrderRef": identity.order_ref,
    }


def whole(params: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A number as clients write it. None as ``default``: it must be there. Raises XtpError(400)."""
    value = params.get(name)
    if value is None or value == "":
        if default is None:
            raise wrong(f"{name} required")
        return default
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value.strip()):
            raise wrong(f"{name} is not a whole number")
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"{name} is not a whole number")
    return value


def _number(params: Mapping[str, Any], name: str) -> float | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong(f"{name} is not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise wrong(f"{name} is not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise wrong(f"{name} is not a number") from None
    if not math.isfinite(found):
        raise wrong(f"{name} is not finite")
    return found
