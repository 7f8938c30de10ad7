"""What a check of an order costs with every rule on: python -m tests.bench.limits

A limit order and a quote, 200 live orders on each side of the book, a fresh tick.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bus.rpc import Call
from tests.unit.td_worker.limits.helpers import CATALOGUE, CLIENT, Desk, order, pack

_ROUNDS: Final = 20_000
_RULES: Final[dict[str, Any]] = {
    "max_volume": {"cu": 1, "DCE/*": 2, "*": 10},
    "price_band": {"cu": 0.1, "*": 0.05},
    "orders_per_s": 10**9,
    "max_live_orders": 10**6,
    "instruments": ["SHFE/*", "600000"],
    "verbs": ["ReqOrder*", "ReqQuote*"],
    "self_trade": "refuse",
    "meters": {
        "warn": {"per_s": 10**9, "per_day": 10**9, "busy_seconds": 10**9},
        "refuse": {"per_s": 10**9, "per_day": 10**9, "busy_seconds": 10**9},
    },
    "client": {
        "max_volume": 5,
        "price_band": 0.05,
        "orders_per_s": 10**9,
        "max_live_orders": 10**6,
        "instruments": ["rb"],
    },
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.tick()
        desk.rules(**_RULES)
        for number in range(200):
            desk.order(LimitPrice=3400.0 - number / 10)
            desk.order(LimitPrice=3600.0 + number / 10, Direction="1")
        quote = pack("InputQuote", InstrumentID="rb2610", ExchangeID="SHFE", BidPrice=3490.0)
        fields: dict[str, Any] = {"BidVolume": 1, "AskVolume": 1, "AskPrice": 3510.0}
        quote = CATALOGUE.codec("InputQuote").patch(quote, fields)
        cancel = pack("InputOrderAction", InstrumentID="rb2610", ActionFlag="0")
        for method, body in (
            ("ReqOrderInsert", order()),
            ("ReqQuoteInsert", quote),
            ("ReqOrderAction", cancel),
        ):
            call = Call(1, method, 0, body=body)
            # A new body each time: what was read is kept for the sending.
            check = _time(lambda call=call: _check(desk, call))
            sent = _time(lambda call=call: _sent(desk, call))
            print(f"{method}: check {check:.1f} us, sent {sent:.1f} us")


def _check(desk: Desk, call: Call) -> None:
    copy = Call(1, call.method, 0, body=bytes(bytearray(call.body)))
    desk.limits.check(copy, CLIENT, desk.now)


def _sent(desk: Desk, call: Call) -> None:
    desk.now += 0.0001
    desk.limits.sent(call.method, call.body, CLIENT, None, desk.now)


def _time(run: Any) -> float:
    """Microseconds of one, the best of five series."""
    series = []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(_ROUNDS // 5):
            run()
        series.append((time.perf_counter() - begin) / (_ROUNDS // 5) * 1e6)
    return min(series)


if __name__ == "__main__":
    main()
