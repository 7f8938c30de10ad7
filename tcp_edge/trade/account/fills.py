"""What orders have traded for. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.xtp import orders as xtp
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import Identity

Fields = Mapping[str, Any]


class Fills:
    """The day's trades, OnRtnTrade, by order. ``find`` gives an instrument by code and exchange."""

    def __init__(self, find: Callable[[str, str], Instrument | None]) -> None:
        self._find = find
        self._of: dict[tuple[str, str], list[Fields]] = {}

    def add(self, fields: Fields) -> None:
        key = fields["ExchangeID"], fields["OrderSysID"].strip()
        self._of.setdefault(key, []).append(fields)

    def amount(
        self, identity: Identity, volume: int, instrument: Instrument | None
    ) -> tuple[float, bool]:
        """What its first lots have traded for, and whether the trades of all of them are known."""
        factor = instrument.multiplier if instrument is not None else 1
        left, amount = volume, 0.0
        key = identity.exchange, identity.order_sys_id.strip()
        for fields in self._of.get(key, ()) if volume else ():
            part = min(left, fields["Volume"])
            amount += xtp.amount({**fields, "Volume": part}, factor)
            left -= part
            if not left:
                break
        return round(amount, 6), left == 0

    def turnover(self) -> tuple[float, float]:
        """Sums of the day's buys and sells, yuan."""
        sums = {"0": 0.0, "1": 0.0}
        for fills in self._of.values():
            for fields in fills:
                instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
                factor = instrument.multiplier if instrument is not None else 1
                sums[fields["Direction"]] = sums.get(fields["Direction"], 0.0) + xtp.amount(
                    fields, factor
                )
        return round(sums["0"], 6), round(sums["1"], 6)
