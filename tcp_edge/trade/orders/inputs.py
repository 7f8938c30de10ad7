"""A client's words as an order of the counter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from bus.client import Account
from bus.errors import Refused, Unavailable
from bus.frames import Row
from schemas.catalogue import Catalogue
from schemas.closing import Closable
from schemas.closing import closable as could_close
from schemas.xtp.errors import XtpError
from schemas.xtp.insert import Insertion, insert, whole
from schemas.xtp.instruments import Instrument

from ...stat import Failed, Stat, flow_limit
from ..failures import failed
from ..parts import parts
from ..setting import Setting
from .reserved import Reserved, closing

_ANSWER_S: Final = 5.0
_SETTLE_S: Final = 5.0  # for a choice that depends on orders of which the counter has said nothing
_LOOK_S: Final = 0.02
_RIVALS: Final = (
    "position_effect required: what can be closed depends on earlier orders that the counter has"
    " not confirmed yet; nothing was sent"
)
_POSITIONS: Final = "ReqQryInvestorPosition"
# These need the prices of now.
_BY_TICK: Final = frozenset({2, 5, 6, 7})
_BUYS: Final = frozenset({1, 3, 5})


async def wanted(
    params: dict[str, Any], account: Account, setting: Setting, reserved: Reserved
) -> Insertion:
    """``params`` are XTPOrderInsertInfo; what depends on the market or on positions is asked for by
    ``account``. Its lots are to be reserved before anything is awaited. Raises Failed."""
    make = partial(insert, params, fak_minimum=setting.fak_minimum)
    ask = partial(_ask, account, setting.bus.catalogue)
    try:
        instrument = setting.instruments().find(params.get("ticker"), params.get("market"))
        make = partial(make, instrument)
        # It is left to us what is opened or closed.
        if (
            setting.auto_offset
            and not instrument.is_stock
            and not whole(params, "position_effect", 0)
        ):
            return await _chosen(params, instrument, ask, make, reserved)
        return make(await _tick(params, instrument, ask))
    except XtpError as exc:
        raise Failed(Stat(exc.stat), exc.detail) from None
    except (Refused, Unavailable) as exc:
        raise failed(exc) from None


async def _chosen(
    params: dict[str, Any],
    instrument: Instrument,
    ask: Callable[..., Awaitable[list[dict[str, Any]]]],
    make: Callable[..., Insertion],
    reserved: Reserved,
) -> Insertion:
    """With an offset that is right whether or not the counter's answer knows of the orders that
    were on their way meanwhile; else they are waited for, and it is asked again. Raises Failed,
    XtpError, Refused and Unavailable."""
    buys = whole(params, "side") in _BUYS
    until = time.monotonic() + _SETTLE_S
    while True:
        with reserved.question() as seen:
            rows = await ask(_POSITIONS, "InvestorPosition", instrument)
            tick = await _tick(params, instrument, ask)  # the last thing, so that it is of now
            rivals = closing(seen, instrument, "0" if buys else "1")
        lots = could_close(rows, buys=buys)
        made = _made(make, tick, lots)
        if _offset(made) == _offset(_made(make, tick, lots.without(rivals.values()))):
            if isinstance(made, XtpError):
                raise made
            return made
        while not reserved.is_covered(rivals):
            if time.monotonic() > until:
                raise flow_limit(_RIVALS)
            await asyncio.sleep(_LOOK_S)
        if time.monotonic() > until:
            raise flow_limit(_RIVALS)


def _made(
    make: Callable[..., Insertion], tick: dict[str, Any] | None, lots: Closable
) -> Insertion | XtpError:
    try:
        return make(tick, closable=lots)
    except XtpError as exc:
        return exc


def _offset(made: Insertion | XtpError) -> str:
    return "" if isinstance(made, XtpError) else str(made.fields["CombOffsetFlag"])


async def _tick(
    params: dict[str, Any],
    instrument: Instrument,
    ask: Callable[..., Awaitable[list[dict[str, Any]]]],
) -> dict[str, Any] | None:
    if whole(params, "price_type") not in _BY_TICK:
        return None
    ticks = await ask("ReqQryDepthMarketData", "DepthMarketData", instrument)
    return ticks[-1] if ticks else None


async def _ask(
    account: Account, catalogue: Catalogue, method: str, struct: str, instrument: Instrument
) -> list[dict[str, Any]]:
    """What the counter says of an instrument now. Raises Refused and Unavailable."""
    found: list[dict[str, Any]] = []
    errors: list[Refused] = []
    codec = catalogue.codec(struct)

    def take(row: Row) -> None:
        field, info = parts(catalogue, row.flags, row.body)
        if info.get("ErrorID"):
            errors.append(Refused(int(str(info["ErrorID"])), str(info["ErrorMsg"])))
        elif field is not None and codec.get(field, "InstrumentID") == instrument.code:
            found.append(codec.unpack(field))

    asked: dict[str, Any] = {"InstrumentID": instrument.code, "ExchangeID": instrument.exchange}
    positions = method == _POSITIONS
    if positions:
        asked |= {"BrokerID": str(account.session["BrokerID"]), "InvestorID": account.user}
    take(await account.request(method, asked, take, deadline_s=_ANSWER_S, fresh=positions))
    if errors:  # no answer is not an answer without rows
        raise errors[0]
    return found
