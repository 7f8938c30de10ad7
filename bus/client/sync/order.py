"""An order, for a program that waits."""

from __future__ import annotations

from schemas import typed
from schemas.typed import CtpStruct

from ...orders import OrderState
from .. import order as asynchronous
from .loop import Loop


class Order:
    """What is known of it now; see ``bus.client.Order`` for what each says."""

    def __init__(self, loop: Loop, order: asynchronous.Order) -> None:
        self._loop, self._order = loop, order

    def wait(self, *states: OrderState, timeout_s: float | None = None) -> OrderState:
        """Until it is complete, or in one of ``states``; its state, also after ``timeout_s``."""
        return self._loop.run(self._order.wait(*states, timeout_s=timeout_s))

    def cancel(self) -> None:
        """Ask for its end; what becomes of it ``wait`` tells. Raises Refused, or Unavailable, when
        nothing was sent, and Unanswered when nobody knows: to cancel again does no harm."""
        self._loop.run(self._order.cancel())

    @property
    def client_order_id(self) -> str:
        return self._order.client_order_id

    @property
    def method(self) -> str:
        return self._order.method

    @property
    def fields(self) -> CtpStruct | None:
        return self._order.fields

    @property
    def instrument(self) -> str:
        return self._order.instrument

    @property
    def state(self) -> OrderState:
        return self._order.state

    @property
    def why(self) -> str:
        return self._order.why

    @property
    def error_id(self) -> int:
        return self._order.error_id

    @property
    def duplicate(self) -> bool:
        return self._order.duplicate

    @property
    def final(self) -> bool:
        return self._order.final

    @property
    def settled(self) -> bool:
        return self._order.settled

    @property
    def complete(self) -> bool:
        return self._order.complete

    @property
    def volume_traded(self) -> int:
        return self._order.volume_traded

    @property
    def trades(self) -> list[typed.Trade]:
        return list(self._order.trades)

    @property
    def last(self) -> typed.Order | None:
        return self._order.last

    @property
    def order_id(self) -> str:
        return self._order.order_id

    @property
    def session_id(self) -> int:
        return self._order.session_id

    @property
    def order_ref(self) -> str:
        return self._order.order_ref

    @property
    def exchange_id(self) -> str:
        return self._order.exchange_id

    @property
    def order_sys_id(self) -> str:
        return self._order.order_sys_id

    @property
    def cancel_why(self) -> str:
        return self._order.cancel_why

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and self._order is other._order

    def __hash__(self) -> int:
        return hash(id(self._order))

    def __repr__(self) -> str:
        return repr(self._order)
