"""``open_close``: one or two orders, each with its own answer."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from bus.client import Closed
from bus.client.terms import Lasts, Offset, Side
from bus.errors import BusError
from bus.orders import FINAL, OrderState
from schemas.closing import CLOSE_TODAY, CLOSE_YESTERDAY, SPLIT, Closable, legs
from schemas.errors import NETWORK_FAILURE, text_of

from .actions import Meaning, OrderUnknown, Result, check
from .stopping import Stopped

log = logging.getLogger(__name__)

_TOO_MANY: Final = 30  # the counter's own number for closing more than there is
_NOT_FOUND: Final = 16  # and for an instrument that it does not have
_OFFSETS: Final[dict[str, Offset]] = {
    CLOSE_TODAY: "close_today",
    CLOSE_YESTERDAY: "close_yesterday",
}
_LONGEST_NAME: Final = 62  # 64 with _PARTS
_LOOK_S: Final = 0.01
_PARTS: Final = ("/1", "/2")  # of the names of two orders that are one call
_ANSWERED: Final = FINAL | {OrderState.ACK}
_REFUSED: Final = frozenset({OrderState.REJECTED, OrderState.NOT_SENT})


class Order(Protocol):
    """What is needed of ``bus.client.sync.Order``."""

    @property
    def client_order_id(self) -> str: ...
    @property
    def state(self) -> OrderState: ...
    @property
    def why(self) -> str: ...
    @property
    def error_id(self) -> int: ...
    @property
    def order_ref(self) -> str: ...
    @property
    def order_sys_id(self) -> str: ...
    @property
    def volume_traded(self) -> int: ...
    def wait(self, *states: OrderState, timeout_s: float | None = None) -> OrderState: ...


class Counter(Protocol):
    """What trading needs of the account."""

    def exchange(self, instrument: str, timeout_s: float) -> str:
        """ "": the counter has no such instrument. Raises TimeoutError."""
        ...

    def closable(self, instrument: str, *, buys: bool, timeout_s: float) -> Closable:
        """As the counter has it now. Raises TimeoutError."""
        ...

    def place(self, wanted: Wanted, client_order_id: str) -> Order:
        """Sent once by this name; returns with the first word on it."""
        ...

    def find(self, client_order_id: str, timeout_s: float) -> Order | None:
        """None: it was never sent. Raises TimeoutError, RuntimeError."""
        ...


class Wanted(NamedTuple):
    """One order; ``volume`` in lots, ``price`` in CNY."""

    instrument: str
    exchange: str
    side: Side
    offset: Offset
    volume: int
    price: float
    lasts: Lasts


class Asked(NamedTuple):
    """A call of ``open_close``. ``until``: of time.monotonic."""

    instrument: str
    action: str
    volume: int
    price: float
    name: str
    block: bool
    lasts: Lasts
    until: float

    def left(self) -> float:
        return max(0.0, self.until - time.monotonic())


class Trading:
    """For any number of threads."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._lock = threading.Lock()
        self._closing: dict[str, threading.Lock] = {}

    def open_close(
        self,
        instrument: str,
        action: str,
        volume: int,
        price: float,
        block: bool,
        timeout_s: float,
        client_order_id: str = "",
        lasts: Lasts = "day",
    ) -> Result:
        """See ``SyncStrategyApi.open_close``."""
        meaning = check(action, volume, price)
        if len(client_order_id) > _LONGEST_NAME:
            raise ValueError(f"client_order_id: {_LONGEST_NAME} characters at the most")
        name = client_order_id or f"strategy-{secrets.token_hex(8)}"
        asked = Asked(
            instrument, action, volume, price, name, block, lasts, time.monotonic() + timeout_s
        )
        if client_order_id and (earlier := self._earlier(asked)) is not None:
            return earlier
        exchange = self._counter.exchange(instrument, asked.left())
        if not exchange:
            return _failed(asked, _NOT_FOUND, text_of(_NOT_FOUND), "nothing was sent")
        if meaning.closes and exchange in SPLIT:
            return self._close_split(asked, meaning, exchange)
        offset: Offset = "close" if meaning.closes else "open"
        wanted = Wanted(instrument, exchange, meaning.side, offset, volume, price, lasts)
        return self._settled(asked, [self._counter.place(wanted, name)])

    def _earlier(self, asked: Asked) -> Result | None:
        """Of an earlier call of this name, by an earlier run or another program; None: there was
        none. Nothing is sent. Raises OrderUnknown when nobody can say it: the call may have been
        sent then."""
        note = "asked for by its client_order_id; nothing was sent now"
        try:
            whole = self._counter.find(asked.name, asked.left())
            names = () if whole else (f"{asked.name}{part}" for part in _PARTS)
            parts = [self._counter.find(name, asked.left()) for name in names]
        except Stopped:
            raise
        except (TimeoutError, RuntimeError) as exc:
            raise OrderUnknown(asked.name, str(exc)) from exc
        orders = [order for order in (whole, *parts) if order is not None]
        if not orders:
            return None
        result = self._settled(asked, orders, note)
        if result["success"] and not whole and len(orders) < len(_PARTS):
            result["success"] = False
            result["error_id"] = NETWORK_FAILURE
            result["error_msg"] = "the order for the lots of today was never sent"
        return result

    def _close_split(self, asked: Asked, meaning: Meaning, exchange: str) -> Result:
        # One after the other: the second would count the lots that the first is about to take.
        with self._lock:
            turn = self._closing.setdefault(asked.instrument, threading.Lock())
        if not turn.acquire(timeout=asked.left()):
            raise TimeoutError(f"other orders are closing {asked.instrument}; nothing was sent")
        try:
            lots = self._counter.closable(
                asked.instrument, buys=meaning.side == "buy", timeout_s=asked.left()
            )
            try:
                parts = legs(asked.volume, lots)
            except ValueError as exc:
                return _failed(asked, _TOO_MANY, text_of(_TOO_MANY), f"{exc}; nothing was sent")
            orders: list[Order] = []
            names = _PARTS if len(parts) > 1 else ("",)
            for part, name in zip(parts, names, strict=True):
                wanted = Wanted(
                    asked.instrument,
                    exchange,
                    meaning.side,
                    _OFFSETS[part.offset],
                    part.volume,
                    asked.price,
                    asked.lasts,
                )
                orders.append(self._counter.place(wanted, f"{asked.name}{name}"))
                if self._judge(asked, orders) is not None:
                    break
            said = ", ".join(f"{_OFFSETS[part.offset]} {part.volume}" for part in parts)
            return self._settled(asked, orders, said)
        finally:
            turn.release()

    def _settled(self, asked: Asked, orders: Sequence[Order], note: str = "") -> Result:
        problem = self._judge(asked, orders)
        result = _result(asked, orders, note)
        if problem is not None:
            result["success"] = False
            result["error_id"] = problem.error_id or NETWORK_FAILURE
            result["error_msg"] = problem.why
            log.warning(
                "an order was refused",
                extra={"fields": {"client_order_id": problem.client_order_id, "why": problem.why}},
            )
        return result

    def _judge(self, asked: Asked, orders: Iterable[Order]) -> Order | None:
        """The first that the counter does not have. Raises OrderUnknown."""
        # One that does not rest has ended in a moment.
        wanted = FINAL if asked.lasts != "day" else _ANSWERED
        for order in orders:
            state = order.state
            if asked.block and state not in wanted:
                state = _waited(order, wanted, asked)
            if asked.block and state is OrderState.ACK:
                state = _at_exchange(order, asked)
            if state in _REFUSED:
                return order
            if asked.block and state not in wanted:
                raise OrderUnknown(asked.name, order.why or "no answer in time")
        return None


def _at_exchange(order: Order, asked: Asked) -> OrderState:
    """The counter has it a moment before the exchange, which may refuse it. When the exchange says
    nothing in time, such as before it opens, the counter's word counts."""
    while order.state is OrderState.ACK and not order.order_sys_id.strip() and asked.left():
        _waited(order, FINAL, asked, _LOOK_S)
    return order.state


def _waited(
    order: Order, states: Iterable[OrderState], asked: Asked, most_s: float = math.inf
) -> OrderState:
    """Its state then. Raises OrderUnknown when nothing more is heard of it."""
    try:
        return order.wait(*states, timeout_s=min(most_s, asked.left()))
    except Closed:
        raise Stopped from None
    except BusError as exc:
        raise OrderUnknown(asked.name, str(exc)) from exc


def _result(asked: Asked, orders: Iterable[Order], note: str) -> Result:
    orders = tuple(orders)
    result = Result(
        success=True,
        order_ref=", ".join(order.order_ref.strip() for order in orders),
        instrument_id=asked.instrument,
        action=asked.action,
        volume=asked.volume,
        price=asked.price,
        client_order_id=asked.name,
        volume_traded=sum(order.volume_traded for order in orders),
    )
    if note:
        result["note"] = note
    return result


def _failed(asked: Asked, error_id: int, error_msg: str, note: str) -> Result:
    result = _result(asked, (), note)
    result["success"] = False
    result["error_id"], result["error_msg"] = error_id, error_msg
    return result
