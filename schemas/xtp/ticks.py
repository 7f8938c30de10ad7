"""A tick of the counter as XTP's XTPMarketDataStruct, OFX's DepthMarketData."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..calendar import Calendar
from ..fields import NO_VALUE
from .markets import exchange_id
from .structs import LEVELS, TICK, TICK_EXTRA, nothing
from .times import HOURS, tick_stamp

LEVELS_OF_CTP: Final = 5
LOWEST: Final = -NO_VALUE

# Doubles that are passed on as they are.
SAME: Final = {
    "last_price": "LastPrice",
    "pre_close_price": "PreClosePrice",
    "open_price": "OpenPrice",
    "high_price": "HighestPrice",
    "low_price": "LowestPrice",
    "pre_open_interest": "PreOpenInterest",
    "open_interest": "OpenInterest",
    "pre_settlement_price": "PreSettlementPrice",
    "settlement_price": "SettlementPrice",
    "upper_limit_price": "UpperLimitPrice",
    "lower_limit_price": "LowerLimitPrice",
    "pre_delta": "PreDelta",
    "curr_delta": "CurrDelta",
    "turnover": "Turnover",
    "total_position": "OpenInterest",
    "banding_upper": "BandingUpperPrice",
    "banding_lower": "BandingLowerPrice",
}
LISTS: Final = {
    "bid": "BidPrice",
    "ask": "AskPrice",
    "bid_qty": "BidVolume",
    "ask_qty": "AskVolume",
}
# AveragePrice there is a price; elsewhere it is the turnover of one lot.
PLAIN_AVERAGE: Final = "CZCE"


def tick(
    fields: Mapping[str, Any],
    exchange: str,
    multiplier: int,
    recv_ns: int,
    calendar: Calendar = HOURS,
) -> dict[str, Any]:
    """``fields`` of CTP's DepthMarketData, ``exchange`` (CTP's ExchangeID) and ``multiplier`` of
    its instrument, which ticks do not tell. ``recv_ns``: Unix time in ns when it came.

    Quantities are in lots for futures, in shares for stocks.
    """
    record = nothing(TICK) | nothing(TICK_EXTRA)
    record |= {key: number(fields.get(name)) for key, name in SAME.items()}
    record |= {
        "exchange_id": exchange_id(exchange),
        "ticker": fields["InstrumentID"],
        "close_price": number(fields["ClosePrice"]) or record["last_price"],
        "data_time": tick_stamp(
            calendar,
            fields["InstrumentID"],
            fields["TradingDay"],
            fields["ActionDay"],
            fields["UpdateTime"],
            fields["UpdateMillisec"],
            recv_ns,
        ),
        "qty": fields["Volume"],
        "avg_price": number(
            average(
                number(fields["AveragePrice"]),
                multiplier,
                record["low_price"],
                record["high_price"],
                exchange == PLAIN_AVERAGE,
            )
        ),
        "trading_day": fields["TradingDay"],
    }
    for key, name in LISTS.items():
        empty = TICK[key][0]
        levels = [fields[f"{name}{level}"] for level in range(1, LEVELS_OF_CTP + 1)]
        filled = [number(value) for value in levels] if type(empty) is float else levels
        record[key] = filled + [empty] * (LEVELS - LEVELS_OF_CTP)
    return record


def number(value: Any) -> float:
    """A double without a value is 0.0, and minus nothing is nothing. What lies as far below zero as
    "no value" above it is none either: sums and products would leave the range of JSON."""
    return float(value) if value and value > LOWEST else 0.0


def average(price: float, multiplier: int, low: float, high: float, plain: bool) -> float:
    """AveragePrice is the price, or what a lot of it costs, as counters and their versions like;
    the one of the two that lies between the day's lowest and highest price, else the one by the
    exchange's habit (``plain``: the price)."""
    other = price / multiplier
    first, second = (price, other) if plain else (other, price)
    if low <= first <= high:
        return first
    return second if low <= second <= high else first
