"""Commands 2xxxxx. Each user sees the account of his authcode and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

from bus.authcodes import Grant
from bus.users import Right

from ..reply import Reply, many, status
from ..request import Request
from ..service import Client, Command
from ..stat import Failed, Stat
from . import params
from .account.book import Book, Event
from .desk import Desk
from .pushes import Pushes
from .queries.answers import Answer, Kind
from .setting import Setting

_DAY_S: Final = 1.0  # how late the turn of the gateway's day may be noticed
_AT_ONCE: Final = 200  # records, before other clients have their turn


class Access(Protocol):
    async def grant(self, client: Client, request: Request, right: Right) -> Grant:
        """Raises Failed."""

    def stands(self, client: Client, right: Right, account: str) -> bool:
        """Whether what the client has shown last still gives him this."""


class Trade:
    """``account``: that of users who have none of their own; its desk opens at the start, others
    when a user of theirs comes."""

    def __init__(self, setting: Setting, access: Access, account: str) -> None:
        self._setting = setting._replace(on_event=self._on_event)
        self._access, self._account = access, account
        self._desks: dict[str, Desk] = {}
        self._pushes = Pushes(lambda client, account: access.stands(client, "trade", account))
        self._day = self._today()
        self._opened = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    @property
    def commands(self) -> Mapping[int, Command]:
        return {
            210001: partial(self._ask, "assets"),
            210002: partial(self._ask, "positions"),
            210003: partial(self._ask, "orders"),
            210004: partial(self._ask, "trades"),
            200001: self._order_events,
            200002: self._trade_events,
            200003: self._asset,
            200004: partial(self._records, "positions"),
            200005: partial(self._records, "orders"),
            200006: partial(self._records, "trades"),
            210005: self._place,
            210006: self._cancel,
        }

    async def start(self) -> None:
        self._watch = asyncio.create_task(self._watch_day())
        if self._account:
            self._open(self._account)

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(desk.close() for desk in self._desks.values()))

    def gone(self, client: Client) -> None:
        self._pushes.gone(client)

    def describe(self) -> dict[str, object]:
        desks: dict[str, object] = {user: desk.describe() for user, desk in self._desks.items()}
        return {"accounts": desks, "pushed_to": len(self._pushes)}

    async def first_account(self) -> str:
        """The gateway's own, or the one of the user who came first."""
        await self._opened.wait()
        return next(iter(self._desks))

    # -- the commands ------------------------------------------------------------------------------

    async def _ask(self, kind: Kind, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        return status(await desk.ask(kind))

    async def _asset(self, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        if request.reqid is not None:
            texts = await desk.answers.texts(await self._answer(desk, "assets", request))
            return Reply(texts[-1] if texts else b"{}")
        await self._wait(desk.answers.newest("assets"), request)
        latest = desk.answers.latest("assets")
        texts = await desk.answers.texts(latest) if latest is not None else []
        return Reply(texts[-1] if texts else b"{}")

    async def _records(self, kind: Kind, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        if request.reqid is not None:
            answer = await self._answer(desk, kind, request)
            return await self._many(await desk.answers.texts(answer), client)
        await self._wait(desk.answers.newest(kind), request)
        if not params.latest(request):
            return await self._many(await desk.answers.records(kind), client)
        latest = desk.answers.latest(kind)
        texts = await desk.answers.texts(latest) if latest is not None else []
        return await self._many(texts, client)

    async def _order_events(self, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        book = await desk.opened()
        wanted = params.events(request.params, self._setting.instruments())
        texts = await _texts(book, [event for event in book.orders if wanted(event)])
        return await self._many(texts, client)

    async def _trade_events(self, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        book = await desk.opened()
        wanted = params.events(request.params, self._setting.instruments())
        texts = await _texts(book, [event for event in book.trades if wanted(event)])
        return await self._many(texts, client)

    async def _place(self, client: Client, request: Request) -> Reply:
        grant, desk = await self._admit(client, request)
        placed = await desk.place(params.order(request.params, grant.user))
        return status(placed.reqid, order_xtp_id=placed.order_xtp_id)

    async def _cancel(self, client: Client, request: Request) -> Reply:
        _, desk = await self._admit(client, request)
        return status(await desk.cancel(params.order_xtp_id(request.params)))

    # -- who and what ------------------------------------------------------------------------------

    async def _admit(self, client: Client, request: Request) -> tuple[Grant, Desk]:
        """Raises Failed."""
        grant = await self._access.grant(client, request, "trade")
        account = grant.account or self._account
        if not account:
            raise Failed(Stat.FORBIDDEN, f"user {grant.user} has no trading account")
        pushes = request.rest.get("push")
        if pushes is not None:
            self._pushes.follow(client, account, pushes)
        return grant, self._desks.get(account) or self._open(account)

    def _open(self, account: str) -> Desk:
        desk = self._desks[account] = Desk(self._setting, account)
        desk.start()
        self._opened.set()
        return desk

    async def _answer(self, desk: Desk, kind: Kind, request: Request) -> Answer:
        """Raises Failed: there is none, or it has failed."""
        assert request.reqid is not None
        answer = desk.answers.get(kind, request.reqid)
        if answer is None:
            raise Failed(Stat.NOT_FOUND, "no such query of this account today", request.reqid)
        await self._wait(answer, request)
        if answer.failed is not None and not answer.rows:
            raise answer.failed
        return answer

    async def _wait(self, answer: Answer | None, request: Request) -> None:
        """Until it is complete or the client's time is over."""
        if answer is None or not request.wait_ms:
            return
        try:
            async with asyncio.timeout(request.wait_ms / 1000):
                await answer.done.wait()
        except TimeoutError:
            pass

    async def _many(self, texts: list[bytes], client: Client) -> Reply:
        if len(texts) > self._setting.max_records:
            raise Failed(Stat.TOO_LARGE, f"{len(texts)} records; ask for some of them")
        return await many(texts, client.shape)

    def _on_event(self, account: str, kind: str, record: bytes) -> None:
        self._pushes.tell(account, kind, record)

    # -- the day -----------------------------------------------------------------------------------

    def _today(self) -> str:
        return self._setting.day_of(time.time_ns())

    async def _watch_day(self) -> None:
        while True:
            await asyncio.sleep(_DAY_S)
            if self._today() != self._day:
                self._day = self._today()
                for desk in self._desks.values():
                    desk.new_day(self._day)


async def _texts(book: Book, events: list[Event]) -> list[bytes]:
    """In slices: those that nobody has asked for yet take 40 us each."""
    texts = []
    for number, event in enumerate(events, 1):
        texts.append(book.text(event))
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return texts
