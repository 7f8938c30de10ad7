"""An account, for a program that waits."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Unpack

from schemas.codec import Value
from schemas.typed import CtpStruct, InvestorPosition, TradingAccount

from ...errors import Closed
from ...orders import Place
from .. import account as asynchronous
from ..items import Item
from ..terms import Offset, Side, Terms
from .ctp import Ctp
from .loop import Loop
from .order import Order
from .streams import Stream


class Account:
    """See ``bus.client.Account``: the same methods, which wait."""

    def __init__(self, loop: Loop, account: asynchronous.Account) -> None:
        self._loop, self._account = loop, account
        self.ctp = Ctp(loop, account.ctp)
        """Every request of the API as a method that waits, see ``bus.client.ctp``."""

    @property
    def user(self) -> str:
        return self._account.user

    @property
    def session(self) -> dict[str, Value]:
        """The fields of the OnRspUserLogin that the login got."""
        return dict(self._account.session)

    @property
    def trading_day(self) -> str:
        return self._account.trading_day

    def place(
        self,
        instrument: str,
        side: Side,
        volume: int,
        price: float,
        *,
        offset: Offset = "open",
        client_order_id: str = "",
        **terms: Unpack[Terms],
    ) -> Order:
        """A limit order; returns with the first word on it, which ``state`` tells: SENT or ACK, or
        NOT_SENT or REJECTED and ``why``, or UNKNOWN. The same ``client_order_id`` is sent once.
        Raises ValueError for what cannot be an order; then nothing was sent."""
        work = self._account.place(
            instrument,
            side,
            volume,
            price,
            offset=offset,
            client_order_id=client_order_id,
            **terms,
        )
        return Order(self._loop, self._loop.run(work))

    def insert(self, method: str, fields: CtpStruct, *, client_order_id: str = "") -> Order:
        """The same for any insertion of the API (ReqQuoteInsert …), with its own struct."""
        work = self._account.insert(method, fields, client_order_id=client_order_id)
        return Order(self._loop, self._loop.run(work))

    def order(self, client_order_id: str, *, timeout_s: float = 10.0) -> Order | None:
        """One that was placed before, also by an earlier run; None: td_worker has no record of it,
        so it was not sent so far. Raises Refused, Unavailable."""
        order = self._loop.run(self._account.order(client_order_id, timeout_s=timeout_s))
        return None if order is None else Order(self._loop, order)

    def void(self, client_order_id: str, *, timeout_s: float = 10.0) -> Order:
        """From now on no order of this id is sent, if none is on record: see
        ``bus.client.Account.void``. Raises Refused, Unavailable."""
        work = self._account.void(client_order_id, timeout_s=timeout_s)
        return Order(self._loop, self._loop.run(work))

    def orders(self) -> list[Order]:
        """Those that were placed or found here."""
        return [Order(self._loop, order) for order in self._loop.call(self._account.orders)]

    def cancel(self, order: Order) -> None:
        """``order.cancel()``."""
        order.cancel()

    def positions(self, instrument: str = "", *, timeout_s: float = 30.0) -> list[InvestorPosition]:
        """The counter's rows, of one instrument or of all. Raises Refused, Unavailable."""
        return self._loop.run(self._account.positions(instrument, timeout_s=timeout_s))

    def money(self, *, timeout_s: float = 30.0) -> TradingAccount:
        """The account's balance, margin and what is available. Raises Refused, Unavailable."""
        return self._loop.run(self._account.money(timeout_s=timeout_s))

    def query(
        self,
        method: str,
        fields: Mapping[str, Value] | None = None,
        timeout_s: float = 30.0,
        *,
        fresh: bool = False,
    ) -> list[CtpStruct]:
        """All rows of the answer to a request. Raises as ``bus.client.Account.query``."""
        return self._loop.run(self._account.query(method, fields or {}, timeout_s, fresh=fresh))

    def returns(self, since: Place | None = None, *, limit: int = 10_000) -> Stream[Item]:
        """The account's returns, from the login or ``since`` on."""
        return Stream(
            self._loop, self._loop.call(lambda: self._account.returns(since, limit=limit))
        )

    @property
    def reached(self) -> Place:
        """How far the returns had come at the login."""
        return self._account.reached

    def told_since(self, place: Place, *, timeout_s: float = 2.0) -> bool:
        """Whether td_worker has told returns behind ``place``. Raises Refused, Unavailable."""
        return self._loop.run(self._account.told_since(place, timeout_s=timeout_s))

    def leave(self) -> None:
        """Log out."""
        with contextlib.suppress(Closed):
            self._loop.call(self._account.leave)
