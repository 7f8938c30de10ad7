"""The meters of one account on one trading day."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .meters import Meter
from .rules import Meters
from .tally import Entry, Tally

log = logging.getLogger("td_worker")

_MOST: Final = 50  # exchanges: a client can write anything into ExchangeID


class Day:
    """Counts by exchange, in memory and in the day's tally. ``warnings`` has a line for each mark
    that a meter has come to."""

    def __init__(self, user: str, folder: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._user, self._folder, self._clock_ns = user, folder, clock_ns
        self._day = ""
        self._meters: dict[str, Meter] = {}
        self._tally: Tally | None = None
        self._told: set[tuple[str, str, int]] = set()
        self.warnings: list[str] = []

    def begin(self, day: str, busy: int) -> None:
        """The day of a login. One that has begun, also with an earlier worker, goes on."""
        if day == self._day:
            return
        self._day = day
        self._meters.clear()
        self._told.clear()
        self.warnings.clear()
        if self._tally is not None:
            self._tally.close()
        self._tally = Tally(self._folder, day)
        for entry in self._tally.entries():
            self._meter(entry.exchange).note(entry.ms, entry.cancel, busy)

    def refusal(self, exchange: str, meters: Meters, where: str) -> str:
        """Why one more insertion is refused; "" when it is not."""
        meter = self._meter(exchange)
        for name, bound, value in meter.beyond(self._now_ms(), meters):
            text = f"meters.refuse.{name} {bound} of {where}"
            return f"{text}: {value} at {exchange or 'an exchange'}"
        return ""

    def count(self, exchange: str, cancel: bool, meters: Meters) -> None:
        entry = Entry(self._now_ms(), exchange, cancel)
        meter = self._meter(exchange)
        meter.note(entry.ms, cancel, meters.busy)
        if self._tally is not None:
            self._tally.add(entry)
        for name, mark, value in meter.reached(meters.warn):
            self._warn(exchange, name, mark, value)

    def describe(self) -> dict[str, Any]:
        now_ms = self._now_ms()
        return {
            "meters": {
                exchange: {
                    "orders": meter.orders,
                    "cancels": meter.cancels,
                    "last_s": meter.lately(now_ms),
                    "peak": meter.peak,
                    "busy_seconds": meter.busy,
                }
                for exchange, meter in self._meters.items()
            },
            "warnings": list(self.warnings),
            "not_tallied": self._tally.failed if self._tally is not None else 0,
        }

    def _warn(self, exchange: str, name: str, mark: int, value: int) -> None:
        """Once a day for each mark."""
        if (exchange, name, mark) in self._told:
            return
        self._told.add((exchange, name, mark))
        self.warnings.append(f"meters.warn.{name} {mark} at {exchange or 'an exchange'}")
        fields = {"user": self._user, "exchange": exchange, "meter": name, "value": value}
        log.warning("a programme-trading meter has come to its mark", extra={"fields": fields})

    def _meter(self, exchange: str) -> Meter:
        meter = self._meters.get(exchange)
        if meter is None:
            if len(self._meters) >= _MOST:
                exchange = ""
            meter = self._meters.setdefault(exchange, Meter())
        return meter

    def _now_ms(self) -> int:
        return self._clock_ns() // 1_000_000
