"""The orders and trades of an account's trading day, from its returns. No I/O."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

LIVE: Final = frozenset("13abc")  # OrderStatus: in the queue, not there yet, or conditional
MOST: Final = 5000  # of each kind; what has ended and is oldest goes first
# What a page shows and a cancel needs: a day may have 100,000 orders, of 60 fields each.
_KEPT: Final = (
    *("InstrumentID", "ExchangeID", "Direction", "CombOffsetFlag", "OffsetFlag", "TradingDay"),
    *("FrontID", "SessionID", "OrderRef", "OrderSysID", "OrderStatus", "OrderSubmitStatus"),
    *("LimitPrice", "OrderPriceType", "VolumeTotalOriginal", "VolumeTraded", "StatusMsg"),
    *("InsertTime", "Price", "Volume", "TradeID", "TradeTime"),
)
_SHOWN: Final = 200

Fields = dict[str, Any]


class Key(NamedTuple):
    """As every viewer sees an order."""

    front_id: int
    session_id: int
    order_ref: str


def key_of(fields: Fields) -> Key:
    return Key(int(fields["FrontID"]), int(fields["SessionID"]), str(fields["OrderRef"]))


def is_live(order: Fields) -> bool:
    """Whether it may still trade; what the counter has not said yet counts as so."""
    return str(order["OrderStatus"]) in LIVE


class Book:
    """``number`` rises with each change."""

    def __init__(self) -> None:
        self.day = ""
        self._orders: dict[Key, Fields] = {}
        self._trades: dict[tuple[str, str, str], Fields] = {}
        self._left_out = [0, 0]
        self.number = 0

    def order(self, fields: Fields) -> None:
        self._begin(fields)
        self._orders[key_of(fields)] = _kept(fields)
        if len(self._orders) > MOST:
            ended = (key for key, order in self._orders.items() if not is_live(order))
            if (oldest := next(ended, None)) is not None:
                del self._orders[oldest]
                self._left_out[0] += 1
        self.number += 1

    def trade(self, fields: Fields) -> None:
        self._begin(fields)
        key = (str(fields["ExchangeID"]), str(fields["TradeID"]), str(fields["Direction"]))
        self._trades[key] = _kept(fields)
        if len(self._trades) > MOST:
            del self._trades[next(iter(self._trades))]
            self._left_out[1] += 1
        self.number += 1

    def find(self, key: Key) -> Fields | None:
        return self._orders.get(key)

    def of(self, session_id: int, order_ref: str) -> Fields | None:
        """The order that has this identity, of the newest front connection."""
        return next(
            (
                order
                for key, order in reversed(self._orders.items())
                if (key.session_id, key.order_ref) == (session_id, order_ref)
            ),
            None,
        )

    def orders(self, live: bool = False) -> list[Fields]:
        """Newest first; ``live``: only those that may still trade."""
        found = [order for order in reversed(self._orders.values()) if not live or is_live(order)]
        return found[:_SHOWN]

    def trades(self) -> list[Fields]:
        """Newest first."""
        return list(self._trades.values())[: -_SHOWN - 1 : -1]

    @property
    def counts(self) -> tuple[int, int]:
        """Orders and trades of the day."""
        orders, trades = self._left_out
        return len(self._orders) + orders, len(self._trades) + trades

    def _begin(self, fields: Fields) -> None:
        day = str(fields["TradingDay"])
        if day > self.day:
            self.day = day
            self._orders.clear()
            self._trades.clear()
            self._left_out = [0, 0]


def _kept(fields: Fields) -> Fields:
    return {name: fields[name] for name in _KEPT if name in fields}
