"""The exchange's own record of what it accepted and traded, kept apart from the counter's books.

Append-only. Tests compare it with what clients believe after crashes: an order that is here was
really placed, once for every time it is here.
"""

from dataclasses import dataclass


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
