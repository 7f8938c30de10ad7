"""The exchange's own record of what it accepted and traded, kept apart from the counter's books.

Append-only. Tests compare it with what clients believe after crashes: an order that is here was
really placed, once for every time it is here.
"""

from dataclasses import dataclass

from sim.exchange.orders import Fill, Order
from sim.exchange.values import number, text, whole


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order that reached the exchange's matching."""

    now_ns: int
    trading_day: str
    exchange: str
    order_sys_id: str
    broker: str
    user: str
    front_id: int
    session_id: int
    order_ref: str
    order_memo: str
    request_id: int
    instrument: str
    direction: str
    offset: str
    price: float
    volume: int


@dataclass(frozen=True, slots=True)
class ExecutedTrade:
    """One side of a trade; ``against`` is the other side's user, "" for the market itself."""

    now_ns: int
    trading_day: str
    exchange: str
    trade_id: str
    order_sys_id: str
    user: str
    instrument: str
    direction: str
    offset: str
    price: float
    volume: int
    against: str


@dataclass(frozen=True, slots=True)
class EndedOrder:
    """An order left the book with volume that was not traded."""

    now_ns: int
    trading_day: str
    exchange: str
    order_sys_id: str
    user: str
    untraded: int


Entry = AcceptedOrder | ExecutedTrade | EndedOrder


class Ledger:
    """The entries of the exchange's whole life, in the order they happened."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        self._entries.append(entry)

    def since(self, position: int = 0) -> tuple[Entry, ...]:
        """The entries after the first ``position``."""
        return tuple(self._entries[position:])

    def orders(self) -> list[AcceptedOrder]:
        return [entry for entry in self._entries if isinstance(entry, AcceptedOrder)]

    def trades(self) -> list[ExecutedTrade]:
        return [entry for entry in self._entries if isinstance(entry, ExecutedTrade)]


def accepted(order: Order, now_ns: int) -> AcceptedOrder:
    fields = order.fields
    return AcceptedOrder(
        now_ns=now_ns,
        trading_day=text(fields, "TradingDay"),
        exchange=order.instrument.exchange,
        order_sys_id=text(fields, "OrderSysID"),
        broker=text(fields, "BrokerID"),
        user=order.user,
        front_id=whole(fields, "FrontID"),
        session_id=whole(fields, "SessionID"),
        order_ref=text(fields, "OrderRef"),
        order_memo=text(fields, "OrderMemo"),
        request_id=whole(fields, "RequestID"),
        instrument=order.instrument.id,
        direction=text(fields, "Direction"),
        offset=text(fields, "CombOffsetFlag"),
        price=number(fields, "LimitPrice"),
        volume=order.volume,
    )


def executed(fill: Fill, trade_id: str, offset: str, now_ns: int) -> ExecutedTrade:
    fields, instrument = fill.order.fields, fill.order.instrument
    return ExecutedTrade(
        now_ns=now_ns,
        trading_day=text(fields, "TradingDay"),
        exchange=instrument.exchange,
        trade_id=trade_id,
        order_sys_id=text(fields, "OrderSysID"),
        user=fill.order.user,
        instrument=instrument.id,
        direction=text(fields, "Direction"),
        offset=offset,
        price=instrument.price(fill.ticks),
        volume=fill.volume,
        against=fill.against,
    )


def ended(order: Order, now_ns: int) -> EndedOrder:
    return EndedOrder(
        now_ns=now_ns,
        trading_day=text(order.fields, "TradingDay"),
        exchange=order.instrument.exchange,
        order_sys_id=text(order.fields, "OrderSysID"),
        user=order.user,
        untraded=order.left,
    )
