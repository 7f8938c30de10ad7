"""The account's orders that may still trade, as far as limits ask for them.

Filled by what is sent and by the returns. The counter repeats the returns of the whole day after
each login, so orders of before a restart and of other programs are known as well.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, Protocol

from bus.orders import FINAL, OrderState
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.fields import plain, struct_of

from .shapes import BUY, SELL, Asked, Leg

# AllTraded and Canceled; the other states can come back to the queue.
_ENDED: Final = ("0", "5")
_UNKNOWN: Final = "a"
_TRADING: Final = ("ReqOrderInsert", "ReqQuoteInsert")
_OPPOSITE: Final = {BUY: SELL, SELL: BUY}
_FIELDS: Final = {
    "OnRtnOrder": (
        *("FrontID", "SessionID", "OrderRef", "OrderStatus", "InstrumentID", "ExchangeID"),
        *("OrderPriceType", "Direction", "LimitPrice"),
    ),
    "OnRtnQuote": ("FrontID", "SessionID", "QuoteRef", "QuoteStatus", "InstrumentID"),
}

Key = tuple[int, int, str]


class Known(Protocol):
    """An insertion's record: the client's identity of it and what is known of it now. ``leg`` is
    empty but for the two orders that a quote makes."""

    @property
    def method(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def shown_front(self) -> int: ...
    @property
    def session_id(self) -> int: ...
    @property
    def client_ref(self) -> str: ...
    @property
    def leg(self) -> str: ...
    @property
    def state(self) -> OrderState: ...


class _Order(NamedTuple):
    instrument: str
    side: str
    price: float  # worst that it takes: infinite for an order without a limit price
    is_order: bool  # not one side of a quote
    record: Known | None


class Live:
    def __init__(self, catalogue: Catalogue) -> None:
        self._readers = {name: _Reader(catalogue, name) for name in _FIELDS}
        self._orders: dict[Key, _Order] = {}
        self._sides: dict[tuple[str, str], dict[Key, float]] = {}
        self._best: dict[tuple[str, str], Key] = {}  # of a side; not there when it has to be found
        self._counts: dict[int | None, int] = {}  # orders by SessionID; None: of all
        self.exchange_of: dict[str, str] = {}  # of instruments, as the returns say

    def sent(self, asked: Asked, record: Known) -> None:
        """Something was handed over; only orders and quotes matter here."""
        if record.method not in _TRADING or record.leg:
            return
        quote = record.method == "ReqQuoteInsert"
        for leg in asked.legs:
            ref = _quote_ref(record.client_ref, leg.side) if quote else record.client_ref.strip()
            key = (record.shown_front, record.session_id, ref)
            if leg.side and leg.volume and key not in self._orders:
                order = _Order(asked.instrument, leg.side, _worst(leg), not quote, record)
                self._put(key, order)

    def returned(self, event: Event) -> None:
        """A return with the client's identities."""
        reader = self._readers.get(event.name)
        if reader is None or event.field is None:
            return
        values = reader.read(event.field)
        if event.name == "OnRtnOrder":
            self._on_order(values)
        elif values["QuoteStatus"] != _UNKNOWN:
            # The exchange has it: its two orders come as orders of their own.
            for side in (BUY, SELL):
                self._drop(_key(values, _quote_ref(str(values["QuoteRef"]), side)))

    def clear(self) -> None:
        """A new trading day."""
        self._orders.clear()
        self._sides.clear()
        self._best.clear()
        self._counts.clear()

    def count(self, bound: float, session_id: int | None = None) -> int:
        """How many orders, of one virtual session or of all; exact when it reaches ``bound``."""
        if self._counts.get(session_id, 0) >= bound:
            self._sweep()
        return self._counts.get(session_id, 0)

    def meets(self, instrument: str, leg: Leg) -> float | None:
        """The price of a live order on the other side that this one could trade with; infinite for
        one without a limit price, None when there is none."""
        other = (instrument, _OPPOSITE.get(leg.side, ""))
        while (key := self._best.get(other) or self._find_best(other)) is not None:
            price = self._orders[key].price
            if price < _worst(leg) if leg.side == SELL else price > _worst(leg):
                return None
            if not self._is_over(key):
                return price
        return None

    def _on_order(self, values: dict[str, Any]) -> None:
        key = _key(values, str(values["OrderRef"]).strip())
        instrument = str(values["InstrumentID"]).strip()
        if exchange := str(values["ExchangeID"]).strip():
            self.exchange_of[instrument] = exchange
        if values["OrderStatus"] in _ENDED:
            self._drop(key)
        elif key not in self._orders:
            price = values["LimitPrice"] if values["OrderPriceType"] == "2" else None
            leg = Leg(str(values["Direction"]), price, 1)
            self._put(key, _Order(instrument, leg.side, _worst(leg), True, None))

    def _put(self, key: Key, order: _Order) -> None:
        self._orders[key] = order
        self._add_to_counts(key, order, 1)
        side = (order.instrument, order.side)
        self._sides.setdefault(side, {})[key] = order.price
        best = self._best.get(side)
        if best is not None and _better(order.side, order.price, self._orders[best].price):
            self._best[side] = key

    def _drop(self, key: Key) -> None:
        order = self._orders.pop(key, None)
        if order is None:
            return
        self._add_to_counts(key, order, -1)
        side = (order.instrument, order.side)
        orders = self._sides[side]
        del orders[key]
        if not orders:
            del self._sides[side]
        if self._best.get(side) == key:
            del self._best[side]

    def _add_to_counts(self, key: Key, order: _Order, number: int) -> None:
        if not order.is_order:
            return
        for owner in (None, key[1]):
            count = self._counts.get(owner, 0) + number
            if count:
                self._counts[owner] = count
            else:
                del self._counts[owner]

    def _find_best(self, side: tuple[str, str]) -> Key | None:
        orders = self._sides.get(side)
        if not orders:
            return None
        best = (max if side[1] == BUY else min)(orders, key=orders.__getitem__)
        self._best[side] = best
        return best

    def _is_over(self, key: Key) -> bool:
        """Drop it when its record says that it is over: a refusal does not come as its return."""
        record = self._orders[key].record
        if record is None or record.state not in FINAL:
            return False
        self._drop(key)
        return True

    def _sweep(self) -> None:
        for key in list(self._orders):
            self._is_over(key)


class _Reader:
    """Some fields of a callback's struct."""

    def __init__(self, catalogue: Catalogue, callback: str) -> None:
        struct = catalogue.td.callbacks[callback].struct
        assert struct is not None
        layout = catalogue.layouts[struct]
        wanted = _FIELDS[callback]
        self._fields = [field for field in layout.fields if field.name in wanted]
        self._struct = struct_of(layout, wanted)

    def read(self, raw: bytes) -> dict[str, Any]:
        pairs = zip(self._fields, self._struct.unpack(raw), strict=True)
        return {field.name: plain(field, value) for field, value in pairs}


def _worst(leg: Leg) -> float:
    if leg.price is not None:
        return leg.price
    return math.inf if leg.side == BUY else -math.inf


def _better(side: str, one: float, other: float) -> bool:
    return one > other if side == BUY else one < other


def _key(values: dict[str, Any], ref: str) -> Key:
    return values["FrontID"], values["SessionID"], ref


def _quote_ref(ref: str, side: str) -> str:
    return f"quote {ref.strip()} {side}"
