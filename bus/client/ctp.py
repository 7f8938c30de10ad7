"""Every request of the trader API as a method, with typed structs.

    rows = await account.ctp.ReqQryInstrument(QryInstrument(product_id="rb"))   # list[Instrument]
    order = await account.ctp.ReqQuoteInsert(InputQuote(...), client_order_id="mine")
    await account.ctp.ReqQuoteAction(InputQuoteAction(...))

There is one for each request that the installed binding has, by the catalogue; ``ctp.pyi`` lists
them. BrokerID, InvestorID and UserID that are left empty are the account's. By its name a request

asks      ReqQry…, ReqQuery…: all rows; it is asked again until ``timeout_s`` is over
inserts   …Insert: an ``Order``, see ``Account.insert``
acts      …Action, …ByFuture: nothing, when the API has taken it. What comes of it is in the
          account's returns; ``on_late`` gets the counter's refusal
changes   all others: the rows of the answer; it is sent once

Raises as ``Account.query``. Who logs in and out is the client: ``Client.login``, ``Account.leave``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from schemas.api import Request
from schemas.typed import CtpStruct, named

from .kinds import acts, inserts, methods

if TYPE_CHECKING:
    from .account import Account

Method = Callable[..., Coroutine[Any, Any, Any]]


class Ctp:
    """Of an account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getattr__(self, name: str) -> Method:
        request = methods(self._account.catalogue).get(name)
        if request is None:
            raise AttributeError(f"this version of the API has no request {name}")
        return partial(self._do, request)

    def __dir__(self) -> list[str]:
        return list(methods(self._account.catalogue))

    async def _do(
        self, request: Request, fields: CtpStruct | None = None, /, **options: Any
    ) -> list[CtpStruct] | Any:
        if fields is None:
            fields = named(self._account.catalogue, request.struct)()
        if fields.struct_name != request.struct:
            raise TypeError(f"{request.name} takes {request.struct}, not {fields.struct_name}")
        if inserts(request):
            return await self._account.insert(request.name, fields, **options)
        values = msgspec.to_builtins(fields)
        if acts(request):
            return await self._account.act(request.name, values, **options)
        rows = await self._account.query(request.name, values, **options)
        if request.name == "ReqUserPasswordUpdate":
            self._account.changed(fields)
        return rows
