"""The orders that clients place: some rest, some trade, some are refused here or there."""

from __future__ import annotations

import random
from typing import Any, Final, NamedTuple

from sim.control import SimControl
from sim.exchange.counter import Counter
from sim.exchange.settings import Settings

from .diary import Intent

PRODUCTS: Final = ("rb", "m", "SR", "IF")
BUY: Final = "0"
SELL: Final = "1"
_KINDS: Final = {
    "rest": 25,
    "trade": 25,
    "near": 15,
    "fak": 8,
    "fak in vain": 5,
    "fok": 5,
    "counter refuses": 9,
    "exchange refuses": 8,
}


class Market(NamedTuple):
    """An instrument and its prices of the moment."""

    instrument: str
    exchange: str
    tick: float
    low: float
    last: float
    high: float


def markets(sim: SimControl, now_ns: int) -> list[Market]:
    """One instrument of each product."""
    found = []
    listed = Counter(Settings(), now_ns).instruments()
    for product in PRODUCTS:
        first = next(i for i in listed if i.product_id == product)
        quote = sim.snapshot(first.id)
        prices = (quote["LowerLimitPrice"], quote["LastPrice"], quote["UpperLimitPrice"])
        found.append(Market(first.id, first.exchange, first.price(1), *prices))
    return found


def draw(chance: random.Random, markets: list[Market]) -> Intent:
    """Any order."""
    market = chance.choice(markets)
    direction = chance.choice((BUY, SELL))
    waits, trades = (market.low, market.high) if direction == BUY else (market.high, market.low)
    order: dict[str, Any] = {
        "instrument": market.instrument,
        "exchange": market.exchange,
        "direction": direction,
        "offset": "0",
        "price": waits,
        "volume": chance.randint(1, 3),
    }
    match chance.choices(list(_KINDS), list(_KINDS.values()))[0]:
        case "trade":
            order["price"] = trades
        case "near":
            order["price"] = round(market.last + chance.randrange(-20, 21) * market.tick, 6)
        case "fak":
            order |= {"price": trades, "time_condition": "1"}
        case "fak in vain":
            order |= {"time_condition": "1"}
        case "fok":
            order |= {"price": trades, "time_condition": "1", "volume_condition": "3"}
        case "counter refuses":
            order |= chance.choice(({"instrument": "nosuch99"}, {"offset": "3", "volume": 90_000}))
        case "exchange refuses":
            order |= {"direction": BUY, "price": market.high + 50 * market.tick}
    return Intent(**order)
