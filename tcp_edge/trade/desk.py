"""One account at td_worker: its session, its returns, its clients' queries and orders."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
import secrets
import time
from typing import Any, Final, NamedTuple

import msgspec

from bus.bodies import Bodies
from bus.client import Account
from bus.errors import Refused, Unanswered, Unavailable
from bus.frames import Row, message_type
from bus.orders import NOT_ON_RECORD, OrderState, Outcome, OutcomeQuery
from bus.rpc import refusal
from schemas.errors import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    NETWORK_FAILURE,
    NOT_LOGGED_IN,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_PER_SECOND,
    text_of,
)
from schemas.fields import FieldError
from schemas.xtp.errors import XtpError
from schemas.xtp.insert import Insertion, cancel, insert
from schemas.xtp.instruments import Instrument

from ..stat import Failed, Stat
from .account.books import Books
from .account.session import READY_S, Session
from .book import Book
from .failures import failed
from .parts import parts
from .placed import Placed
from .queries.answers import Kind
from .queries.earlier import Earlier
from .queries.queries import Queries
from .setting import Setting
from .tasks import Tasks

log = logging.getLogger("tcp_edge")

_ORDER_S: Final = 5.0  # td_worker sends an order within this time, or never
_LATE_S: Final = 1.0  # its answer may take so much longer
_REFUSAL_S: Final = 600.0  # and the counter's refusal so long
_IN_RETURNS_S: Final = 1.0
_RESOLVE_S: Final = 1.0
_LONGEST_S: Final = 30.0
_TRIES: Final = 3  # logins that ended before an order was sent
_NEVER_SENT: Final = -1
_NOT_TAKEN: Final = frozenset({NETWORK_FAILURE, TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})

_SENT: Final = message_type("Sent")
_OUTCOME: Final = message_type("Outcome")
_INSERT_REFUSED: Final = message_type("OnRspOrderInsert")
_decode_outcome: Final = msgspec.msgpack.Decoder(Outcome).decode
# These need the prices of now.
_BY_TICK: Final = frozenset({2, 5, 6, 7})


class Order(NamedTuple):
    """What a client wants. ``own``: his client_order_id, "" without one."""

    user: str
    own: str
    params: dict[str, Any]

    @property
    def digest(self) -> bytes:
        text = json.dumps(self.params, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


class Desk:
    """``user``: the account. Everything is done in one event loop; only the disk has a thread."""

    def __init__(self, setting: Setting, user: str) -> None:
        self._setting, self._user = setting, user
        self._catalogue = setting.bus.catalogue
        self._bodies = Bodies(self._catalogue)
        self._books = Books(setting, user)
        self._tasks = Tasks()
        self._session = Session(setting, user, self._books, self._on_attach)
        self._queries = Queries(setting, user, self._session, self._books, self._tasks)
        self.answers = self._queries.answers
        self._earlier = Earlier(setting, user, self.answers)
        self._refs = itertools.count(1)
        self._lock = asyncio.Lock()
        self._placing: dict[tuple[str, str], asyncio.Task[Placed]] = {}
        self._next_look: dict[int, tuple[float, float]] = {}
        self.placed = self.doubtful = 0

    def start(self) -> None:
        self._tasks.spawn(self._session.run())
        self._tasks.spawn(self._resolve())

    async def close(self) -> None:
        await self._tasks.close()
        placing = list(self._placing.values())
        for task in placing:
            task.cancel()
        await asyncio.gather(*placing, return_exceptions=True)
        self._books.close()

    @property
    def ready(self) -> bool:
        return self._session.ready

    @property
    def book(self) -> Book | None:
        return self._books.now

    async def opened(self) -> Book:
        """The book of now. Raises Failed(503) when there is none."""
        if self.book is None:
            await self._session.wait_ready()
        assert self.book is not None
        return self.book

    def new_day(self) -> None:
        """Of the gateway: its reqids begin anew."""
        self.answers.clear()

    def _on_attach(self, account: Account) -> None:
        if self._earlier.due:
            self._tasks.spawn(self._earlier.restore(str(account.session["BrokerID"])))

    async def ask(self, kind: Kind) -> int:
        """Put a query; the reqid of its answer. Raises Failed."""
        return await self._queries.ask(kind)

    # -- orders ------------------------------------------------------------------------------------

    async def place(self, order: Order) -> Placed:
        """Send it once. Raises Failed, whose text says whether nothing was sent; goes on when the
        caller is cancelled."""
        key = order.user, order.own
        task = self._placing.get(key) if order.own else None
        if task is not None:
            placed = await asyncio.shield(task)
            self._check_same(placed, order)
            return placed
        task = asyncio.create_task(self._place(order))
        kept = key if order.own else (order.user, f"\0{id(task)}")
        self._placing[kept] = task
        task.add_done_callback(lambda done: self._end_placing(kept, done))
        return await asyncio.shield(task)

    def _end_placing(self, key: tuple[str, str], task: asyncio.Task[Placed]) -> None:
        self._placing.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone

    def _check_same(self, placed: Placed, order: Order) -> None:
        if placed.digest != order.digest:
            text = "this client_order_id was used for another order"
            raise Failed(Stat.DUPLICATE, text, placed.reqid)

    async def _place(self, order: Order) -> Placed:
        account = await self._session.wait_ready()
        await self._books.mend()
        assert self.book is not None
        known = self.book.of_own(order.user, order.own) if order.own else None
        if known is not None:
            self._check_same(known, order)
            if self.book.is_unheard(known):
                await self._look(known)  # it must be known to have been sent, or never to be
            return known
        wanted = await self._input(order.params, account)
        reqid = self._setting.next_reqid()
        turned_away = logins = 0
        while logins < _TRIES:
            handle = account.handle
            name = _name_of(self._setting.name, self.book.day, order, turned_away)
            placed, answer = await self._begin(order, wanted, account, handle, reqid, name)
            try:
                await answer
                return placed
            except Refused as exc:
                if exc.error_id == INTERNAL_ERROR:  # a fault of its own, at whatever step
                    raise self._unknown(placed, exc) from None
                await self._books.drop(placed)
                if _is_used(exc) and await self._was_turned_away(placed):
                    turned_away += 1
                    continue
                if exc.error_id != NOT_LOGGED_IN:
                    raise self._failed(exc, reqid) from None
                logins += 1
            except Unanswered as exc:
                raise self._unknown(placed, exc) from None
            try:
                async with asyncio.timeout(READY_S):
                    await account.log_in_again(handle)
                    account = await self._session.wait_ready()
            except (TimeoutError, Refused) as exc:
                text = f"td_worker has ended the login; nothing was sent ({exc})"
                raise Failed(Stat.NOT_CONNECTED, text, reqid) from None
        raise Failed(Stat.NOT_CONNECTED, "td_worker ends each login; nothing was sent", reqid)

    async def _input(self, params: dict[str, Any], account: Account) -> Insertion:
        """Raises Failed."""
        table = self._setting.instruments()
        try:
            instrument = table.find(params.get("ticker"), params.get("market"))
            tick = None
            if str(params.get("price_type")).strip() in map(str, _BY_TICK):
                tick = await self._tick(account, instrument)
            return insert(params, instrument, tick)
        except XtpError as exc:
            raise Failed(Stat(exc.stat), exc.detail) from None
        except (Refused, Unavailable) as exc:
            raise failed(exc) from None

    async def _tick(self, account: Account, instrument: Instrument) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = []
        codec = self._catalogue.codec("DepthMarketData")

        def take(row: Row) -> None:
            field, _ = parts(self._catalogue, row.flags, row.body)
            if field is not None and codec.get(field, "InstrumentID") == instrument.code:
                found.append(codec.unpack(field))

        wanted = {"InstrumentID": instrument.code, "ExchangeID": instrument.exchange}
        take(await account.request("ReqQryDepthMarketData", wanted, take, deadline_s=_ORDER_S))
        return found[-1] if found else None

    async def _begin(
        self,
        order: Order,
        wanted: Insertion,
        account: Account,
        handle: bytes,
        reqid: int,
        name: str,
    ) -> tuple[Placed, asyncio.Future[None]]:
        """On the disk, then at td_worker; one after the other, because their references rise.
        Raises Failed when nothing was sent."""
        async with self._lock:
            book = self.book
            if not self.ready or book is None:
                raise Failed(Stat.NOT_CONNECTED, "the account is not ready", reqid)
            placed = self._named(order, wanted, account, book, reqid, name)
            try:
                body = account.pack("ReqOrderInsert", placed.fields)
                self._bodies.check("ReqOrderInsert", "InputOrder", body)
            except (FieldError, Refused) as exc:
                raise Failed(Stat.BAD_REQUEST, f"it does not fit: {exc}", reqid) from None
            await self._books.keep(placed)
            try:
                return placed, self._send(placed, body, account, handle)
            except Unavailable as exc:
                await self._books.drop(placed)
                raise failed(exc, reqid) from None

    def _named(
        self,
        order: Order,
        wanted: Insertion,
        account: Account,
        book: Book,
        reqid: int,
        name: str,
    ) -> Placed:
        session = account.session
        front, session_id = session["FrontID"], session["SessionID"]
        assert isinstance(front, int)
        assert isinstance(session_id, int)
        ref = str(next(self._refs))
        fields = wanted.fields
        identity = book.ids.place(
            front, session_id, ref, fields["ExchangeID"], fields["InstrumentID"]
        )
        return Placed(
            order_xtp_id=identity.order_xtp_id,
            reqid=reqid,
            user=order.user,
            own=order.own,
            digest=order.digest,
            name=name,
            front_id=front,
            session_id=session_id,
            order_ref=ref,
            order_client_id=wanted.order_client_id,
            price_type=wanted.price_type,
            business_type=wanted.business_type,
            fields={
                **fields,
                "BrokerID": str(session["BrokerID"]),
                "InvestorID": self._user,
                "UserID": self._user,
                "RequestID": reqid,
                "OrderRef": ref,
                "OrderMemo": f"x{name[:10]}",
            },
            placed_ns=time.time_ns(),
        )

    def _send(
        self, placed: Placed, body: bytes, account: Account, handle: bytes
    ) -> asyncio.Future[None]:
        """Raises Unavailable when nothing was sent. The future: None when td_worker has taken it,
        Refused when it has not, Unanswered when nobody knows."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def take(row: Row) -> None:
            if (error := refusal(row)) is not None:
                settle(error)
            elif row.type == _INSERT_REFUSED:
                self._take_refusal(placed, row)
                settle(None)
            elif row.type in (_SENT, _OUTCOME):
                settle(None)

        def silence(why: str) -> None:
            settle(Unanswered("td_worker"))

        timer = asyncio.get_running_loop().call_later(_ORDER_S + _LATE_S, silence, "")
        done.add_done_callback(lambda _: timer.cancel())
        try:
            account.start(
                "ReqOrderInsert",
                body,
                take,
                silence,
                _REFUSAL_S,
                session=handle,
                request_id=placed.reqid,
                client_order_id=placed.name,
                deadline_s=_ORDER_S,
            )
        except Unavailable:
            done.cancel()
            raise
        self.placed += 1
        return done

    def _take_refusal(self, placed: Placed, row: Row) -> None:
        _, info = parts(self._catalogue, row.flags, row.body)
        error = info.get("ErrorID")
        if self.book is None:
            return
        if error:
            assert isinstance(error, int)
            # The same comes in the returns, where it has its place among the day's events.
            later = asyncio.get_running_loop().call_later
            later(_IN_RETURNS_S, self._books.refuse, placed, error, str(info["ErrorMsg"]))

    async def _was_turned_away(self, placed: Placed) -> bool:
        """Whether the order of this name came as far as the API, which did not take it (-1, -2,
        -3): then its client may have it sent after all. Raises Failed."""
        outcome = await self._outcome(placed)
        away = outcome is not None and outcome.state is OrderState.NOT_SENT
        return away and outcome is not None and outcome.error_id in _NOT_TAKEN

    def _failed(self, error: Refused, reqid: int) -> Failed:
        if _is_used(error):
            text = "this client_order_id was used before; nothing was sent for this call"
            return Failed(Stat.DUPLICATE, text, reqid)
        return failed(error, reqid)

    def _unknown(self, placed: Placed, error: Unanswered | Refused) -> Failed:
        self.doubtful += 1
        self._books.doubt(placed)
        text = f"{error}: whether it was sent is not known, see order_xtp_id {placed.order_xtp_id}"
        return Failed(Stat.NO_ANSWER, text, placed.reqid)

    # -- what became of them -----------------------------------------------------------------------

    async def _resolve(self) -> None:
        """Look after orders of which nothing was heard, so that none stays unknown for ever."""
        while True:
            await asyncio.sleep(_RESOLVE_S)
            if self.book is None or not self.ready:
                continue
            for placed in self.book.unheard():
                if self._is_due(placed):
                    try:
                        await self._look(placed)
                    except Failed as exc:
                        fields = {"order": placed.order_xtp_id, "why": exc.detail}
                        log.warning("an order cannot be looked up", extra={"fields": fields})

    def _is_due(self, placed: Placed) -> bool:
        now = time.monotonic()
        due, pause = self._next_look.get(placed.order_xtp_id, (0.0, _RESOLVE_S))
        if now < due or time.time_ns() < placed.placed_ns + int(2 * _RESOLVE_S * 1e9):
            return False
        self._next_look[placed.order_xtp_id] = now + pause, min(2 * pause, _LONGEST_S)
        return True

    async def _look(self, placed: Placed) -> None:
        """Raises Failed."""
        outcome = await self._outcome(placed)
        if outcome is None:
            self._books.refuse(placed, _NEVER_SENT, "it never reached td_worker, and will not")
        elif outcome.state is OrderState.NOT_SENT:
            self._books.refuse(placed, outcome.error_id or _NEVER_SENT, outcome.error_msg)
        elif outcome.state is OrderState.REJECTED:
            text = outcome.error_msg or text_of(outcome.error_id)
            self._books.refuse(placed, outcome.error_id, text)
        elif outcome.state in (OrderState.UNKNOWN, OrderState.INTENT):
            self._books.doubt(placed)

    async def _outcome(self, placed: Placed) -> Outcome | None:
        """None: it was never sent, and will not be. Raises Failed."""
        account = await self._session.wait_ready()
        body = msgspec.msgpack.encode(OutcomeQuery(client_order_id=placed.name))
        over_ns = placed.placed_ns + int((_ORDER_S + _LATE_S) * 1e9)
        over = time.time_ns() > over_ns
        try:
            row = await account.request("QryOrderOutcome", body, deadline_s=_ORDER_S)
        except Refused as exc:
            if NOT_ON_RECORD in exc.detail and over:
                return None
            if NOT_ON_RECORD in exc.detail:
                text = "the order may yet be sent"
                raise Failed(Stat.NO_ANSWER, text, placed.reqid) from None
            raise failed(exc, placed.reqid) from None
        except Unavailable as exc:
            raise failed(exc, placed.reqid) from None
        return _decode_outcome(row.body)

    # -- cancels -----------------------------------------------------------------------------------

    async def cancel(self, order_xtp_id: int) -> int:
        """Ask for the end of an order, whoever has placed it; the reqid. Raises Failed."""
        account = await self._session.wait_ready()
        assert self.book is not None
        identity = self.book.known(order_xtp_id)
        if identity is None:
            raise Failed(Stat.NOT_FOUND, "no such order today")
        try:
            reqid = self._setting.next_reqid()
        except OSError:  # a disk that takes nothing keeps no order from its end
            log.exception("a cancel has no reqid")
            reqid = 0
        fields = {
            **cancel(identity, request_id=reqid),
            "BrokerID": str(account.session["BrokerID"]),
            "InvestorID": self._user,
            "UserID": self._user,
        }
        for again in (True, False):
            handle = account.handle
            try:
                await self._act(account, handle, fields, reqid)
                return reqid
            except Refused as exc:
                if exc.error_id != NOT_LOGGED_IN or not again:
                    raise failed(exc, reqid) from None
            except Unavailable as exc:
                raise failed(exc, reqid) from None
            try:
                async with asyncio.timeout(READY_S):
                    await account.log_in_again(handle)
            except (TimeoutError, Refused) as exc:
                raise Failed(Stat.NOT_CONNECTED, f"nothing was sent ({exc})", reqid) from None
        raise AssertionError("the second attempt ends it")

    async def _act(
        self, account: Account, handle: bytes, fields: dict[str, Any], reqid: int
    ) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(row: Row) -> None:
            if done.done():
                return
            if (error := refusal(row)) is not None:
                done.set_exception(error)
            else:
                done.set_result(None)

        def silence(why: str) -> None:
            if not done.done():
                done.set_exception(Unanswered("td_worker"))

        account.start(
            "ReqOrderAction",
            fields,
            take,
            silence,
            _ORDER_S + _LATE_S,
            session=handle,
            request_id=reqid,
            deadline_s=_ORDER_S,
        )
        await done

    def describe(self) -> dict[str, object]:
        book = self.book
        return {
            "ready": self.ready,
            "day": book.day if book is not None else "",
            "order_events": len(book.orders) if book is not None else 0,
            "trade_events": len(book.trades) if book is not None else 0,
            "unheard": len(book.unheard()) if book is not None else 0,
            "answers": len(self.answers),
            "placed": self.placed,
            "doubtful": self.doubtful,
        }


def _is_used(error: Refused) -> bool:
    return error.error_id == BAD_REQUEST and "client_order_id was used" in error.detail


def _name_of(gateway: str, day: str, order: Order, turned_away: int) -> str:
    """Its client_order_id at td_worker: the same for what a client calls the same, until the API
    has not taken it."""
    if not order.own:
        return secrets.token_hex(16)
    text = "\0".join((gateway, day, order.user, order.own, str(turned_away)))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
