"""The orders and trades of an account's trading day, from its returns. No I/O."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

LIVE: Final = frozenset("13abc")  # OrderStatus: in the queue, not there yet, or conditional
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
        self.number = 0

    def order(self, fields: Fields) -> None:
        self._begin(fields)
        self._orders[key_of(fields)] = fields
        self.number += 1

    def trade(self, fields: Fields) -> None:
        self._begin(fields)
        key = (str(fields["ExchangeID"]), str(fields["TradeID"]), str(fields["Direction"]))
        self._trades[key] = fields
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
        return len(self._orders), len(self._trades)

    def _begin(self, fields: Fields) -> None:
        day = str(fields["TradingDay"])
        if day > self.day:
            self.day = day
            self._orders.clear()
            self._trades.clear()
