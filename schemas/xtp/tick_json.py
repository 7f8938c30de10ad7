"""The JSON of a tick for OFX, put together from parts that seldom change.

``json.dumps(tick(…))`` takes 45 µs, this 6 to 8. Of the hundred values a dozen move; the others
make a template, which is kept by the bytes that it was made of. Texts of prices are kept too,
because prices come back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..calendar import Calendar, exchange_of
from ..codec import Codec
from ..fields import NO_VALUE, struct_of
from ..layout import Field, Layout
from .structs import LEVELS
from .tick_clock import TickClock
from .ticks import LEVELS_OF_CTP, LOWEST, PLAIN_AVERAGE, average, number, tick
from .times import HOURS

# Struct bytes of DepthMarketData, exchange, multiplier, recv_ns; see ``ticks.tick``.
TickJson = Callable[[bytes, str, int, int], bytes]

# In memory order, as all versions of the API have it.
_MOVING: Final = (
    "TradingDay",
    "LastPrice",
    "HighestPrice",
    "LowestPrice",
    "Volume",
    "Turnover",
    "OpenInterest",
    "UpdateTime",
    "UpdateMillisec",
    "BidPrice1",
    "BidVolume1",
    "AskPrice1",
    "AskVolume1",
    "AveragePrice",
    "ActionDay",
)
_DEEPER: Final = tuple(
    f"{side}{what}{level}"
    for level in range(2, LEVELS_OF_CTP + 1)
    for side in ("Bid", "Ask")
    for what in ("Price", "Volume")
)
_MARKS: Final = (
    "last_price",
    "high_price",
    "low_price",
    "close_price",
    "open_interest",
    "data_time",
    "qty",
    "turnover",
    "avg_price",
    "bid",
    "ask",
    "bid_qty",
    "ask_qty",
    "total_position",
)
_KEPT: Final = 4096  # templates, 3 KB each
_NUMBERS_KEPT: Final = 100_000
_TAILS_KEPT: Final = 10_000
_NO_PRICES: Final = ", 0.0" * (LEVELS - LEVELS_OF_CTP) + "]"
_NO_VOLUMES: Final = ", 0" * (LEVELS - LEVELS_OF_CTP) + "]"


class _Template(NamedTuple):
    """``text`` has a mark for each of ``_MARKS``; ``close`` is "" while ClosePrice has no value."""

    text: str
    close: str
    in_dalian: bool


class _Numbers(dict[float, str]):
    """Texts of doubles."""

    def __missing__(self, value: float) -> str:
        if not value or not LOWEST < value < NO_VALUE:
            return "0.0"  # NaN must not become a key: no look-up finds it
        if len(self) >= _NUMBERS_KEPT:
            self.clear()
        text = self[value] = repr(value)
        return text


class _Tails(dict[bytes, tuple[str, str, str, str]]):
    """The texts of all levels but the first, by the bytes of levels 2 to 5: bid, ask, bid_qty and
    ask_qty. Futures hardly ever have any."""

    def __init__(self, layout: Layout, numbers: _Numbers) -> None:
        fields = [field for field in layout.fields if field.name in _DEEPER]
        assert tuple(field.name for field in fields) == _DEEPER
        self.begin, self.end = fields[0].offset, fields[-1].offset + fields[-1].size
        moved = tuple(Field(f.name, f.kind, f.offset - self.begin, f.size) for f in fields)
        self._unpack = struct_of(Layout("Levels", self.end - self.begin, moved)).unpack
        self._numbers = numbers

    def __missing__(self, octets: bytes) -> tuple[str, str, str, str]:
        if len(self) >= _TAILS_KEPT:
            self.clear()
        b2, c2, a2, d2, b3, c3, a3, d3, b4, c4, a4, d4, b5, c5, a5, d5 = self._unpack(octets)
        text = self._numbers
        made = self[octets] = (
            f", {text[b2]}, {text[b3]}, {text[b4]}, {text[b5]}{_NO_PRICES}",
            f", {text[a2]}, {text[a3]}, {text[a4]}, {text[a5]}{_NO_PRICES}",
            f", {c2}, {c3}, {c4}, {c5}{_NO_VOLUMES}",
            f", {d2}, {d3}, {d4}, {d5}{_NO_VOLUMES}",
        )
        return made


def compile_tick_json(layout: Layout, calendar: Calendar = HOURS) -> TickJson:
    """The same bytes as ``json.dumps(tick(…))``. One thread at a time may use it."""
    moving = struct_of(layout, _MOVING).unpack
    still = struct_of(_blocks(layout)).unpack
    numbers = _Numbers()
    tails = _Tails(layout, numbers)
    begin, end = tails.begin, tails.end
    clock = TickClock(calendar)
    codec = Codec(layout)
    kept: dict[tuple[str, bytes, tuple[bytes, ...]], _Template] = {}

    def remember(key: tuple[str, bytes, tuple[bytes, ...]], raw: bytes) -> _Template:
        if len(kept) >= _KEPT:
            kept.clear()
        made = kept[key] = _template(codec.unpack(raw), key[0], calendar)
        return made

    def render(raw: bytes, exchange: str, multiplier: int, recv_ns: int) -> bytes:
        (
            trading_day,
            last,
            high,
            low,
            volume,
            turnover,
            interest,
            time,
            millisec,
            bid,
            bid_qty,
            ask,
            ask_qty,
            price,
            action_day,
        ) = moving(raw)
        key = (exchange, trading_day, still(raw))
        template, close, in_dalian = kept.get(key) or remember(key, raw)
        made = clock.quick(trading_day, action_day, time, millisec, recv_ns, in_dalian)
        if not made:
            instrument = str(codec.get(raw, "InstrumentID"))
            made = clock.exact(instrument, trading_day, action_day, time, millisec, recv_ns)
        mean = average(
            price if LOWEST < price < NO_VALUE else 0.0,
            multiplier,
            low if LOWEST < low < NO_VALUE else 0.0,
            high if LOWEST < high < NO_VALUE else 0.0,
            exchange == PLAIN_AVERAGE,
        )
        bids, asks, bid_qtys, ask_qtys = tails[raw[begin:end]]
        last_text, interest_text = numbers[last], numbers[interest]
        return (
            template
            % (
                last_text,
                numbers[high],
                numbers[low],
                close or last_text,
                interest_text,
                made,
                volume,
                # These two do not come back.
                repr(turnover) if 0.0 < turnover < NO_VALUE else numbers[turnover],
                repr(mean) if mean else "0.0",
                f"[{numbers[bid]}{bids}",
                f"[{numbers[ask]}{asks}",
                f"[{bid_qty}{bid_qtys}",
                f"[{ask_qty}{ask_qtys}",
                interest_text,
            )
        ).encode("ascii")

    return render


def _blocks(layout: Layout) -> Layout:
    """What stays, neighbours as one text each."""
    blocks: list[Field] = []
    for field in layout.fields:
        if field.name in _MOVING or field.name in _DEEPER:
            continue
        last = blocks[-1] if blocks else None
        if last is not None and last.offset + last.size == field.offset:
            blocks[-1] = Field(last.name, "s", last.offset, last.size + field.size)
        else:
            blocks.append(Field(field.name, "s", field.offset, field.size))
    return Layout("Still", layout.size, tuple(blocks))


def _template(fields: dict[str, Any], exchange: str, calendar: Calendar) -> _Template:
    record = tick(fields, exchange, 1, 0, calendar)
    items = (
        f'"{key}": ' + ("%s" if key in _MARKS else json.dumps(value).replace("%", "%%"))
        for key, value in record.items()
    )
    close = number(fields["ClosePrice"])
    return _Template(
        "{" + ", ".join(items) + "}",
        repr(close) if close else "",
        exchange_of(record["ticker"]) == "DCE",
    )
