"""Recorded days for tests: made up, or taken from a running md_worker."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from bus.frames import HEADER, Flag, message_type, tick_topic
from recorder.ticks.store import TickStore
from schemas import catalogue
from schemas.catalogue import Catalogue
from schemas.codec import Value

DAY: Final = "20261123"
NINE_NS: Final = 1_795_395_600_000_000_000  # 2026-11-23 09:00:00 in Beijing
TICK: Final = message_type("OnRtnDepthMarketData")
_FLAGS: Final = int(Flag.HAS_FIELD)


@cache
def _catalogue() -> Catalogue:
    return catalogue.load()


def tick(instrument: str, number: int, **other: Value) -> bytes:
    """The struct of the tick with this number, two of them a second from 09:00 on."""
    half, at = number % 2, 9 * 3600 + number // 2
    values: dict[str, Value] = {
        "TradingDay": DAY,
        "ActionDay": DAY,
        "InstrumentID": instrument,
        "ExchangeID": "SHFE",
        "UpdateTime": f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}",
        "UpdateMillisec": 500 * half,
        "LastPrice": 3500.0 + number % 97 * 0.1,
        "Volume": number,
        "Turnover": number * 35_000.0,
        "BidPrice1": None if number % 7 == 0 else 3499.5,
        "BidVolume1": number % 50,
        "SettlementPrice": None,
    }
    return _catalogue().codec("DepthMarketData").pack(values | other)


def message(instrument: str, seq: int, recv_ns: int, body: bytes, epoch: int = 7) -> bytes:
    layout = _catalogue().layout_id
    header = HEADER.pack(epoch, seq, recv_ns, recv_ns + 30_000, TICK, layout, _FLAGS)
    return tick_topic(instrument).encode() + b"\0" + header + body


def record(
    folder: Path, instruments: Iterable[str], count: int, step_ns: int = 500_000_000
) -> dict[str, list[bytes]]:
    """A day of ``count`` ticks of each instrument, in ``folder``; their structs."""
    store = TickStore(folder)
    bodies: dict[str, list[bytes]] = {}
    for number in range(count):
        for place, name in enumerate(instruments):
            body = tick(name, number)
            bodies.setdefault(name, []).append(body)
            recv_ns = NINE_NS + number * step_ns + place * 1000
            store.add(DAY, name, message(name, number + 1, recv_ns, body))
        if number % 100 == 99:
            store.flush()
    store.close()
    return bodies
