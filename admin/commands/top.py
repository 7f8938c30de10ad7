"""``ctpbus top``: what each process does, once a second, and the lights that are not green."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from admin.watch.health import ALIVE_S, GAPS, Colour, Light
from admin.watch.metrics import DROPS
from admin.watch.monitor import Monitor
from admin.watch.told import Told
from bus.stats import Stat

from . import output
from .group import GROUP, Config, Opened, opened

_QUANTILES: Final = (0.5, 0.99)
_FIRST_S: Final = 2.5  # two figures of each process are needed


class Hop(msgspec.Struct, frozen=True):
    """Delays of the last second, in us, each the upper end of a bucket: 2^n ns."""

    p50_us: float
    p99_us: float


class Row(msgspec.Struct, frozen=True):
    """Of the last second. None: nobody tells. ``lost``: since its start, what was dropped and what
    nobody has any more."""

    program: str
    heard: bool
    cpu: float | None = None
    memory: int | None = None
    ticks: float | None = None
    queued: int | None = None
    lost: int | None = None
    hops: dict[str, Hop] = {}


class Sample(msgspec.Struct, frozen=True):
    at_ns: int
    programs: list[Row]
    lights: list[Light]


class Rates:
    """Keeps the figures before the last ones."""

    def __init__(self) -> None:
        self._stats: dict[str, tuple[Stat | None, Stat]] = {}

    def take(self, group: Mapping[str, Told]) -> None:
        """At least as often as they come."""
        for told in group.values():
            kept = self._stats.get(told.program)
            if told.stat is None or (kept is not None and kept[1] is told.stat):
                continue
            same = kept is not None and kept[1].started_ns == told.stat.started_ns
            self._stats[told.program] = kept[1] if kept and same else None, told.stat

    def row(self, told: Told, now: float) -> Row:
        heard = bool(told.heard) and now - told.heard < ALIVE_S
        if told.program not in self._stats or not heard:
            return Row(told.program, heard)
        before, stat = self._stats[told.program]
        counters = stat.counters
        names = DROPS.union(GAPS.get(told.module, ()))
        lost = sum(count for name, count in counters.items() if name in names)
        queued = max(stat.queues.values(), default=0)
        if before is None:
            return Row(told.program, True, None, stat.memory, None, queued, lost)
        ticks = None
        if "ticks" in counters:
            ticks = (counters["ticks"] - before.counters.get("ticks", 0)) / stat.interval_s
        return Row(
            told.program,
            True,
            (stat.cpu_s - before.cpu_s) / stat.interval_s,
            stat.memory,
            ticks,
            queued,
            lost,
            {
                name: hop
                for name, counts in stat.hops.items()
                if (hop := _hop(before.hops.get(name, []), counts)) is not None
            },
        )


def _hop(before: list[int], now: list[int]) -> Hop | None:
    older = before + [0] * (len(now) - len(before))
    counts = [new - old for new, old in zip(now, older, strict=True)]
    if not any(counts):
        return None
    return Hop(*(_quantile(counts, share) for share in _QUANTILES))


def _quantile(counts: list[int], share: float) -> float:
    wanted, seen = share * sum(counts), 0
    for n, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            return float(2**n) / 1000
    raise AssertionError("the counts sum up")


def _cells(row: Row) -> list[str]:
    hops = [f"{name} {hop.p50_us:.0f}/{hop.p99_us:.0f}" for name, hop in row.hops.items()]
    return [
        row.program,
        "yes" if row.heard else "no",
        "-" if row.cpu is None else f"{row.cpu:.1%}",
        "-" if row.memory is None else output.size(row.memory),
        "-" if row.ticks is None else f"{row.ticks:.0f}",
        "-" if row.queued is None else str(row.queued),
        "-" if row.lost is None else str(row.lost),
        ", ".join(hops),
    ]


_STYLES: Final = {Colour.RED: "bold red", Colour.YELLOW: "yellow", Colour.GREEN: "green"}


def _picture(sample: Sample) -> Group:
    headings = ("program", "heard", "cpu", "memory", "ticks/s", "queued", "lost")
    table = output.table((*headings, "hops: half / 99 % within, us"), map(_cells, sample.programs))
    lights = Text()
    for light in sample.lights:
        if light.colour in (Colour.RED, Colour.YELLOW):
            lights.append(f"{light.colour:7} {light.name}: {light.en}\n", _STYLES[light.colour])
    silent = [row.program for row in sample.programs if not row.heard]
    if not lights and silent:
        lights.append(f"not heard: {', '.join(silent)}", _STYLES[Colour.YELLOW])
    elif not lights and sample.lights:
        lights.append("no light is red or yellow", "green")
    return Group(table, Text(), lights)


async def watch(group: Opened, every: float, count: int, live: Live | None, json: bool) -> None:
    """``count`` 0: for ever."""
    monitor = Monitor(group.loaded, group.plan, canary=False)
    rates = Rates()
    shown, due = 0, time.monotonic() + _FIRST_S
    try:
        while not count or shown < count:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            rates.take(monitor.group.told)
            if now < due:
                continue
            due, shown = now + every, shown + 1
            rows = [rates.row(told, now) for told in monitor.group.told.values()]
            sample = Sample(time.time_ns(), rows, monitor.lights)
            if json:
                output.show_json(sample)
            elif live is not None:
                live.update(_picture(sample), refresh=True)
            else:
                output.show(_picture(sample))
    finally:
        await monitor.close()


def command(
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between.")] = 1.0,
    count: Annotated[
        int, typer.Option("--count", "-n", min=0, help="End after so many; 0: go on.")
    ] = 0,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Show what each process does, until Ctrl-C. Without a terminal one table after the other.

    Exit status: 0, 2 the file is wrong."""
    group = opened(config)
    with suppress(KeyboardInterrupt):
        if json or not Console().is_terminal:
            asyncio.run(watch(group, every, count, None, json))
            return
        with Live(Text("listening …"), screen=not count, auto_refresh=False) as live:
            asyncio.run(watch(group, every, count, live, False))
