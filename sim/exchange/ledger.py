"""The exchange's own record of what it accepted and traded, kept apart from the counter's books.

Append-only. Tests compare it with what clients believe after crashes: an order that is here was
really placed, once for every time it is here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sim.exchange.orders import Fill, Order
from sim.exchange.values import Fields, number, text, whole


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order that reached the exchange's matching.

    ``business_unit`` is what its sender put into BusinessUnit: unlike OrderRef, OrderMemo and
    RequestID no gateway on the way has a reason to change it.
    """

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
    business_unit: str
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


@dataclass(frozen=True, slots=True)
class RefusedOrder:
    """An order that arrived and was refused: by the counter with CTP's ``error_id``, by the
    exchange with 0."""

    now_ns: int
    trading_day: str
    user: str
    session_id: int
    order_ref: str
    order_memo: str
    business_unit: str
    instrument: str
    error_id: int
    reason: str


Entry = AcceptedOrder | ExecutedTrade | EndedOrder | RefusedOrder


class Ledger:
    """The entries of the exchange's whole life, in the order they happened.

    ``on_entry`` gets each one before anybody is told of what it says.
    """

    def __init__(self, on_entry: Callable[[Entry], None] = lambda entry: None) -> None:
        self._entries: list[Entry] = []
        self._on_entry = on_entry

    def append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._on_entry(entry)

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
        business_unit=text(fields, "BusinessUnit"),
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


def refused(
    fields: Fields, session_id: int, user: str, day: str, error_id: int, reason: str, now_ns: int
) -> RefusedOrder:
    """``fields`` is the request, or the order that was made of it."""
    return RefusedOrder(
        now_ns=now_ns,
        trading_day=day,
        user=user,
        session_id=session_id,
        order_ref=text(fields, "OrderRef"),
        order_memo=text(fields, "OrderMemo"),
        business_unit=text(fields, "BusinessUnit"),
        instrument=text(fields, "InstrumentID"),
        error_id=error_id,
        reason=reason,
    )
