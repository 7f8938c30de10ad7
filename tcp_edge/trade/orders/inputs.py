"""A client's words as an order of the counter."""

from __future__ import annotations

from typing import Any, Final

from bus.client import Account
from bus.errors import Refused, Unavailable
from bus.frames import Row
from schemas.catalogue import Catalogue
from schemas.xtp.errors import XtpError
from schemas.xtp.insert import Insertion, insert
from schemas.xtp.instruments import Instrument, Instruments

from ...stat import Failed, Stat
from ..failures import failed
from ..parts import parts

_TICK_S: Final = 5.0
# These need the prices of now.
_BY_TICK: Final = frozenset({2, 5, 6, 7})


async def wanted(
    params: dict[str, Any], table: Instruments, account: Account, catalogue: Catalogue
) -> Insertion:
    """``params`` are XTPOrderInsertInfo; a price that depends on the market is asked for by
    ``account``. Raises Failed."""
    try:
        instrument = table.find(params.get("ticker"), params.get("market"))
        tick = None
        if str(params.get("price_type")).strip() in map(str, _BY_TICK):
            tick = await _tick(instrument, account, catalogue)
        return insert(params, instrument, tick)
    except XtpError as exc:
        raise Failed(Stat(exc.stat), exc.detail) from None
    except (Refused, Unavailable) as exc:
        raise failed(exc) from None


async def _tick(
    instrument: Instrument, account: Account, catalogue: Catalogue
) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = []
    codec = catalogue.codec("DepthMarketData")

    def take(row: Row) -> None:
        field, _ = parts(catalogue, row.flags, row.body)
        if field is not None and codec.get(field, "InstrumentID") == instrument.code:
            found.append(codec.unpack(field))

    asked = {"InstrumentID": instrument.code, "ExchangeID": instrument.exchange}
    take(await account.request("ReqQryDepthMarketData", asked, take, deadline_s=_TICK_S))
    return found[-1] if found else None
