"""The figures of a group for Prometheus.

Labels have few values, all of them from the configuration or from the code: names of programs, of
counters, of hops. No account, client or instrument is named; there are numbers of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bus.stats import MdStat

from .health import ALIVE_S, GAPS, Colour, Light, ready
from .told import Told

# What was dropped, by the name of the counter.
DROPS: Final = frozenset(
    {
        "ticks_failed",
        "rows_dropped",
        "malformed_calls",
        "calls_forbidden",
        "not_written",
        "answers_missed",
        "unhandled",
        "overflows",
        "stalls",
        "withdrawn",
        "slow",
        "silent",
        "bad",
    }
)
_VALUES: Final = {Colour.GREEN: 0, Colour.YELLOW: 1, Colour.RED: 2, Colour.GREY: -1}
# 1 us to 17 s; delays below and above are in the first and the last bucket.
_FIRST, _LAST = 10, 34
_NAME: Final = re.compile(r"[A-Za-z0-9_.]{1,40}")
_MOST_KINDS: Final = 64


class GroupCollector(Collector):
    """``group`` and ``lights`` are looked at when somebody asks."""

    def __init__(
        self,
        group: Mapping[str, Told],
        lights: Callable[[], Sequence[Light]],
        clock: Callable[[], float],
    ) -> None:
        self._group, self._lights, self._clock = group, lights, clock

    def describe(self) -> list[Metric]:
        return []  # so that to register asks for nothing

    def collect(self) -> Iterator[Metric]:
        yield from self._processes()
        stats = [(told.program, told.stat) for told in self._group.values() if told.stat]
        yield from _counters(stats, self._modules())
        yield from _figures(stats)
        yield _hops(stats)
        yield from _kinds(stats)
        yield from _of_lights(self._lights())

    def _modules(self) -> dict[str, str]:
        return {told.program: told.module for told in self._group.values()}

    def _processes(self) -> Iterator[Metric]:
        now = self._clock()
        up = _gauge("up", "Whether the process was heard within two seconds", "program")
        uses: dict[str, Callable[[MdStat], float]] = {
            "memory_bytes": lambda stat: stat.memory,
            "open_files": lambda stat: stat.files,
            "max_files": lambda stat: stat.most_files,
            "start_time_seconds": lambda stat: stat.started_ns / 1e9,
        }
        gauges = {name: _gauge(name, "As the process says of itself", "program") for name in uses}
        cpu = _counter("cpu_seconds", "Of all threads since the start", "program")
        for told in self._group.values():
            up.add_metric([told.program], float(bool(told.heard) and now - told.heard < ALIVE_S))
            if told.stat is not None:
                cpu.add_metric([told.program], told.stat.cpu_s)
                for name, use in uses.items():
                    gauges[name].add_metric([told.program], use(told.stat))
        return iter([up, cpu, *gauges.values()])


Stats = list[tuple[str, MdStat]]


def _counters(stats: Stats, modules: Mapping[str, str]) -> Iterator[Metric]:
    """Each counter in one family only; what belongs to none is in "events"."""
    families = {
        "ticks": _counter("ticks", "Ticks that came", "program"),
        "conflated": _counter("conflated", "Ticks replaced by newer ones", "program"),
    }
    drops = _counter("drops", "Dropped messages, by what became of them", "program", "what")
    gaps = _counter("gaps", "Messages that nobody has any more", "program", "what")
    events = _counter("events", "Everything else that is counted", "program", "what")
    for program, stat in stats:
        for name, count in stat.counters.items():
            if name in families:
                families[name].add_metric([program], count)
            elif name in GAPS.get(modules.get(program, ""), ()):
                gaps.add_metric([program, name], count)
            else:
                (drops if name in DROPS else events).add_metric([program, name], count)
    return iter([*families.values(), drops, gaps, events])


def _figures(stats: Stats) -> Iterator[Metric]:
    queues = _gauge("queue_length", "Messages that wait", "program", "queue")
    levels = _gauge("level", "Other figures of now", "program", "what")
    ages = _gauge("age_seconds", "Since something came from there; -1: never", "program", "source")
    for program, stat in stats:
        for family, values in ((queues, stat.queues), (levels, stat.levels), (ages, stat.ages)):
            for name, value in values.items():
                family.add_metric([program, name], value)
    return iter([queues, levels, ages])


def _hops(stats: Stats) -> Metric:
    family = HistogramMetricFamily(
        "ctpbus_hop_seconds", "Delays by hop, see bus/stats.py", labels=["program", "hop"]
    )
    for program, stat in stats:
        for hop, counts in stat.hops.items():
            family.add_metric([program, hop], buckets=_cumulative(counts), sum_value=None)
    return family


def _cumulative(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Bucket n has delays below 2^n ns."""
    found = [(repr(2.0**n / 1e9), float(sum(counts[: n + 1]))) for n in range(_FIRST, _LAST + 1)]
    return [*found, ("+Inf", float(sum(counts)))]


def _kinds(stats: Stats) -> Iterator[Metric]:
    outcomes = _counter("order_outcomes", "Orders that came into a state", "program", "outcome")
    refusals = _counter("refusals", "Orders refused by a limit, by the rule", "program", "rule")
    for program, stat in stats:
        for family, name in ((outcomes, "outcomes"), (refusals, "refusals")):
            for kind, count in list(stat.kinds.get(name, {}).items())[:_MOST_KINDS]:
                if _NAME.fullmatch(kind):
                    family.add_metric([program, kind], count)
    return iter([outcomes, refusals])


def _of_lights(lights: Sequence[Light]) -> Iterator[Metric]:
    family = _gauge("light", "0 green, 1 yellow, 2 red, -1 not known or not asked for", "light")
    for light in lights:
        family.add_metric([light.name], _VALUES[light.colour])
    served = _gauge("ready", "Whether clients are served, as /readyz")
    served.add_metric([], float(ready(lights)))
    return iter([family, served])


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ctpbus_{name}", text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"ctpbus_{name}", text, labels=labels)
