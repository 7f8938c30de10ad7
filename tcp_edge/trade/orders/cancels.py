"""Asks for the end of an order, whoever has placed it."""

from __future__ import annotations

import asyncio
import logging

from bus.errors import Refused, Unavailable
from schemas.errors import NOT_LOGGED_IN
from schemas.xtp.insert import cancel

from ...stat import Failed, Stat
from ..account.books import Books
from ..account.session import READY_S, Session
from ..failures import failed
from ..setting import Setting
from .sending import act

log = logging.getLogger("tcp_edge")


class Cancels:
    """Of the account ``user``."""

    def __init__(self, setting: Setting, user: str, session: Session, books: Books) -> None:
        self._next_reqid, self._user = setting.next_reqid, user
        self._session, self._books = session, books

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
        }
        for again in (True, False):
            handle = account.handle
            try:
                await act(account, handle, fields, reqid)
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

    def _reqid(self) -> int:
        try:
            return self._next_reqid()
        except OSError:  # a disk that takes nothing keeps no order from its end
            log.exception("a cancel has no reqid")
            return 0
