"""Asks for the end of an order, whoever has placed it."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from bus.errors import Refused, Unavailable
from bus.frames import Row
from schemas.errors import NOT_LOGGED_IN
from schemas.xtp.insert import cancel

from ...stat import Failed, Stat
from ..account.books import Books
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

    async def cancel(self, order_xtp_id: int) -> int:
        """The reqid. Raises Failed."""
        account = await self._session.wait_ready()
        assert self._books.now is not None
        identity = self._books.now.known(order_xtp_id)
        if identity is None:
            raise Failed(Stat.NOT_FOUND, "no such order today")
        reqid = self._reqid()
        fields = {
            **cancel(identity, request_id=reqid),
            "BrokerID": str(account.session["BrokerID"]),
            "InvestorID": self._user,
            "UserID": self._user,
            "OrderActionRef": reqid,  # by which its refusal is known again
        }
        for again in (True, False):
            handle = account.handle
            try:
                await act(
                    account, handle, fields, reqid, partial(self._refuse, order_xtp_id, reqid)
                )
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

    def _refuse(self, order_xtp_id: int, reqid: int, row: Row) -> None:
        """By the counter."""
        _, info = parts(self._catalogue, row.flags, row.body)
        error = info.get("ErrorID")
        if error:
            assert isinstance(error, int)
            refusal = RefusedCancel(
                order_xtp_id=order_xtp_id,
                action_ref=reqid,
                error_id=error,
                error_msg=str(info["ErrorMsg"]),
                at_ns=time.time_ns(),
            )
            self._tasks.spawn(self._tell(refusal))

    async def _tell(self, refusal: RefusedCancel) -> None:
        """Many counters tell everybody of the account, by a return that has its place there."""
        await asyncio.sleep(IN_RETURNS_S)
        await self._books.refuse_cancel(refusal)

    def _reqid(self) -> int:
        try:
            return self._next_reqid()
        except OSError:  # a disk that takes nothing keeps no order from its end
            log.exception("a cancel has no reqid")
            return 0
