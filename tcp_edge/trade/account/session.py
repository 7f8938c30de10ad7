"""The login of an account, followed for as long as the gateway runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from bus.client import Account, Place, Restarted, Return
from bus.client.items import Item
from bus.errors import Refused, Unavailable
from bus.retry import Pauses

from ...stat import Failed, Stat
from ..parts import parts
from ..setting import Setting
from .books import Books

log = logging.getLogger("tcp_edge")

READY_S: Final = 8.0  # a command waits so long for an account that is being attached

_AGAIN_S: Final = 1.0
_AT_ONCE: Final = 100
_MOST_PAUSE_S: Final = 5.0
_BOOKED: Final = frozenset(
    {"OnRtnOrder", "OnRtnTrade", "OnErrRtnOrderInsert", "OnErrRtnOrderAction"}
)


class Session:
    """Attaches ``user``, puts its returns into the books, and attaches it anew when its login has
    ended or the counter's day may be another one. ``on_attach`` gets each login. ``front_up``:
    whether the counter's front is connected."""

    def __init__(
        self, setting: Setting, user: str, books: Books, on_attach: Callable[[Account], None]
    ) -> None:
        self._setting, self._user, self._books = setting, user, books
        self._on_attach = on_attach
        self._account: Account | None = None
        self._problem = ""
        self._pauses = Pauses(_AGAIN_S)
        self.front_up = True

    @property
    def ready(self) -> bool:
        return self._books.ready.is_set()

    async def wait_ready(self) -> Account:
        """Raises Failed(503)."""
        try:
            async with asyncio.timeout(0 if self._problem else READY_S):
                await self._books.ready.wait()
        except TimeoutError:
            why = self._problem or "it is being logged in, or the instruments are not known yet"
            raise Failed(Stat.NOT_CONNECTED, f"the account is not ready: {why}") from None
        assert self._account is not None
        return self._account

    async def run(self) -> None:
        # Without multipliers every amount would be wrong.
        await self._setting.instruments_loaded.wait()
        while True:
            try:
                await self._follow()
            except (Refused, Unavailable) as exc:
                self._problem = str(exc)
                log.warning("no account", extra={"fields": {"user": self._user, "why": str(exc)}})
                await asyncio.sleep(min(self._pauses.take(), _MOST_PAUSE_S))
            except Exception as exc:  # such as a disk that is full: nothing is sent until it passes
                self._problem = f"{type(exc).__name__}, see tcp_edge's log"
                log.exception(
                    "an account cannot be followed", extra={"fields": {"user": self._user}}
                )
                await asyncio.sleep(min(self._pauses.take(), _MOST_PAUSE_S))

    async def _follow(self) -> None:
        """One login, until the counter may have begun another day."""
        account = await self._setting.bus.attach(self._user, name=self._setting.name)
        returns = account.returns(Place(0, 0))
        taken = 0
        try:
            self._open(account)
            while True:
                async for item in returns:
                    if self._take(item, account):
                        return
                    taken += 1
                    if taken % _AT_ONCE == 0:  # of a long day: others have their turn
                        await asyncio.sleep(0)
                raise Unavailable("td_worker")
        finally:
            self._books.ready.clear()
            returns.close()
            account.leave()

    def _open(self, account: Account) -> None:
        self._books.begin(account.session)
        self._account, self.front_up = account, True
        self._on_attach(account)

    def _take(self, item: Item, account: Account) -> bool:
        """Whether the day may be another one now."""
        if isinstance(item, Restarted):
            return self.ready  # its new session may be of another day
        if isinstance(item, Return):
            if self._take_return(item):
                return True
            place = account.reached
            if not self.ready and (item.epoch, item.seq) >= (place.epoch, place.seq):
                self._books.complete()
                self._problem = ""
                self._pauses.reset()
        return False

    def _take_return(self, item: Return) -> bool:
        bus = self._setting.bus
        name = bus.name(item)
        if name == "OnFrontDisconnected":
            self.front_up = False
        elif name == "OnFrontConnected":
            self.front_up = True
            return self.ready
        elif name in _BOOKED:
            _, info = parts(bus.catalogue, item.flags, item.body)
            self._books.take(name, bus.fields(item), info, item.recv_ns)
        return False
