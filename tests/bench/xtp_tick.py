"""A day's ticks of one code as OFX JSON, which command 100002 asks for all at once.

python -m tests.bench.xtp_tick
"""

from __future__ import annotations

import json
import random
import time

import schemas.catalogue
from schemas.xtp.tick_json import compile_tick_json
from schemas.xtp.ticks import tick

from ..unit.schemas.test_calendar import at
from .table import finish, header, row, verdict

TICKS = 10_000
LIMIT_US = 15.0
CATALOGUE = schemas.catalogue.load()
CODEC = CATALOGUE.codec("DepthMarketData")


def a_day(instrument: str, day: str, begin: str, levels: int) -> list[tuple[bytes, int]]:
    """Struct bytes and the times they came, two a second; the price walks, the book with it."""
    chance, price, volume = random.Random(7), 3120.0, 0
    low = high = price
    made = []
    for number in range(TICKS):
        recv_ns = at(begin) + number * 500_000_000
        second = (recv_ns // 1_000_000_000 + 8 * 3600) % 86_400
        price += chance.choice((-1.0, 0.0, 0.0, 1.0))
        volume += chance.randrange(50)
        low, high = min(low, price), max(high, price)
        fields: dict[str, str | int | float | None] = {
            "InstrumentID": instrument,
            "TradingDay": day,
            "ActionDay": day,
            "UpdateTime": f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
            "UpdateMillisec": number % 2 * 500,
            "LastPrice": price,
            "HighestPrice": high,
            "LowestPrice": low,
            "OpenPrice": 3120.0,
            "UpperLimitPrice": 3400.0,
            "LowerLimitPrice": 2800.0,
            "Volume": volume,
            "Turnover": volume * 31201.5,
            "OpenInterest": 1_900_000.0 + chance.randrange(3000),
            "AveragePrice": 31201.5 + chance.random(),
            "ClosePrice": None,
            "SettlementPrice": None,
        }
        for level in range(1, 6):
            shown = level <= levels
            fields[f"BidPrice{level}"] = price - level if shown else None
            fields[f"AskPrice{level}"] = price + level if shown else None
            fields[f"BidVolume{level}"] = chance.randrange(1, 500) if shown else 0
            fields[f"AskVolume{level}"] = chance.randrange(1, 500) if shown else 0
        made.append((CODEC.pack(fields), recv_ns + 20_000_000))
    return made


def measure(name: str, exchange: str, ticks: list[tuple[bytes, int]]) -> float:
    """Best of five, each time with nothing kept from before; microseconds a tick."""
    runs = []
    for _ in range(5):
        render = compile_tick_json(CATALOGUE.layouts["DepthMarketData"])
        begun = time.perf_counter()
        for raw, recv_ns in ticks:
            render(raw, exchange, 10, recv_ns)
        runs.append((time.perf_counter() - begun) / len(ticks) * 1e6)
    begun = time.perf_counter()
    for raw, recv_ns in ticks[:1000]:
        json.dumps(tick(CODEC.unpack(raw), exchange, 10, recv_ns))
    plain = (time.perf_counter() - begun) * 1e3
    row(name, us=min(runs), plain_us=plain, bytes=len(render(*(ticks[-1][0], exchange, 10, 0))))
    return min(runs)


def main() -> None:
    header("one tick as OFX JSON")
    worst = max(
        measure("future, day", "SHFE", a_day("rb2610", "20261120", "11-20 09:00:00", 1)),
        measure("future, night, the date by the calendar", "DCE",
                a_day("m2609", "20261123", "11-20 21:00:00", 1)),
        measure("stock, five levels", "SZSE", a_day("000001", "20261120", "11-20 09:30:00", 5)),
    )  # fmt: skip
    finish([verdict("a tick as OFX JSON", worst, LIMIT_US, "us")])


if __name__ == "__main__":
    main()
