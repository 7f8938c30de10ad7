"""An order as an administrator types it in, made CTP's InputOrder. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .listed import Listed

BUY: Final = "0"
SELL: Final = "1"
OPEN: Final = "0"
CLOSE: Final = "1"
# OrderPriceType, TimeCondition and VolumeCondition.
TYPES: Final = {
    "limit": ("2", "3", "1"),
    "fak": ("2", "1", "1"),
    "fok": ("2", "1", "3"),
    "market": ("1", "1", "1"),
}
HEDGES: Final = ("1", "2", "3", "5")
CONTINGENT: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F", "G")
# Of InputOrder, what else may be set; nothing and 0 are what everybody sends.
TEXTS: Final = (
    *("GTDDate", "BusinessUnit", "InvestUnitID", "AccountID", "CurrencyID", "ClientID"),
    "OrderMemo",
)
FLAGS: Final = ("IsAutoSuspend", "UserForceClose", "IsSwapOrder")
_MOST: Final = 2**31 - 1


class FormError(ValueError):
    """``key``: that of its text, ``values``: what goes into it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


class Form(NamedTuple):
    """``kind``: of TYPES. ``offset`` is not asked for stocks. ``texts``, ``flags``: of TEXTS and
    FLAGS those that are set."""

    instrument: str
    exchange: str
    direction: str
    offset: str
    kind: str
    price: float | None
    volume: float | None
    hedge: str = "1"
    min_volume: float | None = 1
    contingent: str = "1"
    stop_price: float | None = 0.0
    texts: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()


def fields(form: Form, listed: Listed | None) -> dict[str, Any]:
    """InputOrder but for who orders. Raises FormError."""
    if not form.instrument or form.direction not in (BUY, SELL) or form.kind not in TYPES:
        raise FormError("form.incomplete")
    price_type, time_condition, volume_condition = TYPES[form.kind]
    market = form.kind == "market"
    price = 0.0 if market else _price(form.price, listed)
    return {
        "InstrumentID": form.instrument,
        "ExchangeID": form.exchange,
        "Direction": form.direction,
        "CombOffsetFlag": _offset(form, listed),
        "CombHedgeFlag": form.hedge,
        "OrderPriceType": price_type,
        "LimitPrice": price,
        "VolumeTotalOriginal": _whole(form.volume, 1),
        "TimeCondition": time_condition,
        "VolumeCondition": volume_condition,
        "MinVolume": _whole(form.min_volume, 0),
        "ContingentCondition": form.contingent,
        "StopPrice": _number(form.stop_price or 0.0),
        "ForceCloseReason": "0",
        **dict(form.texts),
        **dict.fromkeys(form.flags, 1),
    }


def summary(fields: Mapping[str, Any]) -> str:
    """For the audit log: what is not as everybody sends it is named."""
    side = "buy" if fields["Direction"] == BUY else "sell"
    kind = "".join(fields[name] for name in ("OrderPriceType", "TimeCondition", "VolumeCondition"))
    usual = {"CombHedgeFlag": "1", "MinVolume": 1, "ContingentCondition": "1", "StopPrice": 0.0}
    names = (*usual, *TEXTS, *FLAGS)
    more = [
        f"{name}={fields[name]}" for name in names if fields.get(name, "") != usual.get(name, "")
    ]
    price = f"{fields['VolumeTotalOriginal']}@{fields['LimitPrice']:g}"
    offset = f"offset{fields['CombOffsetFlag']}"
    code = f"{fields['ExchangeID']}.{fields['InstrumentID']}"
    return " ".join([code, side, offset, f"type{kind}", price, *more])


def default_price(
    direction: str, bid: float | None, ask: float | None, last: float | None
) -> float | None:
    """That of the other side, which trades at once; else the last one."""
    other = ask if direction == BUY else bid
    return last if other is None else other


def _offset(form: Form, listed: Listed | None) -> str:
    if listed is not None and listed.is_stock:
        return OPEN if form.direction == BUY else CLOSE
    return form.offset


def _price(price: float | None, listed: Listed | None) -> float:
    if price is None:
        raise FormError("form.price")
    found = _number(price)
    tick = listed.price_tick if listed is not None else 0.0
    # Prices are no binary fractions: 11.78 / 0.01 is 1177.9999…
    if tick and abs(found / tick - round(found / tick)) > 1e-6:
        raise FormError("form.tick", tick=f"{tick:g}")
    return round(round(found / tick) * tick, 8) if tick else found


def _number(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormError("form.number")
    return float(value)


def _whole(value: float | None, least: int) -> int:
    if value is None:
        raise FormError("form.volume")
    number = _number(value)
    if not number.is_integer() or not least <= number <= _MOST:
        raise FormError("form.volume")
    return int(number)
