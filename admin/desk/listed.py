"""What each instrument is, as the counter tells once a trading day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from schemas.closing import SPLIT

FIELDS: Final = (
    *("InstrumentID", "ExchangeID", "InstrumentName", "ProductClass", "VolumeMultiple"),
    *("PriceTick", "MinLimitOrderVolume", "MaxLimitOrderVolume"),
)
_SECURITIES: Final = frozenset({"SSE", "SZSE", "BSE"})
_OPTIONS: Final = frozenset("26")


class Listed(NamedTuple):
    """``price_tick`` 0: not known. ``least`` and ``most`` lots of one limit order."""

    code: str
    exchange: str
    name: str = ""
    product_class: str = ""
    multiplier: int = 1
    price_tick: float = 0.0
    least: int = 1
    most: int = 0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Of ``FIELDS``."""
        return cls(
            code=str(fields["InstrumentID"]),
            exchange=str(fields["ExchangeID"]),
            name=str(fields["InstrumentName"]).strip(),
            product_class=str(fields["ProductClass"]),
            multiplier=int(fields["VolumeMultiple"] or 1),
            price_tick=float(fields["PriceTick"] or 0.0),
            least=max(1, int(fields["MinLimitOrderVolume"] or 1)),
            most=max(0, int(fields["MaxLimitOrderVolume"] or 0)),
        )

    @property
    def is_stock(self) -> bool:
        """Bought and sold rather than opened and closed."""
        return self.exchange in _SECURITIES and self.product_class not in _OPTIONS

    @property
    def offsets(self) -> tuple[str, ...]:
        """CTP's CombOffsetFlag, those that mean something for it; of stocks the direction says
        which."""
        if self.is_stock:
            return ()
        return ("0", "1", "3", "4") if self.exchange in SPLIT else ("0", "1")

    @property
    def digits(self) -> int:
        """Decimals of its prices."""
        text = f"{self.price_tick:.6f}".rstrip("0") if self.price_tick else "0.00"
        return len(text.partition(".")[2])
