"""What an order looks like on its way to CTP, whichever door it goes through."""

from __future__ import annotations

from typing import Any, Final

from schemas.codec import Value

from . import diary
from .client import Answer
from .diary import Intent, Saw, Told, Wrong

BROKER: Final = "9999"


def order_fields(user: str, order: str, intent: Intent) -> dict[str, Value]:
    """InputOrder, marked."""
    return {
        "BrokerID": BROKER,
        "InvestorID": user,
        "UserID": user,
        "InstrumentID": intent.instrument,
        "ExchangeID": intent.exchange,
        "OrderRef": intent.order_ref,
        "OrderPriceType": "2",
        "Direction": intent.direction,
        "CombOffsetFlag": intent.offset,
        "CombHedgeFlag": "1",
        "LimitPrice": intent.price,
        "VolumeTotalOriginal": intent.volume,
        "TimeCondition": intent.time_condition,
        "VolumeCondition": intent.volume_condition,
        "MinVolume": 1,
        "ContingentCondition": "1",
        "ForceCloseReason": "0",
        "BusinessUnit": diary.mark(user, order),
    }


def cancel_fields(user: str, intent: Intent, told: Told) -> dict[str, Value]:
    """InputOrderAction: by the exchange's number where it is known, else by the client's own."""
    names: dict[str, Value] = (
        {"OrderSysID": told.order_sys_id}
        if told.order_sys_id
        else {
            "FrontID": told.front_id,
            "SessionID": told.session_id,
            "OrderRef": told.order_ref,
        }
    )
    return {
        "BrokerID": BROKER,
        "InvestorID": user,
        "UserID": user,
        "ActionFlag": "0",
        "ExchangeID": intent.exchange,
        "InstrumentID": intent.instrument,
        **names,
    }


def seen(user: str, fields: dict[str, Any]) -> list[Answer]:
    """A return of an order or a trade, as a viewer sees it."""
    mark, owner = str(fields.get("BusinessUnit", "")), str(fields["InvestorID"])
    if owner != user or not mark.startswith(f"{user}."):
        return [Wrong(f"{user} was shown {mark!r} of {owner}")]
    if "OrderStatus" not in fields:
        return []
    return [
        Saw(
            owner=owner,
            mark=mark,
            session_id=int(fields["SessionID"]),
            order_ref=str(fields["OrderRef"]).strip(),
            status=f"{fields['OrderStatus']}{fields['OrderSubmitStatus']}",
            traded=int(fields["VolumeTraded"]),
        )
    ]
