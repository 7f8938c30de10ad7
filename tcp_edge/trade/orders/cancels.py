"""Asks for the end of an order, whoever has placed it."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from bus.client import Account
from bus.errors import ConfigError, Refused, Unavailable
from bus.frames import Row
from schemas.errors import NOT_LOGGED_IN
from schemas.xtp.insert import cancel
from schemas.xtp.order_ids import Identity

from ...stat import Failed, Stat
from ..account.books import Books
from ..account.early import Early
from ..account.session import READY_S, Session
from ..failures import failed
from ..parts import parts
from ..setting import Setting
from ..tasks import Tasks
from .placed import RefusedCancel
from .sending import IN_RETURNS_S, act

log = logging.getLogger("tcp_edge")


class Cancels:
    """Of the account ``user``."""

    def __init__(
        self, setting: Setting, user: str, session: Session, books: Books, tasks: Tasks
    ) -> None:
        self._next_reqid, self._user = setting.next_reqid, user
        self._catalogue = setting.bus.catalogue
        self._session, self._books, self._tasks = session, books, tasks
        self._early = Early(setting, user)

    def close(self) -> None:
        self._early.close()

    async def cancel(self, order_xtp_id: int) -> int:
        """The reqid. Raises Failed."""
        account, day, identity = await self._named(order_xtp_id)
        reqid = self._reqid()
        # Both the account's own login and that for cancels may have ended.
        for last in (False, False, True):
            if account.trading_day != day:  # the names may be those of another order by now
                raise Failed(Stat.NOT_FOUND, "no such order today", reqid)
            handle = account.handle
            fields = {
                **cancel(identity, request_id=reqid),
                "BrokerID": str(account.session["BrokerID"]),
                "InvestorID": self._user,
                "UserID": self._user,
                "OrderActionRef": reqid,  # by which its refusal is known again
            }
            on_refusal = partial(self._refuse, order_xtp_id, reqid)
            try:
                await act(account, handle, fields, reqid, on_refusal)
                return reqid
            except Refused as exc:
                if exc.error_id != NOT_LOGGED_IN or last:
                    raise failed(exc, reqid) from None
            except Unavailable as exc:
                raise failed(exc, reqid) from None
            account = await self._again(account, handle, order_xtp_id, reqid)
        raise AssertionError("the last attempt ends it")

    async def _named(self, order_xtp_id: int) -> tuple[Account, str, Identity]:
        """A login, and an order by its day and names. Raises Failed."""
        found = None if self._session.ready else self._books.for_sure(order_xtp_id)
        if found is not None:
            return await self._early_account(), *found
        account = await self._session.wait_ready()
        book = self._books.now
        assert book is not None
        identity = book.known(order_xtp_id)
        if identity is None:
            raise Failed(Stat.NOT_FOUND, "no such order today")
        return account, book.day, identity

    async def _again(self, account: Account, void: bytes, order_xtp_id: int, reqid: int) -> Account:
        """A login when this handle counts no more. Raises Failed."""
        if self._books.for_sure(order_xtp_id) is not None:
            return await self._early_account(void, reqid)
        try:
            async with asyncio.timeout(READY_S):
                await account.log_in_again(void)
        except (TimeoutError, Refused) as exc:
            raise Failed(Stat.NOT_CONNECTED, f"nothing was sent ({exc})", reqid) from None
        return account

    async def _early_account(self, void: bytes = b"", reqid: int = 0) -> Account:
        try:
            return await self._early.account(void)
        except (Refused, Unavailable, ConfigError) as exc:
            raise Failed(Stat.NOT_CONNECTED, f"nothing was sent ({exc})", reqid) from None

    def _refuse(self, order_xtp_id: int, reqid: int, row: Row) -> None:
        """By the counter."""
        _, info = parts(self._catalogue, row.flags, row.body)
        error = info.get("ErrorID")
        if error:
            assert isinstance(error, int)
            self._tasks.spawn(self._tell(order_xtp_id, reqid, error, str(info["ErrorMsg"])))

    async def _tell(self, order_xtp_id: int, reqid: int, error_id: int, error_msg: str) -> None:
        """Many counters tell everybody of the account, by a return that has its place there."""
        await asyncio.sleep(IN_RETURNS_S)
        refusal = RefusedCancel(
            order_xtp_id=order_xtp_id,
            action_ref=reqid,
            error_id=error_id,
            error_msg=error_msg,
            at_ns=time.time_ns(),  # behind the returns of meanwhile, after a restart too
        )
        await self._books.refuse_cancel(refusal)

    def _reqid(self) -> int:
        try:
            return self._next_reqid()
        except OSError:  # a disk that takes nothing keeps no order from its end
            log.exception("a cancel has no reqid")
            return 0
