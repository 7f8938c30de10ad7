"""What the benchmarks print."""

from __future__ import annotations

import os
import platform
import sys
import timeit
from collections.abc import Callable, Sequence
from importlib.metadata import version

_PACKAGES = ("pyzmq", "msgspec", "websockets", "uvloop", "openctp-ctp")


def header(title: str) -> None:
    """The line that says on what the figures below were measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    print(
        f"# {title}: Python {platform.python_version()}, {packages}, "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def row(name: str, **figures: float | int | str) -> None:
    cells = (
        f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in figures.items()
    )
    print(f"{name:44} {'  '.join(cells)}", flush=True)


def verdict(name: str, value: float, limit: float, unit: str) -> bool:
    """One promise: whether the value is below its limit."""
    kept = value < limit
    print(f"{'kept  ' if kept else 'MISSED'} {name}: {value:.2f} {unit}, limit {limit:.3g} {unit}")
    return kept


def verdict_at_least(name: str, value: float, limit: float, unit: str) -> bool:
    """One promise: whether the value reaches its limit."""
    kept = value >= limit
    word = "kept  " if kept else "MISSED"
    print(f"{word} {name}: {value:.2f} {unit}, at least {limit:.3g} {unit}", flush=True)
    return kept


def finish(kept: Sequence[bool]) -> None:
    """Exit status 1 when a promise was missed."""
    sys.exit(0 if all(kept) else 1)


def quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def micros(
    call: Callable[[], object], number: int = 20_000, repeat: int = 7
) -> tuple[float, float]:
    """(best, median) microseconds of one call."""
    runs = sorted(timeit.repeat(call, number=number, repeat=repeat))
    return runs[0] / number * 1e6, runs[repeat // 2] / number * 1e6
