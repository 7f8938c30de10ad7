"""Assets and positions of the counter as XTP's XTPQueryAssetRsp and XTPQueryStkPositionRsp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..closing import LONG, SHORT
from .instruments import Instruments
from .markets import market_number
from .structs import ASSET, ASSET_EXTRA, POSITION, POSITION_EXTRA, nothing
from .ticks import number

_NORMAL, _DERIVE = 0, 2
# PosiDirection is net, long, short.
_DIRECTIONS: Final = {"1": 0, LONG: 1, SHORT: 2}


def asset(
    fields: Mapping[str, Any], *, stock: bool = False, buys: float = 0.0, sells: float = 0.0
) -> dict[str, Any]:
    """``fields`` of CTP's TradingAccount; ``stock``: of an account that trades stocks; ``buys`` and
    ``sells``: sums of today's trades. All in yuan."""

    def get(name: str) -> float:
        return number(fields[name])

    return (
        nothing(ASSET)
        | nothing(ASSET_EXTRA)
        | {
            "total_asset": get("Balance"),
            "buying_power": get("Available"),
            "security_asset": get("CurrMargin"),
            "fund_buy_amount": buys,
            "fund_sell_amount": sells,
            "withholding_amount": get("FrozenMargin") + get("FrozenCash") + get("FrozenCommission"),
            "account_type": _NORMAL if stock else _DERIVE,
            "frozen_margin": get("FrozenMargin"),
            "orig_banlance": get("PreBalance"),
            "banlance": get("Balance"),
            "deposit_withdraw": get("Deposit") - get("Withdraw"),
            "trade_netting": get("CloseProfit") + get("PositionProfit") - get("Commission"),
            "captial_asset": get("Balance"),
            "preferred_amount": get("WithdrawQuota"),
            "commission": get("Commission"),
        }
    )


def positions(rows: Iterable[Mapping[str, Any]], instruments: Instruments) -> list[dict[str, Any]]:
    """Rows of CTP's InvestorPosition. SHFE and INE tell today's lots apart, and every exchange
    speculation from hedging; a record is all lots of one direction."""
    merged: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = (row["ExchangeID"], row["InstrumentID"], row["PosiDirection"])
        merged.setdefault(key, []).append(row)
    return [_position(*key, group, instruments) for key, group in merged.items()]


def _position(
    exchange: str,
    code: str,
    direction: str,
    rows: list[Mapping[str, Any]],
    instruments: Instruments,
) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(row[name] for row in rows)

    def money(name: str) -> float:
        return sum(number(row[name]) for row in rows)

    instrument = instruments.get(code, exchange)
    quantity = total("Position")
    # What closes a long position is a short order.
    frozen = total("LongFrozen" if direction == SHORT else "ShortFrozen")
    lots = quantity * instrument.multiplier if instrument else 0
    return (
        nothing(POSITION)
        | nothing(POSITION_EXTRA)
        | {
            "ticker": code,
            "ticker_name": instrument.name if instrument else "",
            "market": market_number(exchange or (instrument.exchange if instrument else "")),
            "total_qty": quantity,
            "sellable_qty": max(0, quantity - frozen),
            "avg_price": money("OpenCost") / lots if lots else 0.0,
            "unrealized_pnl": money("PositionProfit"),
            "yesterday_position": total("YdPosition"),
            "position_direction": _DIRECTIONS.get(direction, 0),
            "margin": money("UseMargin"),
        }
    )
