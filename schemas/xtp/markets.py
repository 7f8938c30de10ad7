"""Names and numbers of markets.

Two enumerations number Shanghai and Shenzhen the other way round: ``exchange_id`` of ticks and
``market`` of everything else. A client's ``market`` is always read by the second.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .errors import wrong


class Market(NamedTuple):
    """``exchange`` is CTP's ExchangeID."""

    exchange: str
    names: tuple[str, ...]
    exchange_id: int
    market: int


# From 3 on the numbers are of later generations, from 101 on ours.
MARKETS: Final = (
    Market("SSE", ("SH", "SSE"), 1, 2),
    Market("SZSE", ("SZ", "SZSE"), 2, 1),
    Market("BSE", ("BJ", "BSE"), 3, 3),
    Market("HKEX", ("HK", "HKEX"), 4, 4),
    Market("SHFE", ("SHFE",), 101, 101),
    Market("DCE", ("DCE",), 102, 102),
    Market("CZCE", ("CZCE",), 103, 103),
    Market("CFFEX", ("CFFEX",), 104, 104),
    Market("INE", ("INE",), 105, 105),
    Market("GFEX", ("GFEX",), 106, 106),
)
SECURITIES: Final = frozenset({"SSE", "SZSE", "BSE", "HKEX"})
SIX_DIGITS: Final = frozenset({"SSE", "SZSE", "BSE"})

EXCHANGE_IDS: Final = {each.exchange: each.exchange_id for each in MARKETS}
MARKET_NUMBERS: Final = {each.exchange: each.market for each in MARKETS}
_BY_NAME: Final = {name: each.exchange for each in MARKETS for name in each.names}
_BY_NUMBER: Final = {each.market: each.exchange for each in MARKETS}


def exchange_id(exchange: str) -> int:
    """Of ticks; 0 when the exchange is not known, because XTP's UNKNOWN is a market of later
    generations."""
    return EXCHANGE_IDS.get(exchange, 0)


def market_number(exchange: str) -> int:
    """``market`` of orders, trades and positions; 0 is XTP's "not set"."""
    return MARKET_NUMBERS.get(exchange, 0)


def market_of(value: Any) -> str:
    """CTP's ExchangeID of a client's ``market``; "" when it names none. Raises XtpError."""
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise wrong("market is neither a name nor a number")
    text = "" if value is None else str(value).strip().upper()
    if text.isascii() and text.isdigit():
        number = int(text[:9])
        found = "" if number == 0 else _BY_NUMBER.get(number)
    else:
        found = _BY_NAME.get(text) if text else ""
    if found is None:
        raise wrong("market is not known")
    return found


def code_of(value: Any, exchange: str) -> str:
    """A client's ``code`` or ``ticker``. A JSON number has lost the zeros in front, which mainland
    exchanges need. Raises XtpError."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return f"{value:06}" if exchange in SIX_DIGITS else str(value)
    raise wrong("code is neither a text nor a number")
