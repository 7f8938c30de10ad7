"""A client's words as an order of the counter."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from bus.client import Account
from bus.errors import Refused, Unavailable
from bus.frames import Row
from schemas.catalogue import Catalogue
from schemas.closing import closable as could_close
from schemas.xtp.errors import XtpError
from schemas.xtp.insert import Insertion, insert
from schemas.xtp.instruments import Instrument

from ...stat import Failed, Stat
from ..failures import failed
from ..parts import parts
from ..setting import Setting

_ANSWER_S: Final = 5.0
_POSITIONS: Final = "ReqQryInvestorPosition"
# These need the prices of now.
_BY_TICK: Final = frozenset({2, 5, 6, 7})
_BUYS: Final = frozenset({1, 3, 5})


async def wanted(params: dict[str, Any], account: Account, setting: Setting) -> Insertion:
    """``params`` are XTPOrderInsertInfo; what depends on the market or on positions is asked for by
    ``account``. Raises Failed."""
    ask = partial(_ask, account, setting.bus.catalogue)
    try:
        instrument = setting.instruments().find(params.get("ticker"), params.get("market"))
        tick = closable = None
        if _is_in(params.get("price_type"), _BY_TICK):
            ticks = await ask("ReqQryDepthMarketData", "DepthMarketData", instrument)
            tick = ticks[-1] if ticks else None
        if setting.auto_offset and not instrument.is_stock and _is_open(params):
            rows = await ask(_POSITIONS, "InvestorPosition", instrument)
            closable = could_close(rows, buys=_is_in(params.get("side"), _BUYS))
        return insert(params, instrument, tick, closable=closable, fak_minimum=setting.fak_minimum)
    except XtpError as exc:
        raise Failed(Stat(exc.stat), exc.detail) from None
    except (Refused, Unavailable) as exc:
        raise failed(exc) from None


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


def _is_in(value: Any, numbers: frozenset[int]) -> bool:
    return str(value).strip() in map(str, numbers)


def _is_open(params: dict[str, Any]) -> bool:
    """Whether it is left to us what is opened or closed."""
    return str(params.get("position_effect") or "0").strip() in ("", "0")
