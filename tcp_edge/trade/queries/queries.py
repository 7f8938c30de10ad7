"""Queries that clients put to the counter; each has an answer by its reqid."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bus.client import Account
from bus.errors import Refused, Unavailable
from bus.frames import Flag, Row
from bus.rpc import refusal
from schemas.errors import NOT_LOGGED_IN

from ...stat import Failed, Stat
from ..account.book import Book
from ..account.books import Books
from ..account.session import Session
from ..failures import failed
from ..parts import parts
from ..setting import Setting
from ..tasks import Tasks
from .answers import Answer, Answers, Kind
from .records import sums

METHODS: Final[dict[Kind, str]] = {
    "assets": "ReqQryTradingAccount",
    "positions": "ReqQryInvestorPosition",
    "orders": "ReqQryOrder",
    "trades": "ReqQryTrade",
}
STRUCTS: Final[dict[Kind, str]] = {
    "assets": "TradingAccount",
    "positions": "InvestorPosition",
    "orders": "Order",
    "trades": "Trade",
}
_AT_ONCE: Final = 200  # records, before other clients have their turn
_QUERY_S: Final = 60.0
_LATE_S: Final = 1.0  # an answer takes so long from td_worker to us
_MOST_ROWS: Final = 10_000  # of answers of a kind: who does not name a reqid gets them all


class Queries:
    """Of the account ``user``."""

    def __init__(
        self, setting: Setting, user: str, session: Session, books: Books, tasks: Tasks
    ) -> None:
        self._setting, self._user = setting, user
        self._session, self._books, self._tasks = session, books, tasks
        self._catalogue = setting.bus.catalogue
        most = min(setting.max_records, _MOST_ROWS)
        self.answers = Answers(most, setting.day_of(time.time_ns()), self._texts)

    async def ask(self, kind: Kind) -> int:
        """The reqid of the answer. Raises Failed."""
        account = await self._session.wait_ready()
        if not self._session.front_up:
            raise Failed(Stat.NOT_CONNECTED, "the trading front is disconnected; nothing was sent")
        self.answers.turn(self._setting.day_of(time.time_ns()))
        reqid = self._setting.next_reqid()
        answer = self.answers.begin(kind, reqid)
        try:
            self._ask(answer, account, account.handle, again=True)
        except Unavailable as exc:
            answer.end(failed(exc, reqid))
            raise failed(exc) from None
        return reqid

    def _ask(self, answer: Answer, account: Account, handle: bytes, again: bool) -> None:
        def take(row: Row) -> None:
            error = refusal(row)
            if error is not None and error.error_id == NOT_LOGGED_IN and again:
                self._tasks.spawn(self._ask_again(answer, account, handle))
            elif error is not None:
                answer.end(failed(error, answer.reqid))
            else:
                self._take(answer, row)

        account.start(
            METHODS[answer.kind],
            {"BrokerID": str(account.session["BrokerID"]), "InvestorID": self._user},
            take,
            lambda why: answer.end(Failed(Stat.NO_ANSWER, why, answer.reqid)),
            _QUERY_S + _LATE_S,
            session=handle,
            request_id=answer.reqid,
            deadline_s=_QUERY_S,
        )

    async def _ask_again(self, answer: Answer, account: Account, void: bytes) -> None:
        """The login had ended: nothing was asked."""
        try:
            async with asyncio.timeout(_QUERY_S):
                await account.log_in_again(void)
            self._ask(answer, account, account.handle, again=False)
        except (Refused, Unavailable) as exc:
            answer.end(failed(exc, answer.reqid))
        except TimeoutError:
            answer.end(Failed(Stat.NOT_CONNECTED, "the account is not ready", answer.reqid))

    def _take(self, answer: Answer, row: Row) -> None:
        if row.flags & Flag.MSGPACK:
            return
        field, error = parts(self._catalogue, row.flags, row.body)
        if field is not None:
            self.answers.row(answer, field, time.time_ns())
        if error.get("ErrorID"):
            text = f"{error['ErrorMsg']} ({error['ErrorID']})"
            answer.end(Failed(Stat.INTERNAL, text, answer.reqid))
        elif row.flags & Flag.LAST:
            answer.end()

    async def _texts(self, answer: Answer) -> tuple[list[bytes], bool]:
        book = self._books.now
        if book is None:
            return [], False
        codec = self._catalogue.codec(STRUCTS[answer.kind])
        if answer.kind in ("assets", "positions"):
            rows = [(codec.unpack(raw), recv_ns) for raw, recv_ns in answer.rows]
            made = sums(book, answer.kind, rows, self._setting.instruments())
            return [book.encode(record) for record in made], True
        found = await self._made(answer, book)
        texts, final = [text for text, _ in found], len(found) == len(answer.made)
        if answer is not self.answers.newest("orders"):
            return texts, final
        return texts + book.beside_orders({number for _, number in found}), False

    async def _made(self, answer: Answer, book: Book) -> list[tuple[bytes, int]]:
        """Records of orders or trades, and their orders' numbers; in slices, for a row takes
        40 us."""
        codec = self._catalogue.codec(STRUCTS[answer.kind])
        make = book.order_record if answer.kind == "orders" else book.trade_record
        found = []
        for at, (raw, recv_ns) in enumerate(list(answer.rows)):
            one = answer.made.get(at)
            if one is None:
                record, final = make(codec.unpack(raw), recv_ns)
                one = book.encode(record), record["order_xtp_id"]
                if final:
                    answer.made[at] = one
            found.append(one)
            if at % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return found
