"""Places orders of clients, each one once; who cannot be sure of that is told so."""

from __future__ import annotations

import asyncio
import itertools
from typing import Final

from bus.bodies import Bodies
from bus.client import Account
from bus.errors import Refused, Unanswered, Unavailable
from bus.frames import Row
from schemas.errors import BAD_REQUEST, INTERNAL_ERROR, NOT_LOGGED_IN
from schemas.fields import FieldError
from schemas.xtp.insert import Insertion

from ...stat import Failed, Stat
from ..account.books import Books
from ..account.session import READY_S, Session
from ..failures import failed
from ..parts import parts
from ..setting import Setting
from .inputs import wanted
from .order import Order, name_of, record
from .outcomes import Outcomes
from .placed import Placed
from .reserved import Reserved
from .sending import IN_RETURNS_S, send

_TRIES: Final = 3  # logins that ended before an order was sent


class Orders:
    """On the account ``user``. ``placed`` and ``doubtful`` count orders sent, and those of which it
    is not known."""

    def __init__(
        self, setting: Setting, user: str, session: Session, books: Books, outcomes: Outcomes
    ) -> None:
        self._setting, self._user = setting, user
        self._session, self._books, self._outcomes = session, books, outcomes
        self._catalogue = setting.bus.catalogue
        self._bodies = Bodies(self._catalogue)
        self._reserved = Reserved(lambda: [] if books.now is None else books.now.unheard())
        self._refs = itertools.count(1)
        self._one_by_one = asyncio.Lock()
        self._placing: dict[tuple[str, str], asyncio.Task[Placed]] = {}
        self.placed = self.doubtful = 0

    async def close(self) -> None:
        placing = list(self._placing.values())
        for task in placing:
            task.cancel()
        await asyncio.gather(*placing, return_exceptions=True)

    async def place(self, order: Order) -> Placed:
        """Send it once. Raises Failed, whose text says whether nothing was sent; goes on when the
        caller is cancelled."""
        key = order.user, order.own
        task = self._placing.get(key) if order.own else None
        if task is not None:
            placed = await asyncio.shield(task)
            _check_same(placed, order)
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

    async def _place(self, order: Order) -> Placed:
        account = await self._session.wait_ready()
        await self._books.mend()
        book = self._books.now
        assert book is not None
        known = book.of_own(order.user, order.own) if order.own else None
        if known is not None:
            _check_same(known, order)
            if book.is_unheard(known):
                await self._outcomes.look(known)  # it must be known to have been sent, or never
            return known
        insertion = await wanted(order.params, account, self._setting, self._reserved)
        reqid = self._setting.next_reqid()
        with self._reserved.under_way(reqid, insertion.fields):
            return await self._send(order, insertion, account, reqid)

    async def _send(
        self, order: Order, insertion: Insertion, account: Account, reqid: int
    ) -> Placed:
        """Again while a login has ended, or a name is that of an order that was turned away."""
        turned_away = logins = 0
        while logins < _TRIES:
            handle = account.handle
            placed, word = await self._begin(order, insertion, account, handle, reqid, turned_away)
            try:
                await word
                return placed
            except Refused as exc:
                if exc.error_id == INTERNAL_ERROR:  # a fault of its own, at whatever step
                    raise self._unknown(placed, exc) from None
                await self._books.drop(placed)
                if _is_used(exc) and await self._outcomes.was_turned_away(placed):
                    turned_away += 1
                    continue
                if exc.error_id != NOT_LOGGED_IN:
                    raise _refused(exc, reqid) from None
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

    async def _begin(
        self,
        order: Order,
        insertion: Insertion,
        account: Account,
        handle: bytes,
        reqid: int,
        turned_away: int,
    ) -> tuple[Placed, asyncio.Future[None]]:
        """On the disk, then at td_worker; one after the other, because their references rise.
        Raises Failed when nothing was sent."""
        name = self._name(order, turned_away)
        async with self._one_by_one:
            book = self._books.now
            if not self._session.ready or book is None:
                raise Failed(Stat.NOT_CONNECTED, "the account is not ready", reqid)
            placed = record(
                order,
                insertion,
                self._user,
                account.session,
                book.ids,
                ref=str(next(self._refs)),
                reqid=reqid,
                name=name,
            )
            try:
                body = account.pack("ReqOrderInsert", placed.fields)
                self._bodies.check("ReqOrderInsert", "InputOrder", body)
            except (FieldError, Refused) as exc:
                raise Failed(Stat.BAD_REQUEST, f"it does not fit: {exc}", reqid) from None
            await self._books.keep(placed)
            try:
                word = send(placed, body, account, handle, lambda row: self._refuse(placed, row))
            except Unavailable as exc:
                await self._books.drop(placed)
                raise failed(exc, reqid) from None
            self.placed += 1
            return placed, word

    def _name(self, order: Order, turned_away: int) -> str:
        assert self._books.now is not None
        return name_of(self._setting.name, self._books.now.day, order, turned_away)

    def _refuse(self, placed: Placed, row: Row) -> None:
        """By the counter."""
        _, info = parts(self._catalogue, row.flags, row.body)
        error = info.get("ErrorID")
        if error:
            assert isinstance(error, int)
            # The same comes in the returns, where it has its place among the day's events.
            later = asyncio.get_running_loop().call_later
            later(IN_RETURNS_S, self._books.refuse, placed, error, str(info["ErrorMsg"]))

    def _unknown(self, placed: Placed, error: Unanswered | Refused) -> Failed:
        self.doubtful += 1
        self._books.doubt(placed)
        text = f"{error}: whether it was sent is not known, see order_xtp_id {placed.order_xtp_id}"
        return Failed(Stat.NO_ANSWER, text, placed.reqid)


def _check_same(placed: Placed, order: Order) -> None:
    if placed.digest != order.digest:
        text = "this client_order_id was used for another order"
        raise Failed(Stat.DUPLICATE, text, placed.reqid)


def _is_used(error: Refused) -> bool:
    return error.error_id == BAD_REQUEST and "client_order_id was used" in error.detail


def _refused(error: Refused, reqid: int) -> Failed:
    if _is_used(error):
        text = "this client_order_id was used before; nothing was sent for this call"
        return Failed(Stat.DUPLICATE, text, reqid)
    return failed(error, reqid)
