"""One account at td_worker: its session, its returns, its clients' queries and orders."""

from __future__ import annotations

from bus.client import Account

from .account.book import Book
from .account.books import Books
from .account.session import Session
from .orders.cancels import Cancels
from .orders.order import Order
from .orders.orders import Orders
from .orders.outcomes import Outcomes
from .orders.placed import Placed
from .queries.answers import Kind
from .queries.earlier import Earlier
from .queries.queries import Queries
from .setting import Setting
from .tasks import Tasks


class Desk:
    """``user``: the account. Everything is done in one event loop; only the disk has a thread."""

    def __init__(self, setting: Setting, user: str) -> None:
        self._tasks = Tasks()
        self._books = Books(setting, user)
        self._session = Session(setting, user, self._books, self._on_attach)
        self._queries = Queries(setting, user, self._session, self._books, self._tasks)
        self.answers = self._queries.answers
        self._earlier = Earlier(setting, user, self.answers)
        self._outcomes = Outcomes(self._session, self._books)
        self._orders = Orders(setting, user, self._session, self._books, self._outcomes)
        self._cancels = Cancels(setting, user, self._session, self._books, self._tasks)

    def start(self) -> None:
        self._tasks.spawn(self._session.run())
        self._tasks.spawn(self._outcomes.run())

    async def close(self) -> None:
        await self._tasks.close()
        self._cancels.close()
        await self._orders.close()
        self._books.close()

    @property
    def book(self) -> Book | None:
        """That of now."""
        return self._books.now

    async def opened(self) -> Book:
        """Raises Failed(503) when there is no book yet."""
        if self.book is None:
            await self._session.wait_ready()
        assert self.book is not None
        return self.book

    def new_day(self, day: str) -> None:
        """Of the gateway: its reqids begin anew."""
        self.answers.turn(day)

    async def ask(self, kind: Kind) -> int:
        """Put a query; the reqid of its answer. Raises Failed."""
        return await self._queries.ask(kind)

    async def place(self, order: Order) -> Placed:
        """Send it once. Raises Failed, whose text says whether nothing was sent."""
        return await self._orders.place(order)

    async def cancel(self, order_xtp_id: int) -> int:
        """Ask for the end of an order; the reqid. Raises Failed."""
        return await self._cancels.cancel(order_xtp_id)

    def describe(self) -> dict[str, object]:
        book = self.book
        return {
            "ready": self._session.ready,
            "day": book.day if book is not None else "",
            "order_events": len(book.orders) if book is not None else 0,
            "trade_events": len(book.trades) if book is not None else 0,
            "unheard": len(book.unheard()) if book is not None else 0,
            "answers": len(self.answers),
            "placed": self._orders.placed,
            "doubtful": self._orders.doubtful,
        }

    def _on_attach(self, account: Account) -> None:
        if self._earlier.due:
            self._tasks.spawn(self._earlier.restore(str(account.session["BrokerID"])))
