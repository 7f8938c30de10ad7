"""The book of an account's day, and how one takes the place of another."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.codec import Value
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import Identity

from ...stat import Failed, Stat
from ..orders.placed import Placed, RefusedCancel, Store
from ..setting import Setting
from .book import Book, Event

log = logging.getLogger("tcp_edge")

# What a file of orders that cannot be used raises.
_UNUSABLE: Final = (sqlite3.Error, OSError, msgspec.MsgspecError)


class Books:
    """``now`` is the book that clients see; ``ready`` while it follows the account. After each
    login another one is filled with the returns since the day's beginning, and takes its place when
    it has them all; what that one hears is not told, since it was told before.

    While the file of its clients' orders cannot be used none are placed; what is at the counter can
    be seen and cancelled all the same."""

    def __init__(self, setting: Setting, user: str) -> None:
        self._setting, self._user = setting, user
        self.now: Book | None = None
        self.ready = asyncio.Event()
        self._filling: Book | None = None
        self._store: Store | None = None
        self._mending = asyncio.Lock()
        self._early: list[RefusedCancel] = []  # of before the login, the latest first

    def begin(self, session: Mapping[str, Value]) -> None:
        """Of a login, OnRspUserLogin."""
        setting, day = self._setting, str(session["TradingDay"])
        self._filling = Book(
            day,
            str(session["BrokerID"]),
            self._user,
            self._find,
            calendar=setting.calendar,
            big_ints=setting.big_ints,
        )
        if self._store is not None and self._store.day != day:
            self.close()
        try:
            if self._store is None:  # on the same day an order may just be written into it
                self._store, kept = self._open(day)
            else:
                kept = self._store.all()
        except _UNUSABLE as exc:
            fields = {"user": self._user, "why": str(exc)}
            log.error("orders cannot be kept, new ones are refused", extra={"fields": fields})
            self.close()
            return
        for placed in kept:
            self._filling.place(placed)
        self._early = self._refusals()[::-1]

    def complete(self) -> None:
        """All that was published before the login has been taken."""
        assert self._filling is not None
        for placed in self._kept():  # those too that were under way when it was opened
            if self._filling.placed(placed.order_xtp_id) is None:
                self._filling.place(placed)
        for refusal in self._refusals():
            self._filling.cancel_refused_here(refusal)
        self.now, self._filling = self._filling, None
        self.ready.set()

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def for_sure(self, order_xtp_id: int) -> tuple[str, Identity] | None:
        """An order that may be cancelled although these are not complete, and its day."""
        book = self.now or self._filling
        identity = book.known_for_sure(order_xtp_id) if book is not None else None
        return None if book is None or identity is None else (book.day, identity)

    # -- what the counter says ---------------------------------------------------------------------

    def take(self, name: str, fields: Mapping[str, Any], info: Mapping[str, Any], at: int) -> None:
        """A return by its callback's name; ``info``: of its RspInfo, empty without one."""
        book = self._filling or self.now
        assert book is not None
        while self._filling and self._early and self._early[-1].at_ns <= at:
            self._filling.cancel_refused_here(self._early.pop())
        match name:
            case "OnRtnOrder":
                self._tell("order", book.order(fields, at))
            case "OnRtnTrade":
                self._tell("trade", book.trade(fields, at))
            case "OnErrRtnOrderInsert" if info and fields:
                self._tell("order", book.insert_refused(fields, info, at))
            case "OnErrRtnOrderAction" if info and fields:
                self._tell("order", book.cancel_refused(fields, info, at))

    def refuse(self, placed: Placed, error_id: int, error_msg: str) -> None:
        if self._is_of_now(placed):
            assert self.now is not None
            # A restart does not know when it was refused, and has to say the same.
            event = self.now.refuse(placed, error_id, error_msg, placed.placed_ns)
            self._tell("order", event)

    def doubt(self, placed: Placed) -> None:
        if self._is_of_now(placed):
            assert self.now is not None
            self._tell("order", self.now.doubt(placed))

    async def refuse_cancel(self, refusal: RefusedCancel) -> None:
        """Of this gateway, and no return has told it."""
        event = self.now.cancel_refused_here(refusal) if self.now is not None else None
        if event is None:
            return
        self._tell("order", event)
        if self._store is not None:
            try:
                await asyncio.to_thread(self._store.put_refusal, refusal)
            except (sqlite3.Error, OSError):
                log.exception("after a restart a refused cancel is not listed")

    def _is_of_now(self, placed: Placed) -> bool:
        """What became of it may be known only when its day is over."""
        return self.now is not None and self.now.placed(placed.order_xtp_id) is not None

    def _tell(self, kind: str, event: Event | None) -> None:
        if event is not None and self.ready.is_set() and self.now is not None:
            self._setting.on_event(self._user, kind, self.now.text(event))

    # -- what clients place ------------------------------------------------------------------------

    async def keep(self, placed: Placed) -> None:
        """On the disk, then in the books. Raises Failed: nothing was sent."""
        if self._store is None:
            raise Failed(Stat.NOT_CONNECTED, "the account is not ready", placed.reqid)
        try:
            await asyncio.to_thread(self._store.put, placed)
        except sqlite3.IntegrityError:
            raise Failed(
                Stat.DUPLICATE, "this client_order_id was used before", placed.reqid
            ) from None
        except (sqlite3.Error, OSError) as exc:
            log.exception("an order cannot be kept")
            text = f"the order cannot be kept on the disk; nothing was sent: {exc}"
            raise Failed(Stat.INTERNAL, text, placed.reqid) from None
        for book in self._of_today():
            book.place(placed)

    async def drop(self, placed: Placed) -> None:
        """Nothing was sent. Were it kept, the worst is a look-up that says so."""
        for book in self._of_today():
            book.drop(placed)
        if self._store is not None:
            try:
                await asyncio.to_thread(self._store.drop, placed.order_xtp_id)
            except (sqlite3.Error, OSError):
                log.exception("an order that was not sent stays on the disk")

    async def mend(self) -> None:
        """Before an order is placed: a file that could not be used may be good again. Raises
        Failed."""
        async with self._mending:
            book = self.now
            if self._store is not None or book is None:
                return
            try:
                store, kept = await asyncio.to_thread(self._open, book.day)
            except _UNUSABLE as exc:
                text = f"orders cannot be kept on the disk; nothing was sent: {exc}"
                raise Failed(Stat.INTERNAL, text) from None
            if self._store is not None or self.now is not book:
                store.close()  # the account was opened anew meanwhile
                return
            self._store = store
            for each in self._of_today():
                for placed in kept:
                    each.place(placed)
                each.renew()

    def _open(self, day: str) -> tuple[Store, list[Placed]]:
        """With what is in it. Raises _UNUSABLE."""
        folder = hashlib.blake2b(self._user.encode(), digest_size=8).hexdigest()
        store = Store(self._setting.folder / folder, day)
        try:
            return store, store.all()
        except _UNUSABLE:
            store.close()
            raise

    def _kept(self) -> list[Placed]:
        if self._store is None:
            return []
        try:
            return self._store.all()
        except _UNUSABLE:
            log.exception("the orders that were kept cannot be read")
            self.close()
            return []

    def _refusals(self) -> list[RefusedCancel]:
        if self._store is None:
            return []
        try:
            return self._store.refusals()
        except _UNUSABLE:
            log.exception("the cancels that were refused cannot be read")
            return []

    def _of_today(self) -> list[Book]:
        """That of now, and the one of the same day that takes its place in a moment."""
        books = [book for book in (self.now, self._filling) if book is not None]
        return [book for book in books if book.day == books[0].day]

    def _find(self, code: str, exchange: str) -> Instrument | None:
        return self._setting.instruments().get(code, exchange)
