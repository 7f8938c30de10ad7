"""Message rates and delays per hop, from what each process says of itself once a second. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bus.stats import MdStat

from .series import Series

SPAN_S: Final = 300.0
STEP_S: Final = 1.0
# What the kinds of processes count as their messages.
MESSAGES: Final = ("ticks", "returns", "deliveries", "written")


class Hop(NamedTuple):
    """Delays of the messages of one second, in ms: half of them, and 99 of 100, are below. Buckets
    are powers of two, so each is right within a factor of two."""

    program: str
    hop: str
    messages: int
    p50_ms: float
    p99_ms: float


class Rates:
    """Of all processes of a group. ``number`` rises with what ``look`` has found."""

    def __init__(self) -> None:
        self._stats: dict[str, MdStat] = {}
        self.rates: dict[tuple[str, str], Series] = {}
        self.delays: dict[tuple[str, str], Series] = {}
        self.hops: dict[tuple[str, str], Hop] = {}
        self.number = 0

    def look(self, stats: Mapping[str, MdStat], at_ms: float) -> None:
        """``stats``: the latest of each program; those that were seen before are passed over."""
        for program, stat in stats.items():
            before = self._stats.get(program)
            if before is stat:
                continue
            self._stats[program] = stat
            self.number += 1
            # Counters begin anew with a process.
            if before is not None and before.pid == stat.pid and stat.interval_s > 0:
                self._count(program, before, stat, at_ms)
                self._delay(program, before, stat, at_ms)

    def _count(self, program: str, before: MdStat, stat: MdStat, at_ms: float) -> None:
        for name in MESSAGES:
            if name in stat.counters:
                more = stat.counters[name] - before.counters.get(name, 0)
                self._rate(program, name, more / stat.interval_s, at_ms)
        if (requests := stat.kinds.get("requests")) is not None:  # of OFX, by command
            more = sum(requests.values()) - sum(before.kinds.get("requests", {}).values())
            self._rate(program, "requests", more / stat.interval_s, at_ms)

    def _rate(self, program: str, name: str, rate: float, at_ms: float) -> None:
        series = self.rates.setdefault((program, name), Series(SPAN_S, STEP_S))
        series.add(at_ms, round(max(0.0, rate), 1))

    def _delay(self, program: str, before: MdStat, stat: MdStat, at_ms: float) -> None:
        for name, counts in stat.hops.items():
            more = _difference(counts, before.hops.get(name, []))
            series = self.delays.setdefault((program, name), Series(SPAN_S, STEP_S))
            if sum(more) == 0:
                series.add(at_ms, None)
                continue
            hop = Hop(program, name, sum(more), quantile_ms(more, 0.5), quantile_ms(more, 0.99))
            self.hops[program, name] = hop
            series.add(at_ms, hop.p99_ms)


def _difference(now: Sequence[int], before: Sequence[int]) -> list[int]:
    return [max(0, count - (before[n] if n < len(before) else 0)) for n, count in enumerate(now)]


def quantile_ms(counts: Sequence[int], part: float) -> float:
    """The upper end of the bucket that the quantile is in; bucket n ends at 2^n ns."""
    wanted, seen = part * sum(counts), 0
    for n, count in enumerate(counts):
        seen += count
        if seen >= wanted and count:
            return float(2.0**n / 1e6)
    return 0.0
