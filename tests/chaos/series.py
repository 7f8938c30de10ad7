"""Rounds one behind the other, and series of them side by side."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

import msgspec


class Result(msgspec.Struct):
    """Figures of a round, or of several."""

    counts: dict[str, int] = {}
    faults: dict[str, int] = {}
    folders: list[str] = []

    def add(self, other: Result) -> None:
        for mine, theirs in ((self.counts, other.counts), (self.faults, other.faults)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        self.folders += other.folders

    def sum(self, prefix: str) -> int:
        """Of all figures whose names begin so."""
        return sum(count for name, count in self.counts.items() if name.startswith(prefix))


def side_by_side(
    module: str, shares: Sequence[Mapping[str, int]], flags: Sequence[str] = ()
) -> Result:
    """The module's own command line with ``--json``, once for each share of the work."""
    running = []
    for share in shares:
        own = [part for name, value in share.items() for part in (f"--{name}", str(value))]
        command = [sys.executable, "-m", module, "--json", *flags, *own]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    total = Result()
    for process in running:
        out, _ = process.communicate()
        if not out:
            raise SystemExit("a series broke off")
        total.add(msgspec.json.decode(out, type=Result))
    return total


def parts(whole: int, count: int) -> list[int]:
    """``whole`` in ``count`` shares that differ by one at the most."""
    share, rest = divmod(whole, count)
    return [share + (number < rest) for number in range(count)]
