"""One order of ours, and what is known of it."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

from schemas import typed
from schemas.errors import INTERNAL_ERROR, text_of
from schemas.typed import CtpStruct

from ..errors import BusError, Refused
from ..orders import FINAL, OrderState, Outcome

_S = OrderState
# What a later word of less cannot take back.
_RANK: Final = {_S.INTENT: 0, _S.SENT: 1, _S.UNKNOWN: 2, _S.ACK: 3, **dict.fromkeys(FINAL, 4)}
# Conclusions that the counter's own word on a living or traded order overrules.
_OVERRULED: Final = frozenset({_S.NOT_SENT, _S.REJECTED})
_ORDER: Final = "ReqOrderInsert"


class Desk(Protocol):
    """Who sends, follows and looks after the order."""

    problem: BusError | None  # why nothing more is heard of any order

    async def cancel(self, order: Order) -> None: ...
    def awaited(self, order: Order) -> None: ...


class Order:
    """One insertion, known by the ``client_order_id`` that was chosen before it was sent.

        INTENT ──> SENT ──> ACK ──> FILLED, CANCELLED
           │         ├────> REJECTED
           │         └────> UNKNOWN ──> whichever of these it is
           └──> NOT_SENT, UNKNOWN

    state          INTENT: on its way to td_worker; the others are those of ``OrderState``. UNKNOWN
                   is not failed: it may live, and is looked up until td_worker knows
    why            of a refusal, of UNKNOWN or NOT_SENT, in the words of who told it;
                   ``error_id`` is 0 for a refusal by the exchange
    volume_traded  lots. ``trades``: the fills that make them, as far as anybody still has them
    last           its newest OnRtnOrder, None before the first
    duplicate      this id was used before, for the same order: nothing was sent this time
    order_id       the gateway's name of it; ``session_id`` and ``order_ref`` its identity in every
                   return, ``exchange_id`` and ``order_sys_id`` that at the exchange
    cancel_why     why the last cancel was refused
    fields         what was sent; None for an order of an earlier run or of another program
    """

    def __init__(
        self, desk: Desk, client_order_id: str, method: str, fields: CtpStruct | None
    ) -> None:
        self.client_order_id, self.method, self.fields = client_order_id, method, fields
        self.placed_ns = time.time_ns()
        self.state, self.why, self.error_id = _S.INTENT, "", 0
        self.duplicate = False
        self.order_id, self.order_ref = "", ""
        self.session_id = self.front_id = 0
        self.exchange_id, self.order_sys_id = "", ""
        self.volume_traded = 0
        self.trades: list[typed.Trade] = []
        self.last: typed.Order | None = None
        self.cancel_why = ""
        self._without_fills = False
        self._desk = desk
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def instrument(self) -> str:
        """ "" when it is not known, of an order of before."""
        known = self.last if self.fields is None else self.fields
        return str(getattr(known, "instrument_id", ""))

    @property
    def final(self) -> bool:
        """Nothing of it is in the market any more, or ever was."""
        return self.state in FINAL

    @property
    def settled(self) -> bool:
        """Somebody knows what became of it: it lives, or is final."""
        return self.state is _S.ACK or self.final

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for news of it."""
        return bool(self._waiters)

    @property
    def complete(self) -> bool:
        """Final, and its fills are here: they come a moment after it. When the counter, asked for
        them, does not have them any more, it is complete without."""
        return self.final and (self._filled or self._without_fills)

    @property
    def never_there(self) -> bool:
        """td_worker has no record of it, and it cannot come there any more."""
        return self.state is _S.NOT_SENT and not self.order_id

    @property
    def _filled(self) -> bool:
        traded = sum(trade.volume for trade in self.trades)
        return self.method != _ORDER or traded >= self.volume_traded

    def is_over(self, news: typed.Order | typed.Trade) -> bool:
        """Whether this is not about it any more: exchanges number orders anew each day."""
        day = self.last.trading_day if self.last is not None else ""
        if isinstance(news, typed.Trade) and self.final and self._filled:
            return True
        return bool(day and news.trading_day and news.trading_day != day)

    async def wait(self, *states: OrderState, timeout_s: float | None = None) -> OrderState:
        """Until it is complete, or in one of ``states``; its state, also after ``timeout_s``.

            await order.wait()                                 # FILLED, CANCELLED, REJECTED …
            await order.wait(OrderState.ACK, timeout_s=5)      # or the counter has it

        Raises why nothing more is heard of it: Refused when the counter does not let the account in
        again, BusError when the client was closed."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (self.complete or (self.state in states)):
                    await self._news()
        except TimeoutError:
            pass
        return self.state

    async def cancel(self) -> None:
        """Ask for its end; what becomes of it ``wait`` tells, for it may be filled meanwhile.
        Nothing is sent for one that is final. Raises Refused, or Unavailable, when nothing was
        sent, and Unanswered when nobody knows: to cancel again does no harm."""
        await self._desk.cancel(self)

    async def sent(self) -> None:
        """Until there is a first word on it."""
        while self.state is _S.INTENT:
            await self._news()

    async def _news(self) -> None:
        if self._desk.problem is not None:
            raise self._desk.problem
        self._desk.awaited(self)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    # -- what comes, from the desk -------------------------------------------------------------

    def told(self, outcome: Outcome) -> None:
        """By td_worker."""
        self.order_id = outcome.order_id
        self.duplicate = self.duplicate or outcome.duplicate
        self.session_id, self.front_id = outcome.session_id, outcome.front_id
        self.order_ref = outcome.order_ref
        self.exchange_id = outcome.exchange_id or self.exchange_id
        self.order_sys_id = outcome.order_sys_id or self.order_sys_id
        self.volume_traded = max(self.volume_traded, outcome.volume_traded)
        # On record there, handed to the API or not: nobody knows.
        state = _S.UNKNOWN if outcome.state is _S.INTENT else outcome.state
        why = outcome.error_msg or (text_of(outcome.error_id) if outcome.error_id else "")
        self._turn(state, why, outcome.error_id)

    def refused(self, error: Refused) -> None:
        """td_worker did not take it, so nothing was sent; but it may have been before a fault of
        its own."""
        if error.error_id == INTERNAL_ERROR:
            self.doubted(str(error))
            return
        detail = f": {error.detail}" if error.detail else ""
        self._turn(_S.NOT_SENT, f"{error.error_msg}{detail}", error.error_id)

    def not_sent(self, why: str) -> None:
        self._turn(_S.NOT_SENT, why)

    def doubted(self, why: str) -> None:
        """No answer came."""
        self._turn(_S.UNKNOWN, why)

    def rejected(self, error_id: int, why: str) -> None:
        """By the counter."""
        self._turn(_S.REJECTED, why, error_id)

    def returned(self, news: typed.Order) -> None:
        """An OnRtnOrder of it, later than the one before."""
        self.last = news
        self.exchange_id = news.exchange_id or self.exchange_id
        self.order_sys_id = news.order_sys_id or self.order_sys_id
        self.volume_traded = max(self.volume_traded, news.volume_traded)
        state = _state_of(news.order_status, news.order_submit_status)
        self._turn(state, news.status_msg if state is _S.REJECTED else "")

    def traded(self, trade: typed.Trade) -> None:
        """An OnRtnTrade of it, or a row of a query; one twice is one."""
        known = {(each.exchange_id, each.trade_id, each.direction) for each in self.trades}
        if (trade.exchange_id, trade.trade_id, trade.direction) not in known:
            self.trades.append(trade)
            self._wake()

    def without_fills(self) -> None:
        """Nobody has them."""
        self._without_fills = True
        self._wake()

    def not_cancelled(self, why: str) -> None:
        self.cancel_why = why
        self._wake()

    def give_up(self, why: str) -> None:
        """Nothing more will come."""
        if self.state is _S.INTENT:
            self.doubted(why)
        self._wake()

    def _turn(self, state: OrderState, why: str, error_id: int = 0) -> None:
        overruled = self.state in _OVERRULED and state in (_S.ACK, _S.FILLED, _S.CANCELLED)
        if overruled or (not self.final and _RANK[state] >= _RANK[self.state]):
            self.state, self.why, self.error_id = state, why, error_id
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def __repr__(self) -> str:
        why = f", {self.why}" if self.why else ""
        return f"<Order {self.client_order_id}: {self.state}, {self.volume_traded} traded{why}>"


def _state_of(status: str, submitted: str) -> OrderState:
    """OrderStatus and OrderSubmitStatus of CTP: THOST_FTDC_OST_*, THOST_FTDC_OSS_*."""
    if submitted == "4" and status in ("5", ""):
        return _S.REJECTED
    if status == "0":
        return _S.FILLED
    return _S.CANCELLED if status == "5" else _S.ACK
