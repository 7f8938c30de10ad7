"""A quote as a strategy sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from schemas.calendar import Calendar
from schemas.tick_time import tick_time_ns

from .record import Record

_CHINA: Final = timezone(timedelta(hours=8))


@dataclass(slots=True, eq=False)
class Quote(Record):
    """The last tick of an instrument; ``quote.LastPrice`` and ``quote["LastPrice"]`` are the same.

    Prices in quoted CNY, NaN where the exchange has none (such as the ask at limit up); volumes in
    lots, ``Volume`` the day's running total. ``ctp_datetime``: when the exchange made it, in China
    Standard Time; None when the tick shows no time.
    """

    InstrumentID: str = ""
    LastPrice: float = math.nan
    BidPrice1: float = math.nan
    BidVolume1: int = 0
    AskPrice1: float = math.nan
    AskVolume1: int = 0
    Volume: int = 0
    OpenInterest: float = 0.0
    UpdateTime: str = ""
    UpdateMillisec: int = 0
    ctp_datetime: datetime | None = None

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def quote_of(fields: Mapping[str, Any], calendar: Calendar, recv_ns: int) -> Quote:
    """``fields`` of a CThostFtdcDepthMarketDataField that was received at ``recv_ns``."""
    made_ns = tick_time_ns(
        calendar,
        fields["InstrumentID"],
        fields["TradingDay"],
        fields["ActionDay"],
        fields["UpdateTime"],
        fields["UpdateMillisec"],
        recv_ns,
    )
    return Quote(
        InstrumentID=fields["InstrumentID"],
        LastPrice=_price(fields["LastPrice"]),
        BidPrice1=_price(fields["BidPrice1"]),
        BidVolume1=fields["BidVolume1"],
        AskPrice1=_price(fields["AskPrice1"]),
        AskVolume1=fields["AskVolume1"],
        Volume=fields["Volume"],
        OpenInterest=fields["OpenInterest"] or 0.0,
        UpdateTime=fields["UpdateTime"],
        UpdateMillisec=fields["UpdateMillisec"],
        ctp_datetime=None if made_ns is None else _moment(made_ns),
    )


def _price(value: float | None) -> float:
    return math.nan if value is None else value


def _moment(unix_ns: int) -> datetime:
    # Not by a float, which would have made 999 ms of some.
    seconds, rest = divmod(unix_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, _CHINA) + timedelta(microseconds=rest // 1000)
