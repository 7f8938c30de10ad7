"""One account at td_worker, for as long as a page shows it or an order of ours is in doubt."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from bus.client import Account, Client, Fresh, Gap, Place, Return, Stale
from bus.client.items import Item
from bus.errors import Refused, Unanswered, Unavailable
from bus.frames import Flag, Row, message_type, split_body
from bus.orders import NOT_ON_RECORD, KillSwitch, Outcome, OutcomeQuery
from bus.retry import Pauses
from bus.rpc import refusal
from schemas.errors import NOT_LOGGED_IN
from schemas.fields import FieldError

from .book import Book
from .listed import FIELDS, Listed
from .tickets import Ticket

log = logging.getLogger("admin")

NAME: Final = "admin"
_ATTACH_S: Final = 10.0
_ORDER_S: Final = 5.0  # td_worker sends an order within this time, or never
_LATE_S: Final = 1.0  # its answer may take so much longer
_REFUSAL_S: Final = 600.0  # and the counter's refusal so long
_QUERY_S: Final = 30.0
_INSTRUMENTS_S: Final = 60.0  # a real front takes its time over 30,000 of them
# Queries are few, and clients need them: the account is asked again when something has happened,
# and not at once after each trade.
_AGAIN_S: Final = 3.0
_IDLE_S: Final = 60.0
_LOOK_S: Final = 0.5
_LOOK_AGAIN_S: Final = 1.0
_AT_ONCE: Final = 100
_MOST_TICKETS: Final = 50
_SENT: Final = message_type("Sent")
_OUTCOME: Final = message_type("Outcome")
_INSTRUMENT: Final = message_type("OnRspQryInstrument")
_decode_outcome: Final = msgspec.msgpack.Decoder(Outcome).decode

Told = Callable[[Ticket], None]


class Desk:
    """``user``: the account. ``told`` gets each ticket whose state has changed."""

    def __init__(self, bus: Client, user: str, told: Told) -> None:
        self._bus, self.user, self._told = bus, user, told
        self.book = Book()
        self.tickets: dict[str, Ticket] = {}  # by client_order_id, in the order of placing
        self.asset: dict[str, Any] = {}
        self.positions: list[dict[str, Any]] = []
        self.asked_at = 0.0  # Unix time of asset and positions
        self.listed: dict[str, Listed] = {}
        self.ready = False
        self.stale = False
        self.problem = ""
        self.users = 0
        self._catalogue = bus.catalogue
        self._info_size = self._catalogue.layouts["RspInfo"].size
        self._account: Account | None = None
        self._dirty = asyncio.Event()
        self._next_look: dict[str, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def number(self) -> tuple[int, ...]:
        """Changes with what a page shows of the orders."""
        states = hash(tuple((t.state, t.volume_traded, t.why) for t in self.tickets.values()))
        return (self.book.number, len(self.tickets), states, self.ready, self.stale)

    @property
    def in_doubt(self) -> bool:
        return any(not ticket.settled for ticket in self.tickets.values())

    def start(self) -> None:
        self._spawn(self._run())
        self._spawn(self._resolve())
        self._spawn(self._ask_figures())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- the account and its returns -----------------------------------------------------------

    async def _run(self) -> None:
        pauses = Pauses(1.0)
        while True:
            try:
                await self._follow()
            except (Refused, Unavailable) as exc:
                self.problem = str(exc)
            except Exception as exc:
                self.problem = f"{type(exc).__name__}, see admin's log"
                log.exception("an account cannot be followed")
            self.ready = False
            await asyncio.sleep(min(pauses.take(), 5.0))

    async def _follow(self) -> None:
        account = await self._bus.attach(self.user, name=NAME, timeout_s=_ATTACH_S)
        returns = account.returns(Place(0, 0))
        self._account = account
        listing: asyncio.Task[None] | None = None
        try:
            self.ready, self.stale, self.problem = True, False, ""
            self._dirty.set()
            if not self.listed:
                listing = asyncio.create_task(self._list())
            count = 0
            async for item in returns:
                self._take(item)
                count += 1
                if count % _AT_ONCE == 0:  # a day of them comes at once
                    await asyncio.sleep(0)
        finally:
            if listing is not None:
                listing.cancel()
            self._account = None
            returns.close()
            account.leave()

    def _take(self, item: Item) -> None:
        match item:
            case Stale():
                self.stale = True
            case Fresh():
                self.stale = False
            case Gap():
                self._dirty.set()
            case Return():
                self._take_return(item)

    def _take_return(self, item: Return) -> None:
        name = self._bus.name(item)
        if name == "OnRtnOrder":
            self._take_order(self._bus.fields(item))
        elif name == "OnRtnTrade":
            self.book.trade(self._bus.fields(item))
            self._dirty.set()

    def _take_order(self, fields: dict[str, Any]) -> None:
        self.book.order(fields)
        self._dirty.set()
        for ticket in self.tickets.values():
            key = (ticket.session_id, ticket.order_ref)
            if key == (int(fields["SessionID"]), str(fields["OrderRef"])):
                self._news(ticket, ticket.returned(fields))

    async def _list(self) -> None:
        found: dict[str, Listed] = {}
        codec = self._catalogue.codec("Instrument")

        def take(row: Row) -> None:
            field = split_body(row.flags, row.body, self._info_size)[0]
            if row.type == _INSTRUMENT and field is not None:
                listed = Listed.of({name: codec.get(field, name) for name in FIELDS})
                found[listed.code] = listed

        account = self._account
        while account is not None and not found:
            try:
                take(await account.request("ReqQryInstrument", {}, take, deadline_s=_INSTRUMENTS_S))
            except (Refused, Unavailable):
                await asyncio.sleep(_AGAIN_S)
        self.listed = found

    # -- figures -------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for asset and positions again."""
        self._dirty.set()

    async def _ask_figures(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    await self._dirty.wait()
            except TimeoutError:
                pass
            self._dirty.clear()
            if self.ready and self.users:
                try:
                    assets = await self._rows("ReqQryTradingAccount", "TradingAccount")
                    positions = await self._rows("ReqQryInvestorPosition", "InvestorPosition")
                except (Refused, Unavailable) as exc:
                    self.problem = str(exc)
                    self._dirty.set()
                else:
                    self.asset = assets[-1] if assets else {}
                    self.positions = [row for row in positions if row["Position"]]
                    self.asked_at, self.problem = time.time(), ""
            await asyncio.sleep(_AGAIN_S)

    async def _rows(self, method: str, struct: str) -> list[dict[str, Any]]:
        """Raises Refused, Unavailable."""
        codec, found = self._catalogue.codec(struct), []

        def take(row: Row) -> None:
            field, info = split_body(row.flags, row.body, self._info_size)
            if row.flags & Flag.MSGPACK:
                return
            error = self._catalogue.codec("RspInfo").unpack(info) if info is not None else {}
            if error.get("ErrorID"):
                raise Refused(int(str(error["ErrorID"])), str(error["ErrorMsg"]))
            if field is not None:
                found.append(codec.unpack(field))

        rows: list[Row] = []
        account = self._ready_account()
        wanted = {"BrokerID": self._broker(account), "InvestorID": self.user}
        rows.append(await account.request(method, wanted, rows.append, deadline_s=_QUERY_S))
        for row in rows:
            take(row)
        return found

    # -- orders --------------------------------------------------------------------------------

    def place(self, name: str, fields: dict[str, Any], by: str, peer: str) -> Ticket:
        """Send an order, once for each ``name``: a second call with it gets the same ticket. ``by``
        is who ordered, ``peer`` from where. Raises FieldError, and Unavailable when the account is
        not there."""
        if name in self.tickets:
            return self.tickets[name]
        account = self._ready_account()
        wanted = {
            **fields,
            "BrokerID": self._broker(account),
            "InvestorID": self.user,
            "UserID": self.user,
        }
        account.pack("ReqOrderInsert", wanted)
        ticket = self.tickets[name] = Ticket(name, wanted, by, peer)
        self._forget()
        self._spawn(self._place(ticket, account))
        return ticket

    async def _place(self, ticket: Ticket, account: Account) -> None:
        for again in (True, False):
            handle = account.handle
            try:
                await self._send(ticket, account, handle)
            except Refused as exc:
                if exc.error_id != NOT_LOGGED_IN or not again:
                    self._news(ticket, ticket.refused(exc))
                    return
            except Unanswered as exc:
                self._news(ticket, ticket.doubted(str(exc)))
                return
            except (Unavailable, FieldError) as exc:
                self._news(ticket, ticket.not_sent(str(exc)))
                return
            else:
                return
            try:  # the login had ended: nothing was sent
                async with asyncio.timeout(_ATTACH_S):
                    await account.log_in_again(handle)
            except (TimeoutError, Refused) as exc:
                self._news(ticket, ticket.not_sent(str(exc)))
                return

    async def _send(self, ticket: Ticket, account: Account, handle: bytes) -> None:
        """Raises Refused, Unavailable when nothing was sent, Unanswered when nobody knows."""
        done: asyncio.Future[Refused | Unanswered | None]
        done = asyncio.get_running_loop().create_future()

        def settle(error: Refused | Unanswered | None) -> None:
            if not done.done():
                done.set_result(error)

        def take(row: Row) -> None:
            error = refusal(row)
            if error is None:
                self._take_row(ticket, row)
            settle(error)

        def silence(why: str) -> None:
            settle(Unanswered("td_worker"))

        timer = asyncio.get_running_loop().call_later(_ORDER_S + _LATE_S, silence, "")
        try:
            account.start(
                "ReqOrderInsert",
                ticket.fields,
                take,
                silence,
                _REFUSAL_S,
                session=handle,
                client_order_id=ticket.name,
                deadline_s=_ORDER_S,
            )
            error = await done
        finally:
            timer.cancel()
        if error is not None:
            raise error

    def _take_row(self, ticket: Ticket, row: Row) -> None:
        if row.type in (_SENT, _OUTCOME):
            if row.flags & Flag.MSGPACK:
                self._news(ticket, ticket.told(_decode_outcome(row.body)))
                self._see(ticket)
            return
        _, raw = split_body(row.flags, row.body, self._info_size)
        info = self._catalogue.codec("RspInfo").unpack(raw) if raw is not None else {}
        if info.get("ErrorID"):
            self._news(ticket, ticket.rejected(f"{info['ErrorMsg']} ({info['ErrorID']})"))

    def _see(self, ticket: Ticket) -> None:
        """Its return may have come before we knew its reference."""
        order = self.book.of(ticket.session_id, ticket.order_ref)
        if ticket.order_ref and order is not None:
            self._news(ticket, ticket.returned(order))

    def _news(self, ticket: Ticket, news: bool) -> None:
        if news:
            self._told(ticket)

    def _forget(self) -> None:
        old = [name for name, ticket in self.tickets.items() if ticket.settled]
        for name in old[: max(0, len(self.tickets) - _MOST_TICKETS)]:
            del self.tickets[name]

    async def _resolve(self) -> None:
        """Look after orders of which nobody knows, so that none stays unknown for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for ticket in [each for each in self.tickets.values() if not each.settled]:
                now = time.time()
                waits = ticket.placed_ns / 1e9 + _LOOK_AGAIN_S
                if now < max(waits, self._next_look.get(ticket.name, 0.0)):
                    continue
                self._next_look[ticket.name] = now + _LOOK_AGAIN_S
                try:
                    await self._look(ticket)
                except (Refused, Unavailable):
                    continue

    async def _look(self, ticket: Ticket) -> None:
        """Raises Refused, Unavailable."""
        body = msgspec.msgpack.encode(OutcomeQuery(client_order_id=ticket.name))
        over = time.time_ns() > ticket.placed_ns + int((_ORDER_S + _LATE_S) * 1e9)
        try:
            row = await self._ask("QryOrderOutcome", body)
        except Refused as exc:
            # While its deadline is not over it may yet be sent.
            if NOT_ON_RECORD in exc.detail and over:
                self._news(ticket, ticket.not_sent("it never reached td_worker, and will not"))
                return
            raise
        self._news(ticket, ticket.told(_decode_outcome(row.body)))
        self._see(ticket)

    async def cancel(self, order: dict[str, Any]) -> None:
        """Ask for the end of an order of the account, whoever has placed it. What becomes of it is
        in the returns. Raises Refused: nothing was sent; Unavailable likewise, and Unanswered when
        nobody knows."""
        account = self._ready_account()
        fields = {
            "BrokerID": self._broker(account),
            "InvestorID": self.user,
            "UserID": self.user,
            "ActionFlag": "0",
            "ExchangeID": order["ExchangeID"],
            "InstrumentID": order["InstrumentID"],
        }
        if order["OrderSysID"]:
            fields["OrderSysID"] = order["OrderSysID"]
        else:
            for name in ("FrontID", "SessionID", "OrderRef"):
                fields[name] = order[name]
        for again in (True, False):
            handle = account.handle
            try:
                await self._act(account, handle, fields)
                return
            except Refused as exc:
                if exc.error_id != NOT_LOGGED_IN or not again:
                    raise
            await self._log_in_again(account, handle)

    async def _act(self, account: Account, handle: bytes, fields: dict[str, Any]) -> None:
        done: asyncio.Future[Refused | Unanswered | None]
        done = asyncio.get_running_loop().create_future()

        def take(row: Row) -> None:
            if not done.done():
                done.set_result(refusal(row))

        def silence(why: str) -> None:
            if not done.done():
                done.set_result(Unanswered("td_worker"))

        account.start(
            "ReqOrderAction",
            fields,
            take,
            silence,
            _ORDER_S + _LATE_S,
            session=handle,
            deadline_s=_ORDER_S,
        )
        error = await done
        if error is not None:
            raise error

    async def kill(self, on: bool, cancel_all: bool) -> None:
        """The account's kill switch. Raises as ``cancel``."""
        body = msgspec.msgpack.encode(KillSwitch(on=on, cancel_all=cancel_all))
        await self._ask("SetKillSwitch", body)

    # -- inside --------------------------------------------------------------------------------

    async def _ask(self, verb: str, body: bytes) -> Row:
        account = self._ready_account()
        handle = account.handle
        try:
            return await account.request(verb, body, deadline_s=_ORDER_S)
        except Refused as exc:
            if exc.error_id != NOT_LOGGED_IN:
                raise
        await self._log_in_again(account, handle)
        return await account.request(verb, body, deadline_s=_ORDER_S)

    async def _log_in_again(self, account: Account, void: bytes) -> None:
        """Raises Refused, Unavailable."""
        try:
            async with asyncio.timeout(_ATTACH_S):
                await account.log_in_again(void)
        except TimeoutError:
            raise Unavailable("td_worker") from None

    def _ready_account(self) -> Account:
        """Raises Unavailable."""
        if self._account is None:
            raise Unavailable("td_worker")
        return self._account

    def _broker(self, account: Account) -> str:
        return str(account.session["BrokerID"])

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Desks:
    """Those that are open. ``told`` gets each account and its ticket whose state has changed."""

    def __init__(self, bus: Client, told: Callable[[str, Ticket], None]) -> None:
        self._bus, self._told = bus, told
        self._desks: dict[str, Desk] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def open(self, user: str) -> Desk:
        """``leave`` must follow."""
        desk = self._desks.get(user)
        if desk is None:
            desk = Desk(self._bus, user, lambda ticket: self._told(user, ticket))
            self._desks[user] = desk
            desk.start()
        desk.users += 1
        return desk

    def leave(self, desk: Desk) -> None:
        desk.users -= 1
        if not desk.users:
            task = asyncio.create_task(self._end(desk))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self, desk: Desk) -> None:
        """Nobody looks at it any more; what became of its orders goes into the audit log first."""
        while desk.in_doubt and not desk.users:
            await asyncio.sleep(_LOOK_S)
        if not desk.users and self._desks.get(desk.user) is desk:
            del self._desks[desk.user]
            await desk.close()

    async def close(self) -> None:
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, *(desk.close() for desk in self._desks.values()))
