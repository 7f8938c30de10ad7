"""The orders of an account that were placed here, from before they are sent to their end.

No order is ever sent twice. Its client_order_id is chosen first; td_worker has it on its disk
before the counter's API sees the order, and answers a second call with the same id from its record.
Here a call is repeated only when td_worker said that it had refused the first for want of a login.
When no answer comes, the order is UNKNOWN and is asked for by its id, once a second, until
td_worker knows, also one that was started anew; what td_worker has no record of when it may not
send it any more was never sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas import typed
from schemas.codec import Value
from schemas.errors import BAD_REQUEST, NOT_LOGGED_IN
from schemas.typed import CtpStruct

from ..errors import BusError, Closed, ConfigError, Refused, Unanswered, Unavailable, request_failed
from ..frames import Flag, Row, message_type, split_body
from ..orders import NOT_ON_RECORD, Outcome, OutcomeQuery, VoidId
from ..rpc import refusal
from .asking import error_of, packed
from .items import Gap, Item, Restarted, Return
from .order import Order

if TYPE_CHECKING:
    from .account import Account

log = logging.getLogger(__name__)

ORDER_S: Final = 5.0  # td_worker sends an order within this time, or never
CANCEL_S: Final = 10.0  # may be repeated meanwhile
LATE_S: Final = 1.0  # its answer may take so much longer
_REFUSAL_S: Final = 600.0  # and the counter's refusal so long
_LOOK_S: Final = 0.25
_LOOK_AGAIN_S: Final = 1.0
_FILLS_AGAIN_S: Final = 3.0  # queries are few
_MOST_FILLS: Final = 3
_MOST_KEPT: Final = 10_000
_LONGEST_ID: Final = 64
_SENT: Final = message_type("Sent")
_OUTCOME: Final = message_type("Outcome")
_ORDER: Final = message_type("OnRtnOrder")
_TRADE: Final = message_type("OnRtnTrade")
_CANCEL_REFUSED: Final = message_type("OnErrRtnOrderAction")
_decode: Final = msgspec.msgpack.Decoder(Outcome).decode
_INSERT: Final = "ReqOrderInsert"
_CANCEL: Final = "ReqOrderAction"
_ASK: Final = "QryOrderOutcome"
_VOID: Final = "VoidClientOrderID"


_Key = tuple[int | str, str]  # SessionID and OrderRef, or ExchangeID and OrderSysID


@dataclass
class _Care:
    """Of an order that is looked up, in seconds of the loop's clock: when next, and from when on
    td_worker may not send it any more; one that is not known to have such a time never counts as
    unsent. ``lost``: a return of it may be, so that it is looked up although it is known to live.
    ``fills``: how often they were asked for."""

    due: float
    dead: float = math.inf
    lost: bool = False
    fills: int = 0


class Orders:
    """``placed``: by client_order_id, those that live and the newest of those that have ended."""

    def __init__(self, account: Account) -> None:
        self._account, self._catalogue = account, account.catalogue
        self._info_size = self._catalogue.layouts["RspInfo"].size
        self.placed: dict[str, Order] = {}
        self.problem: BusError | None = None
        self._named: dict[_Key, Order] = {}
        self._sending = 0
        self._early: dict[_Key, list[typed.Order | typed.Trade]] = {}
        self._care: dict[str, _Care] = {}
        self._unsettled = asyncio.Event()
        self._order = typed.decoder(typed.Order, self._catalogue)
        self._trade = typed.decoder(typed.Trade, self._catalogue)
        self._returns = account.returns()
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._follow())
        self._spawn(self._look_after())

    def close(self) -> None:
        self._end(Closed("the login was ended"))
        for task in self._tasks:
            task.cancel()
        self._returns.close()

    async def insert(
        self,
        method: str,
        fields: CtpStruct,
        client_order_id: str = "",
        problem: BusError | None = None,
    ) -> Order:
        """Send it, once for each ``client_order_id``, which is made when there is none; returns
        with the first word on it. Not with a ``problem``, which becomes that word. Raises
        ValueError for what does not fit, and for an id that is none or was used for another order:
        nothing was sent."""
        name = client_order_id or f"sdk-{secrets.token_hex(12)}"
        if len(name) > _LONGEST_ID or not name.isprintable():
            raise ValueError(f"client_order_id: {_LONGEST_ID} printable characters at the most")
        body = packed(self._account, method, msgspec.to_builtins(fields))
        order = self.placed.get(name)
        if order is None or order.never_there:
            order = self.placed[name] = Order(self, name, method, fields)
            self._forget()
            problem = problem or self.problem
            if problem is not None:
                order.not_sent(f"{problem}; nothing was sent")
                return order
            # In a task: who is cancelled while he waits has not stopped a message half-way.
            self._spawn(self._place(order, body))
        elif order.fields is None:
            raise ValueError(f"client_order_id {name} is that of an order of before")
        elif (order.method, order.fields) != (method, fields):
            raise ValueError(f"client_order_id {name} was used for another order")
        await order.sent()
        return order

    async def find(self, client_order_id: str, until: float) -> Order | None:
        """One of an earlier run, or of another program of the account; None when there is none on
        record. Raises Refused, Unavailable."""
        order = self.placed.get(client_order_id)
        if order is None:
            outcome = await self._outcome(client_order_id, until)
            if outcome is None:
                return None
            order = Order(self, client_order_id, outcome.method, None)
            order = self.placed.setdefault(client_order_id, order)
            self._told(order, outcome)
            await self._recover(order)
        return order

    async def void(self, client_order_id: str, until: float) -> Order:
        """See ``Account.void``. Raises Refused, Unavailable."""
        outcome = await self._outcome(client_order_id, until, _VOID)
        assert outcome is not None
        order = Order(self, client_order_id, outcome.method, None)
        order = self.placed.setdefault(client_order_id, order)
        self._told(order, outcome)
        return order

    async def cancel(self, order: Order) -> None:
        """See ``Order.cancel``."""
        if order.final:
            return
        if order.method != _INSERT:
            raise ValueError(f"{order.method} is ended by a request of its own, see Account.ctp")
        until = self._now() + CANCEL_S
        while not order.order_ref:  # the answer was lost, or has not come yet
            outcome = await self._outcome(order.client_order_id, until)
            if outcome is not None:
                self._told(order, outcome)
            elif self._now() >= until:
                raise request_failed("td_worker has no record of the order")
            else:
                await asyncio.sleep(_LOOK_S)
            if order.final:
                return
        fields: dict[str, Value] = {
            "ActionFlag": "0",
            "ExchangeID": order.exchange_id,
            "InstrumentID": order.instrument,
            "FrontID": order.front_id,
            "SessionID": order.session_id,
            "OrderRef": order.order_ref,
        }
        order.cancel_why = ""

        def late(row: Row) -> None:
            error = refusal(row) or error_of(self._catalogue, row)
            if error is not None:
                order.not_cancelled(f"{error.error_msg} ({error.error_id})")

        await self._account.act(_CANCEL, fields, late, until - self._now())

    # -- sending -------------------------------------------------------------------------------

    async def _place(self, order: Order, body: bytes) -> None:
        until = self._now() + ORDER_S
        self._care[order.client_order_id] = _Care(until + LATE_S, until + LATE_S)
        self._unsettled.set()
        self._sending += 1
        try:
            await self._send(order, body, until)
        except Unanswered as exc:
            order.doubted(str(exc))
        except (Unavailable, ConfigError) as exc:  # the latter of a new login, before it was sent
            order.not_sent(f"{exc}; nothing was sent")
        except Refused as exc:
            order.refused(exc)
            if exc.error_id == BAD_REQUEST:  # perhaps its id is that of another order
                self.placed.pop(order.client_order_id, None)
                return
        except Exception as exc:
            log.exception("whether an order was sent is not known")
            order.doubted(type(exc).__name__)
        finally:
            self._sending -= 1
            if not self._sending:
                self._early.clear()
        self._mind(order, self._now() + _LOOK_S)

    async def _send(self, order: Order, body: bytes, until: float) -> None:
        """Raises Refused, Unavailable when nothing was sent, Unanswered when nobody knows."""
        account = self._account
        while True:
            handle = account.handle
            try:
                await self._send_once(order, body, handle, until)
                return
            except Refused as exc:
                # The only answer after which it is sent again: nothing was, for want of a login.
                if exc.error_id != NOT_LOGGED_IN or self._now() >= until:
                    raise
                await account.log_in_until(handle, until)

    async def _send_once(self, order: Order, body: bytes, handle: bytes, until: float) -> None:
        loop = asyncio.get_running_loop()
        word: asyncio.Future[BusError | None] = loop.create_future()

        def say(error: BusError | None) -> None:
            if not word.done():
                word.set_result(error)

        def take(row: Row) -> None:
            error = refusal(row)
            if error is None:
                self._take_row(order, row)
            say(error)

        def silence(why: str) -> None:
            say(Unanswered("td_worker"))

        left = max(0.0, until - self._now())
        timer = loop.call_later(left + LATE_S, silence, "")
        try:
            self._account.start(
                order.method,
                body,
                take,
                silence,
                _REFUSAL_S,
                session=handle,
                client_order_id=order.client_order_id,
                deadline_s=left,
            )
            error = await word
        finally:
            timer.cancel()
        if error is not None:
            raise error

    def _take_row(self, order: Order, row: Row) -> None:
        if row.type in (_SENT, _OUTCOME):
            self._told(order, _decode(row.body))
            return
        error = error_of(self._catalogue, row)
        if error is not None:
            order.rejected(error.error_id, error.error_msg)

    # -- what the account's returns tell ---------------------------------------------------------

    async def _follow(self) -> None:
        try:
            async for item in self._returns:
                self._take(item)
        except Refused as refused:
            self._end(refused)
        except Exception as exc:
            log.exception("the orders of an account cannot be followed")
            self._end(BusError(f"the orders cannot be followed: {exc}"))
        else:
            self._end(Closed("the client was closed"))

    def _take(self, item: Item) -> None:
        match item:
            case Return():
                self._take_return(item)
            case Gap() | Restarted():
                for order in self.placed.values():
                    self._mind(order, self._now(), lost=True)

    def _take_return(self, item: Return) -> None:
        if item.flags & Flag.MSGPACK or not item.flags & Flag.HAS_FIELD:
            return
        field, raw = split_body(item.flags, item.body, self._info_size)
        assert field is not None
        if item.type == _ORDER:
            news = self._order(field)
            self._match((news.session_id, news.order_ref.strip()), news)
        elif item.type == _TRADE:
            trade = self._trade(field)
            self._match((trade.exchange_id, trade.order_sys_id.strip()), trade)
        elif item.type == _CANCEL_REFUSED and raw is not None:
            self._not_cancelled(typed.decode(typed.OrderAction, field, self._catalogue), raw)

    def _match(self, key: _Key, news: typed.Order | typed.Trade) -> None:
        order = self._named.get(key)
        if order is not None and not order.is_over(news):
            self._tell(order, news)
        elif self._sending:  # perhaps it is that order's, whose name td_worker has not told yet
            if len(self._early) >= _MOST_KEPT:
                del self._early[next(iter(self._early))]
            self._early.setdefault(key, []).append(news)

    def _tell(self, order: Order, news: typed.Order | typed.Trade) -> None:
        if isinstance(news, typed.Trade):
            order.traded(news)
        else:
            order.returned(news)
            self._name(order)
            self._mind_fills(order)

    def _not_cancelled(self, action: typed.OrderAction, raw: bytes) -> None:
        info = typed.decode(typed.RspInfo, raw, self._catalogue)
        by_ref = self._named.get((action.session_id, action.order_ref.strip()))
        by_sys = self._named.get((action.exchange_id, action.order_sys_id.strip()))
        order = by_ref or by_sys
        if order is not None:
            order.not_cancelled(f"{info.error_msg} ({info.error_id})")

    def _told(self, order: Order, outcome: Outcome) -> None:
        order.told(outcome)
        self._name(order)
        self._mind_fills(order)

    def _name(self, order: Order) -> None:
        """From here on its returns are known as such, also those that came too early."""
        for key in _keys(order):
            if self._named.get(key) is not order:
                self._named[key] = order
                for news in self._early.pop(key, ()):
                    self._tell(order, news)

    def awaited(self, order: Order) -> None:
        """Somebody waits for it from now on."""
        if order.method != _INSERT:
            self._mind(order, self._now() + _LOOK_AGAIN_S)

    # -- orders in doubt -------------------------------------------------------------------------

    def _mind(self, order: Order, due: float, lost: bool = False) -> None:
        """Look it up, until it is settled and its fills are here."""
        if not order.complete:
            care = self._care.setdefault(order.client_order_id, _Care(due))
            care.due, care.lost = min(care.due, due), care.lost or lost
            self._unsettled.set()

    def _mind_fills(self, order: Order) -> None:
        """They come a moment after the end of the order, or are lost."""
        if order.final:
            self._mind(order, self._now() + _LOOK_AGAIN_S)

    async def _look_after(self) -> None:
        while True:
            await self._unsettled.wait()
            for name, care in list(self._care.items()):
                order = self.placed.get(name)
                if order is None or self._is_known(order, care):
                    del self._care[name]
                elif care.due <= self._now():
                    await self._looked(order, care)
            if not self._care:
                self._unsettled.clear()
            await asyncio.sleep(_LOOK_S)

    async def _looked(self, order: Order, care: _Care) -> None:
        try:
            await self._look(order, care)
        except Exception:  # the others are looked after all the same
            log.exception("an order could not be looked up")

    async def _look(self, order: Order, care: _Care) -> None:
        care.due = self._now() + (_FILLS_AGAIN_S if order.final else _LOOK_AGAIN_S)
        # A login that has ended is renewed by who follows the returns.
        with contextlib.suppress(Refused, Unavailable):
            if order.final:
                await self._fill(order)
                care.fills += 1
                if care.fills == _MOST_FILLS and not order.complete:
                    order.without_fills()
                return
            over = self._now() > care.dead
            outcome = await self._asked(order.client_order_id)
            care.lost = False
            if outcome is not None:
                self._told(order, outcome)
            elif over and not order.settled:
                order.not_sent("it never reached td_worker, and will not")

    def _is_known(self, order: Order, care: _Care) -> bool:
        """Whether there is nothing to ask, because its returns tell what becomes of it."""
        told = order.method == _INSERT or not order.awaited
        return order.complete or (order.settled and not order.final and not care.lost and told)

    async def _asked(self, name: str, verb: str = _ASK) -> Outcome | None:
        """None: it is not on record. Raises Refused, Unavailable."""
        query = VoidId(name) if verb == _VOID else OutcomeQuery(client_order_id=name)
        body = msgspec.msgpack.encode(query)
        try:
            row = await self._account.request(verb, body, deadline_s=2.0)
        except Refused as exc:
            if NOT_ON_RECORD in exc.detail:
                return None
            raise
        return _decode(row.body)

    async def _outcome(self, name: str, until: float, verb: str = _ASK) -> Outcome | None:
        """The same, until td_worker answers. Raises Refused, Unavailable."""
        while True:
            handle = self._account.handle
            try:
                return await self._asked(name, verb)
            except Unavailable:
                if self._now() >= until:
                    raise
                await asyncio.sleep(_LOOK_S)
            except Refused as exc:
                if exc.error_id != NOT_LOGGED_IN or self._now() >= until:
                    raise
                await self._account.log_in_until(handle, until)

    async def _recover(self, order: Order) -> None:
        """What the counter tells of an order of before."""
        try:
            rows = await self._account.query("ReqQryOrder", {"ExchangeID": order.exchange_id})
        except (Refused, Unavailable):
            rows = []
        for row in rows:
            if isinstance(row, typed.Order):
                key = (row.session_id, row.order_ref.strip())
                if self._named.get(key) is order and order.last is None:
                    self._tell(order, row)
        if order.volume_traded and not order.trades:
            with contextlib.suppress(Refused, Unavailable):
                await self._fill(order)
        self._mind(order, self._now())

    async def _fill(self, order: Order) -> None:
        """Ask the counter for its fills. Raises Refused, Unavailable."""
        wanted: dict[str, Value] = {"InstrumentID": order.instrument}
        for row in await self._account.query("ReqQryTrade", wanted):
            if isinstance(row, typed.Trade):
                self._match((row.exchange_id, row.order_sys_id.strip()), row)

    # -- inside ----------------------------------------------------------------------------------

    def _forget(self) -> None:
        if len(self.placed) <= _MOST_KEPT:
            return
        ended = [name for name, order in self.placed.items() if order.complete]
        for name in ended[: len(ended) // 10]:  # not at each order
            order = self.placed.pop(name)
            for key in _keys(order):
                if self._named.get(key) is order:
                    del self._named[key]

    def _end(self, problem: BusError) -> None:
        if self.problem is None:
            self.problem = problem
            for order in self.placed.values():
                order.give_up(str(problem))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _keys(order: Order) -> Iterator[_Key]:
    """By which its returns name it. What is no order has references of its own kind, which are not
    told apart from these: td_worker is asked for its state."""
    if order.method != _INSERT:
        return
    if order.order_ref:
        yield order.session_id, order.order_ref.strip()
    if order.exchange_id and order.order_sys_id:
        yield order.exchange_id, order.order_sys_id.strip()
