"""What md_worker says of itself each second, see ``bus.stats``."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from bus.frames import HEADER, stat_topic
from bus.publisher import Publisher
from bus.rpc import Router
from bus.stats import Meter, age, buckets, with_more
from schemas.calendar import Calendar, product_of
from schemas.codec import Codec
from schemas.tick_time import tick_time_ns

from .ticks import TickPublisher

_SAMPLES: Final = 16  # topics whose last tick is looked at each second
_LATELY_NS: Final = 1_000_000_000
_PRODUCTS_S: Final = 30.0


class Stats:
    """Looks into the parts when it is time; ticks pay for nothing but the count of their delay."""

    def __init__(
        self,
        program: str,
        publisher: Publisher,
        router: Router,
        ticks: TickPublisher,
        tick: Codec,
        calendar: Calendar,
    ) -> None:
        self._publisher, self._router, self._ticks = publisher, router, ticks
        self._tick, self._calendar = tick, calendar
        self._meter = Meter(program)
        self._topic = stat_topic(program)
        self._front = buckets()
        self._products: list[str] = []
        self._known = 0
        self._known_at = 0.0

    def tell(
        self, instruments: Collection[str], wanted: int, queues: dict[str, int], now: float
    ) -> None:
        """Publish when a second has passed. ``instruments``: those that the front sends."""
        if not self._meter.due(now):
            return
        self._look_at_fronts_time()
        self._find_products(instruments, now)
        stat = self._meter.stat(
            counters={
                "ticks": self._ticks.count,
                "ticks_failed": self._ticks.failed,
                "rows_dropped": self._router.dropped,
                "malformed_calls": self._router.malformed,
                "connections_refused": self._router.refused,
                "calls_forbidden": self._router.forbidden,
            },
            queues=queues,
            levels={"subscribed": len(instruments), "wanted": wanted},
            ages={"tick": age(time.time_ns() / 1e9, self._ticks.last_ns / 1e9)},
            hops={"publish": self._publisher.delays, "front": self._front},
        )
        message = with_more(stat, instruments=self._products)
        self._publisher.tell(self._topic, "Stat", message)

    def _find_products(self, instruments: Collection[str], now: float) -> None:
        """One instrument of each; not every second, for there may be thousands."""
        if len(instruments) == self._known and now - self._known_at < _PRODUCTS_S:
            return
        self._known, self._known_at = len(instruments), now
        self._products = sorted({product_of(name): name for name in list(instruments)}.values())

    def _look_at_fronts_time(self) -> None:
        now_ns = time.time_ns()
        for message in self._ticks.sample(_SAMPLES):
            body = message.find(b"\0") + 1 + HEADER.size
            recv_ns = HEADER.unpack_from(message, body - HEADER.size)[2]
            if now_ns - recv_ns > _LATELY_NS:
                continue
            made = self._made_ns(message[body:], recv_ns)
            if made is not None:
                self._front[max(0, recv_ns - made).bit_length()] += 1

    def _made_ns(self, raw: bytes, recv_ns: int) -> int | None:
        name, day, action, clock = (
            str(self._tick.get(raw, key))
            for key in ("InstrumentID", "TradingDay", "ActionDay", "UpdateTime")
        )
        millisec = int(str(self._tick.get(raw, "UpdateMillisec") or 0))
        return tick_time_ns(self._calendar, name, day, action, clock, millisec, recv_ns)
