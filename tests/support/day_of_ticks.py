"""The trading day's ticks of one code, as a recorder has them that ran since the morning."""

from __future__ import annotations

import time
from pathlib import Path

import schemas.catalogue
from bus.frames import HEADER, Flag, message_type
from recorder.ticks.store import TickStore
from schemas.calendar import always_open
from schemas.codec import Value


def write_day(folder: Path, code: str, records: int) -> None:
    """Into a recorder's folder: two a second, nothing in them stands still for long."""
    catalogue = schemas.catalogue.load()
    codec, layout = catalogue.codec("DepthMarketData"), catalogue.layout_id
    now = time.time_ns()
    today = f"{always_open().trading_day('', now):%Y%m%d}"
    store = TickStore(folder)
    for number in range(records):
        seconds, half = divmod(number, 2)
        prices: dict[str, Value] = {
            f"{side}{what}{level}": value
            for level in range(1, 6)
            for side, what, value in (
                ("Bid", "Price", 35.0 - level / 100 + number % 7 / 100),
                ("Ask", "Price", 35.0 + level / 100 + number % 7 / 100),
                ("Bid", "Volume", number * level % 100 * 100),
                ("Ask", "Volume", number * level % 77 * 100),
            )
        }
        fields: dict[str, Value] = {
            "TradingDay": today,
            "ActionDay": today,
            "InstrumentID": code,
            "UpdateTime": f"{9 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
            "UpdateMillisec": half * 500,
            "LastPrice": 35.0 + number % 37 / 100,
            "Volume": number * 300,
            "Turnover": number * 10500.5,
            "AveragePrice": 35.0 + number % 97 / 1000,
        }
        head = HEADER.pack(
            1, number + 1, now, now, message_type("OnRtnDepthMarketData"), layout, Flag.HAS_FIELD
        )
        store.put((today, code), head, codec.pack(fields | prices))
    store.close()
