"""Which data of the recorder somebody wants to see. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args
from urllib.parse import urlencode

Stream = Literal["ticks", "order_events", "trade_events", "orders", "trades", "assets", "positions"]
STREAMS: Final[tuple[Stream, ...]] = get_args(Stream)
EVENTS: Final = ("order_events", "trade_events")
_DAY: Final = re.compile(r"([0-9]{8})?")
_CODE: Final = re.compile(r"[^\s/\0*]{0,80}")

_ORDER: Final = (
    *("InsertTime", "InstrumentID", "Direction", "CombOffsetFlag", "LimitPrice"),
    *("VolumeTotalOriginal", "VolumeTraded", "OrderStatus", "StatusMsg", "OrderSysID", "OrderRef"),
)
_TRADE: Final = (
    *("TradeTime", "InstrumentID", "Direction", "OffsetFlag", "Price", "Volume"),
    *("TradeID", "OrderSysID", "OrderRef"),
)
# What a page has room for; a file has all of them.
COLUMNS: Final[dict[Stream, tuple[str, ...]]] = {
    "ticks": (
        *("at", "InstrumentID", "UpdateTime", "LastPrice", "Volume", "OpenInterest"),
        *("BidPrice1", "BidVolume1", "AskPrice1", "AskVolume1", "seq"),
    ),
    "order_events": ("at", "callback", *_ORDER, "ErrorMsg"),
    "trade_events": ("at", *_TRADE),
    "orders": ("at", *_ORDER),
    "trades": ("at", *_TRADE),
    "assets": (
        *("at", "AccountID", "Balance", "Available", "CurrMargin", "FrozenMargin"),
        *("Commission", "PositionProfit", "CloseProfit"),
    ),
    "positions": (
        *("at", "InstrumentID", "PosiDirection", "Position", "TodayPosition", "PositionCost"),
        *("UseMargin", "PositionProfit"),
    ),
}


class QueryError(ValueError):
    """``key``: that of its text."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Query(NamedTuple):
    """``day``: a trading day, "" the one of now. ``instrument``: "" all, where that is possible.
    ``latest``: of answers only the newest."""

    stream: Stream
    account: str
    instrument: str = ""
    day: str = ""
    latest: bool = True

    @classmethod
    def of(cls, wanted: Mapping[str, Any], accounts: list[str]) -> Query:
        """From what a form or an address says. Raises QueryError."""
        stream, account = wanted.get("stream"), str(wanted.get("account") or "")
        instrument = str(wanted.get("instrument") or "").strip()
        day = str(wanted.get("day") or "").strip()
        if stream not in STREAMS:
            raise QueryError("data.no_stream")
        if not _DAY.fullmatch(day):
            raise QueryError("data.no_day")
        if not _CODE.fullmatch(instrument) or (stream == "ticks" and not instrument):
            raise QueryError("data.no_instrument")
        if stream != "ticks" and account not in accounts:
            raise QueryError("data.no_account")
        latest = wanted.get("latest") in (True, "1")
        return cls(stream, account, instrument, day, latest)

    @property
    def address(self) -> str:
        """For ``of``."""
        return urlencode({**self._asdict(), "latest": "1" if self.latest else "0"})

    @property
    def file_name(self) -> str:
        parts = [self.stream, self.instrument, "" if self.stream == "ticks" else self.account]
        named = "-".join(part for part in [*parts, self.day] if part)
        return re.sub(r"[^A-Za-z0-9_.-]", "_", named) + ".csv"
