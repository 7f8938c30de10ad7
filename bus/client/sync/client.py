"""The client, for a program that waits."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from schemas import typed
from schemas.calendar import Calendar
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.typed import CtpStruct

from ...endpoints import Addresses
from ...security import Keys
from .. import client as asynchronous
from ..items import Item, Return, Tick
from ..way import Counters
from .account import Account
from .history import History
from .loop import Loop
from .streams import Stream


class Client:
    """``addresses``: of the sockets, or the file of the group; see ``bus.client.Client``. Raises
    ConfigError for a file that cannot be read, and for a tcp address without keys."""

    def __init__(
        self,
        addresses: Addresses | str,
        *,
        keys: Keys | None = None,
        binding: str = "openctp_ctp",
        heal: bool = True,
    ) -> None:
        self._client = asynchronous.Client(addresses, keys=keys, binding=binding, heal=heal)
        self._loop = Loop()
        self.history = History(self._loop, lambda: self._client.history)
        """What the recorder keeps."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all iterators and log out."""
        self._loop.close(self._client.close())

    def login(
        self, user: str, password: str, *, broker_id: str = "", timeout_s: float = 30.0
    ) -> Account:
        """Log in to an account; waits for td_worker when it is not there yet. Raises Refused,
        and Unavailable after ``timeout_s``."""
        work = self._client.login(user, password, broker_id=broker_id, timeout_s=timeout_s)
        return Account(self._loop, self._loop.run(work))

    def attach(
        self,
        user: str,
        *,
        name: str,
        broker_id: str = "",
        timeout_s: float = 30.0,
        early: bool = False,
    ) -> Account:
        """The same without a password, for an account of ``td_worker.accounts``. ``name``: ours;
        ``early``: also before td_worker has recovered."""
        work = self._client.attach(
            user, name=name, broker_id=broker_id, timeout_s=timeout_s, early=early
        )
        return Account(self._loop, self._loop.run(work))

    def ticks(self, *names: str, complete: bool = False, limit: int = 10_000) -> Stream[Item]:
        """Follow instruments. Raises ValueError for what is no instrument."""
        return Stream(
            self._loop,
            self._loop.call(self._client.ticks, *names, complete=complete, limit=limit),
        )

    def snapshot(self, *names: str, timeout_s: float = 10.0) -> dict[str, Tick]:
        """The newest tick of each instrument that has one. Raises Unavailable."""
        return self._loop.run(self._client.snapshot(*names, timeout_s=timeout_s))

    def struct_name(self, item: Tick | Return) -> str:
        """CTP's name of its struct; "" for an item without one."""
        return self._client.struct_name(item)

    def class_of(self, struct: str) -> type[CtpStruct]:
        """The typed struct of CTP's name. KeyError when the API has none of this name."""
        return self._client.class_of(struct)

    def decoded(self, cls: type[CtpStruct], raw: bytes) -> CtpStruct:
        """The bytes of a struct. ValueError for those of another version of the API."""
        return self._client.decoded(cls, raw)

    def query(
        self, method: str, fields: Mapping[str, Value] | None = None, timeout_s: float = 10.0
    ) -> list[CtpStruct]:
        """All rows of the answer to a request of the market data API."""
        return self._loop.run(self._client.query(method, fields or {}, timeout_s))

    def struct(self, item: Tick | Return) -> CtpStruct | None:
        """The typed struct of an item; None for one that has none."""
        return self._client.struct(item)

    def tick(self, item: Tick) -> typed.Tick:
        """The same of a tick."""
        return self._client.tick(item)

    def name(self, item: Tick | Return) -> str:
        """The callback, or the message of td_worker's own; "" for one that is not known."""
        return self._client.name(item)

    def fields(self, item: Tick | Return) -> dict[str, Value]:
        """The struct of an item as a dict by CTP's names."""
        return self._client.fields(item)

    @property
    def counters(self) -> Counters:
        return self._client.counters

    @property
    def catalogue(self) -> Catalogue:
        return self._client.catalogue

    @property
    def calendar(self) -> Calendar:
        """When instruments trade: as the group says, when it was made with its file."""
        return self._client.calendar
