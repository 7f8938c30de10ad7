"""One tick to JSON: struct bytes by our codec, against SWIG properties by the standard json.

    python -m tests.bench.json_ratio

The other side is how webctp and its forks do it: each of the 48 properties read into a dict, the
23 price fields through a function that compares with DBL_MAX, that dict into the envelope, and
json.dumps with compact separators and raw UTF-8. Both sides end with the bytes of one message.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from typing import Any

import schemas.binding
import schemas.catalogue
from schemas.tick_msgpack import compile_tick_msgpack

from .table import header, micros, row, verdict

_NOT_CHECKED = {"CurrDelta", "PreDelta", "OpenInterest", "PreOpenInterest", "Turnover"}
_BEGIN = b'{"MsgType":"RtnDepthMarketData","DepthMarketData":'


def tick_bytes(catalogue: schemas.catalogue.Catalogue) -> bytes:
    """A tick as a futures front sends it: one level of the book, the rest without a value."""
    layout = catalogue.layouts["DepthMarketData"]
    values: dict[str, Any] = dict.fromkeys(f.name for f in layout.fields if f.kind == "d")
    values |= {
        "TradingDay": "20260728",
        "ActionDay": "20260728",
        "InstrumentID": "rb2610",
        "ExchangeID": "SHFE",
        "UpdateTime": "10:15:30",
        "UpdateMillisec": 500,
        "LastPrice": 3187.0,
        "PreSettlementPrice": 3180.0,
        "PreClosePrice": 3182.0,
        "PreOpenInterest": 1893211.0,
        "OpenPrice": 3183.0,
        "HighestPrice": 3199.0,
        "LowestPrice": 3171.0,
        "Volume": 812345,
        "Turnover": 25876543210.0,
        "OpenInterest": 1901234.0,
        "UpperLimitPrice": 3402.0,
        "LowerLimitPrice": 2957.0,
        "BidPrice1": 3186.0,
        "BidVolume1": 211,
        "AskPrice1": 3187.0,
        "AskVolume1": 98,
        "AveragePrice": 31853.2,
        "PreDelta": 0.0,  # these two are no prices: the peers would send DBL_MAX
        "CurrDelta": 0.0,
    }
    return catalogue.codec("DepthMarketData").pack(values)


class Price:
    """A static method, looked up and called for each price, is what those programs have."""

    @staticmethod
    def or_zero(price: float) -> float:
        if price == sys.float_info.max:
            price = 0
        return price


def by_properties(catalogue: schemas.catalogue.Catalogue) -> Callable[[Any], bytes]:
    """From the binding's struct object to the message."""
    fields = catalogue.layouts["DepthMarketData"].fields
    prices = {f.name for f in fields if f.kind == "d"} - _NOT_CHECKED
    assert (len(fields), len(prices)) == (48, 23)
    parts = [
        f"{name!r}: Price.or_zero(t.{name})" if name in prices else f"{name!r}: t.{name}"
        for name in sorted(f.name for f in fields)
    ]
    scope: dict[str, Any] = {"Price": Price}
    exec(f"def to_dict(t): return {{{', '.join(parts)}}}", scope)
    to_dict = scope["to_dict"]

    def message(tick: Any) -> bytes:
        envelope = {"MsgType": "RtnDepthMarketData", "DepthMarketData": to_dict(tick)}
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    return message


def from_bytes(catalogue: schemas.catalogue.Catalogue) -> Callable[[bytes], bytes]:
    """From the struct's bytes to the message."""
    payload = catalogue.reply_codec("md", "OnRtnDepthMarketData").json
    return lambda raw: _BEGIN + payload(raw) + b"}"


def main() -> bool:
    header("one tick to JSON")
    catalogue = schemas.catalogue.load()
    binding = schemas.binding.load()
    raw = tick_bytes(catalogue)
    tick = binding.mdapi.CThostFtdcDepthMarketDataField()
    address = int(tick.this)
    ctypes.memmove(address, raw, len(raw))
    ours, theirs = from_bytes(catalogue), by_properties(catalogue)
    assert ours(raw) == theirs(tick)

    slow = micros(lambda: theirs(tick), number=2_000)
    copy = micros(lambda: ctypes.string_at(address, len(raw)))
    fast = micros(lambda: ours(raw))
    row("properties, dict, json.dumps", best_us=slow[0], median_us=slow[1])
    row("raw copy in the callback", best_us=copy[0], median_us=copy[1])
    row("struct bytes to JSON", best_us=fast[0], median_us=fast[1])
    codec = catalogue.reply_codec("md", "OnRtnDepthMarketData")
    to_array = compile_tick_msgpack(codec.layout, codec.order)
    array, share = micros(lambda: to_array(raw)), len(to_array(raw)) / len(codec.json(raw))
    row("struct bytes to MessagePack", best_us=array[0], median_us=array[1], size_of_json=share)
    ratio = slow[1] / fast[1]
    row("times faster", without_copy=ratio, with_copy=slow[1] / (fast[1] + copy[1]))
    return verdict("struct bytes to JSON", fast[1], slow[1] / 10, "us (a tenth of the peers')")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
