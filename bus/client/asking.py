"""Requests of an account, with typed structs for answers, across ends of its login."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from schemas import typed
from schemas.catalogue import Catalogue, Side
from schemas.codec import Value
from schemas.errors import (
    NETWORK_FAILURE,
    NOT_LOGGED_IN,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_PER_SECOND,
    Action,
    action_of,
)
from schemas.typed import CtpStruct

from ..errors import BusError, CounterRefused, Refused, Unanswered, Unavailable
from ..frames import Flag, Row, message_type, split_body
from ..rpc import refusal

if TYPE_CHECKING:
    from .account import Account

_AGAIN_S: Final = 0.2
_SLOWLY_S: Final = 1.0
_LATE_S: Final = 1.0  # an answer takes so long from td_worker to us
_REFUSAL_S: Final = 60.0  # and the counter's refusal so long
_BUSY: Final = frozenset({TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})

Classes = Mapping[int, type[CtpStruct]]


class Asking:
    """A question is asked again until it is answered or time is over. An action (a cancel) is sent
    again while nothing was sent; what else changes something only when that was for want of a
    login."""

    def __init__(self, account: Account) -> None:
        self._account, self._catalogue = account, account.catalogue

    async def ask(
        self,
        method: str,
        fields: Mapping[str, Value],
        timeout_s: float,
        *,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[CtpStruct]:
        """All rows of the answer. Raises CounterRefused with the counter's error, Refused,
        Unavailable when nothing was sent, Unanswered when no answer comes."""
        body = packed(self._account, method, fields)
        only_asks = self._catalogue.td.requests[method].only_asks
        now = asyncio.get_running_loop().time
        until = now() + timeout_s
        while True:
            handle = self._account.handle
            rows: list[Row] = []
            try:
                last = await self._account.request(
                    method,
                    body,
                    rows.append,
                    deadline_s=max(until - now(), 0.0),
                    request_id=request_id,
                    fresh=fresh,
                )
                return structs_of(self._catalogue, self._account.classes, (*rows, last))
            except (Unavailable, Refused) as exc:
                await self._again(exc, only_asks, handle, until)

    async def act(
        self,
        method: str,
        fields: Mapping[str, Value],
        on_late: Callable[[Row], None],
        timeout_s: float,
    ) -> None:
        """See ``Account.act``."""
        body = packed(self._account, method, fields)
        now = asyncio.get_running_loop().time
        until = now() + timeout_s
        while True:
            handle = self._account.handle
            try:
                await self._act_once(method, body, on_late, handle, until - now())
                return
            except Unanswered:
                raise
            except (Unavailable, Refused) as exc:
                await self._again(exc, True, handle, until)

    async def _act_once(
        self, method: str, body: bytes, on_late: Callable[[Row], None], handle: bytes, left: float
    ) -> None:
        loop = asyncio.get_running_loop()
        word: asyncio.Future[BusError | None] = loop.create_future()

        def take(row: Row) -> None:
            if word.done():
                on_late(row)
            else:
                word.set_result(refusal(row) or error_of(self._catalogue, row))

        def silence(why: str) -> None:
            if not word.done():
                word.set_result(Unanswered("td_worker"))

        left = max(left, 0.0)
        timer = loop.call_later(left + _LATE_S, silence, "")
        try:
            self._account.start(
                method, body, take, silence, _REFUSAL_S, session=handle, deadline_s=left
            )
            error = await word
        finally:
            timer.cancel()
        if error is not None:
            raise error

    async def _again(self, error: BusError, patient: bool, handle: bytes, until: float) -> None:
        """Returns when it may be asked once more; else raises the error."""
        pause = _pause(error, patient)
        if pause is None or asyncio.get_running_loop().time() + pause >= until:
            raise error
        if isinstance(error, Refused) and error.error_id == NOT_LOGGED_IN:
            await self._account.log_in_until(handle, until)
        else:
            await asyncio.sleep(pause)


def error_of(catalogue: Catalogue, row: Row) -> CounterRefused | None:
    """The counter's error in a row."""
    if row.flags & Flag.MSGPACK:
        return None
    _, raw = split_body(row.flags, row.body, catalogue.layouts["RspInfo"].size)
    info = typed.decode(typed.RspInfo, raw, catalogue) if raw is not None else None
    if info is None or not info.error_id:
        return None
    return CounterRefused(info.error_id, info.error_msg)


def structs_of(catalogue: Catalogue, classes: Classes, rows: Iterable[Row]) -> list[CtpStruct]:
    """The structs of an answer. Raises CounterRefused when it is the counter's error."""
    found = []
    for row in rows:
        if (error := error_of(catalogue, row)) is not None:
            raise error
        cls = None if row.flags & Flag.MSGPACK else classes.get(row.type)
        field, _ = split_body(row.flags, row.body, catalogue.layouts["RspInfo"].size)
        if field is not None and cls is not None:
            found.append(typed.decode(cls, field, catalogue))
    return found


def classes_of(catalogue: Catalogue, side: Side) -> Classes:
    """The typed structs of callbacks, by the type of their rows."""
    return {
        message_type(callback.name): typed.named(catalogue, callback.struct)
        for callback in catalogue.api(side).callbacks.values()
        if callback.struct is not None
    }


def packed(account: Account, method: str, fields: Mapping[str, Value]) -> bytes:
    """The bytes of a request's struct; what says whose it is is filled in. Raises ValueError for
    what does not fit (FieldError is one)."""
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{method}: {name} is not a finite number")
    whose = {name: value for name, value in account.whose.items() if not fields.get(name)}
    try:
        return account.pack(method, {**fields, **whose})
    except struct.error as exc:
        raise ValueError(f"{method}: {exc}") from None


def _pause(error: BusError, patient: bool) -> float | None:
    """Before it is asked again; None: it is not."""
    if not isinstance(error, Refused):
        return _AGAIN_S if patient else None
    if error.error_id == NOT_LOGGED_IN:
        return _AGAIN_S
    if patient and error.error_id == NETWORK_FAILURE:  # td_worker's own word on an absent front
        return _AGAIN_S
    busy = error.error_id in _BUSY or action_of(error.error_id) is Action.RETRY
    return _SLOWLY_S if patient and busy else None
