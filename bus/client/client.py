"""The client: what a program makes first, and closes last."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import msgspec
import zmq

from schemas import catalogue as catalogues
from schemas import typed
from schemas.calendar import Calendar, exchange_calendar
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.typed import CtpStruct

from ..config import load, open_calendar
from ..endpoints import Addresses, resolve
from ..errors import Unavailable
from ..frames import Flag, message_type, split_body
from ..secrets import Secret
from ..security import Keys
from .account import Account
from .asking import classes_of, structs_of
from .history import History
from .items import Return, Tick
from .ticks import Market, Ticks
from .trading import Trading
from .way import Counters, Way, check

_AGAIN_S = 0.2
T = TypeVar("T")
_OWN = ("Mark", "SessionLost", "OnFrontConnected", "OnFrontDisconnected", "OnHeartBeatWarning")


class _Nothing(msgspec.Struct, frozen=True):
    """No section: the common keys alone are read."""


def addresses_of(path: str) -> Addresses:
    """The sockets of the group that this configuration file describes. Raises ConfigError."""
    common = load(path, "", _Nothing).common
    return resolve(common.bus, common.data)


def calendar_of(path: str) -> Calendar:
    """When instruments trade, says this configuration file. Raises ConfigError."""
    return open_calendar(load(path, "", _Nothing).common)


class Client:
    """Used in one event loop; see the package. ``addresses``: of the sockets, or the file of the
    group. The sockets to a worker are made when they are needed first. Raises ConfigError for a
    file that cannot be read, and for a tcp address without keys."""

    def __init__(
        self,
        addresses: Addresses | str,
        *,
        keys: Keys | None = None,
        binding: str = "openctp_ctp",
        heal: bool = True,
    ) -> None:
        self.calendar = exchange_calendar()
        """When instruments trade: as the group says, when it was made with its file."""
        if isinstance(addresses, str):
            self.calendar = calendar_of(addresses)
            addresses = addresses_of(addresses)
        check(addresses, keys)
        self._way = Way(addresses, keys, Counters(), heal)
        self._binding = binding
        self._context: zmq.Context[Any] = zmq.Context()
        self._market: Market | None = None
        self._trading: Trading | None = None
        self._history: History | None = None
        self._catalogue: Catalogue | None = None
        self._names: dict[int, str] = {}
        self._structs: dict[int, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all iterators; logged-in accounts are left as by a logout."""
        if self._market is not None:
            self._market.close()
        if self._trading is not None:
            self._trading.close()
        if self._history is not None:
            self._history.close()
        # It may wait for what was sent last; a socket is left when its address was wrong.
        await asyncio.to_thread(self._context.destroy, 0)

    def ticks(self, *names: str, complete: bool = False, limit: int = 10_000) -> Ticks:
        """Follow instruments, see the package. Raises ValueError for what is no instrument."""
        for name in names:
            _check_instrument(name)
        return Ticks(self._asked_market(), names, complete, limit)

    async def snapshot(self, *names: str, timeout_s: float = 10.0) -> dict[str, Tick]:
        """The newest tick of each instrument that has one, by its name: of those that somebody has
        subscribed, while the front is there. Raises Unavailable, and ValueError for what is no
        instrument."""
        for name in names:
            _check_instrument(name)
        wanted = list(dict.fromkeys(names))
        return await self._patiently(lambda m: m.newest(wanted), timeout_s) if wanted else {}

    async def login(
        self, user: str, password: str, *, broker_id: str = "", timeout_s: float = 30.0
    ) -> Account:
        """Log in to an account; waits for td_worker when it is not there yet. Raises Refused,
        Unavailable after ``timeout_s``, and ConfigError when td_worker has another version of the
        API."""
        return await self._enter(broker_id, user, Secret(password), "", timeout_s)

    async def attach(
        self,
        user: str,
        *,
        name: str,
        broker_id: str = "",
        timeout_s: float = 30.0,
        early: bool = False,
    ) -> Account:
        """The same without a password, for an account that td_worker logs in by itself (its
        ``accounts``). ``name``: ours, 32 printable characters at the most; it is told beside the
        answers to our queries. ``early``: do not wait until td_worker has recovered; cancels and
        queries are taken before, orders are not."""
        return await self._enter(broker_id, user, None, name, timeout_s, early)

    async def query(
        self, method: str, fields: Mapping[str, Value], timeout_s: float = 10.0
    ) -> list[CtpStruct]:
        """All rows of the answer to a request of the market data API (ReqQryMulticastInstrument).
        Raises CounterRefused, Refused, Unavailable, and ValueError for what does not fit."""
        request = self.catalogue.md.requests[method]
        body = self.catalogue.codec(request.struct).pack(fields)
        rows = await self._patiently(lambda m: m.request(method, body, timeout_s), timeout_s)
        return structs_of(self.catalogue, classes_of(self.catalogue, "md"), rows)

    async def _patiently(self, ask: Callable[[Market], Awaitable[T]], timeout_s: float) -> T:
        """A question is asked until md_worker is there. Raises Unavailable."""
        now = asyncio.get_running_loop().time
        until = now() + timeout_s
        while True:
            try:
                return await ask(self._asked_market())
            except Unavailable:
                if now() >= until:
                    raise
                await asyncio.sleep(_AGAIN_S)

    def _asked_market(self) -> Market:
        if self._market is None:
            self._market = Market(self._context, self._way)
        return self._market

    async def _enter(
        self,
        broker_id: str,
        user: str,
        password: Secret | None,
        name: str,
        timeout_s: float,
        early: bool = False,
    ) -> Account:
        if self._trading is None:
            self._trading = Trading(self._context, self._way, self.catalogue)
        account = Account(self._trading, broker_id, user, password, name, early)
        try:
            async with asyncio.timeout(timeout_s):
                await account.log_in()
        except TimeoutError:
            raise Unavailable("td_worker") from None
        return account

    @property
    def history(self) -> History:
        """What the recorder keeps."""
        if self._history is None:
            self._history = History(self._context, self._way)
        return self._history

    @property
    def counters(self) -> Counters:
        return self._way.counters

    @property
    def catalogue(self) -> Catalogue:
        """Of the binding; loaded at first use, which takes a moment."""
        if self._catalogue is None:
            self._catalogue = catalogues.load(self._binding)
        return self._catalogue

    def name(self, item: Tick | Return) -> str:
        """The callback, or the message of td_worker's own; "" for one that is not known."""
        if not self._names:
            callbacks = (*self.catalogue.td.callbacks, *self.catalogue.md.callbacks)
            self._names = {message_type(name): name for name in (*_OWN, *callbacks)}
        return self._names.get(item.type, "")

    def fields(self, item: Tick | Return) -> dict[str, Value]:
        """The struct of an item; nothing for one that has none."""
        name = self.name(item)
        callbacks = self.catalogue.td.callbacks | self.catalogue.md.callbacks
        callback = callbacks.get(name)
        if callback is None or callback.struct is None or item.flags & Flag.MSGPACK:
            return {}
        info_size = self.catalogue.layouts["RspInfo"].size
        field, _ = split_body(item.flags, item.body, info_size)
        return {} if field is None else self.catalogue.codec(callback.struct).unpack(field)

    def struct_name(self, item: Tick | Return) -> str:
        """CTP's name of its struct; "" for an item without one."""
        if not self._structs:
            callbacks = self.catalogue.td.callbacks | self.catalogue.md.callbacks
            self._structs = {
                message_type(callback.name): callback.struct
                for callback in callbacks.values()
                if callback.struct is not None
            }
        has_struct = item.flags & Flag.HAS_FIELD and not item.flags & Flag.MSGPACK
        return self._structs.get(item.type, "") if has_struct else ""

    def struct(self, item: Tick | Return) -> CtpStruct | None:
        """The same typed, such as ``schemas.typed.Trade``; None for one that has none."""
        name = self.struct_name(item)
        if not name:
            return None
        field, _ = split_body(item.flags, item.body, self.catalogue.layouts["RspInfo"].size)
        assert field is not None
        return self.decoded(self.class_of(name), field)

    def class_of(self, struct: str) -> type[CtpStruct]:
        """The typed struct of CTP's name. KeyError when the API has none of this name."""
        return typed.named(self.catalogue, struct)

    def decoded(self, cls: type[CtpStruct], raw: bytes) -> CtpStruct:
        """The bytes of a struct. ValueError for those of another version of the API."""
        try:
            return typed.decode(cls, raw, self.catalogue)
        except struct.error:
            text = f"{cls.struct_name}: of another version of the API"
            raise ValueError(text) from None

    def tick(self, item: Tick) -> typed.Tick:
        """The same of a tick."""
        tick = self.decoded(typed.Tick, item.body)
        assert isinstance(tick, typed.Tick)
        return tick


def _check_instrument(name: str) -> None:
    if not name or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no instrument")
