"""The recorder is killed in the middle of its work; then every seq is in its files, or marked.

    python -m tests.chaos.recorder --kills 50

A md_worker by script publishes without a pause. At each kill every file must be readable to its
last complete record, and what it lacks no older than one batch. At the end each seq that was
published is in the files once, or within a mark, and the log has told of as many as are marked.
``--no-healing``: md_worker keeps nothing, so what a crash took must be marked.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bus.frames import tick_topic
from recorder.ticks.reading import DayReader
from recorder.ticks.record import GAP, FileError
from tests.support.edge_core import CATALOGUE
from tests.support.fake_md import FakeMd
from tests.support.fake_worker import wait_until
from tests.support.group import Group

NAMES: Final = [f"rb{number}" for number in range(2601, 2621)]
DAY: Final = "20261123"
BATCH_S: Final = 0.2
# The machine may let the recorder wait; what it had read and not written is what counts.
SLACK_S: Final = 1.0
TURN_S: Final = 0.1  # one tick of each instrument
WORK_S: Final = (0.2, 1.2)


@dataclass
class Figures:
    kills: int = 0
    published: int = 0
    marked: int = 0
    told: int = 0
    oldest_ms: float = 0.0
    faults: list[str] = field(default_factory=list)


class Flood(threading.Thread):
    """One tick of each instrument in each turn; ``sent`` has when each seq was published."""

    def __init__(self, md: FakeMd) -> None:
        super().__init__(daemon=True)
        self._md, self._ended = md, threading.Event()
        codec = CATALOGUE.codec("DepthMarketData")
        self._raws = {name: codec.pack({"TradingDay": DAY, "InstrumentID": name}) for name in NAMES}
        self.sent: dict[str, list[int]] = {name: [] for name in NAMES}

    def run(self) -> None:
        while not self._ended.wait(TURN_S):
            for name in NAMES:
                self._md.tick(name, self._raws[name])
                self.sent[name].append(time.monotonic_ns())

    def end(self) -> None:
        self._ended.set()
        self.join()


def torture(folder: Path, kills: int, seed: int, heals: bool) -> Figures:
    chance, figures = random.Random(seed), Figures()
    overrides = {"calendar": "always", "recorder": {"batch_s": BATCH_S, "min_free_mb": 0}}
    with Group(folder, overrides=overrides) as group, FakeMd(group, heals=heals) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        flood = Flood(md)
        flood.start()
        for _ in range(kills):
            time.sleep(chance.uniform(*WORK_S))
            killed_ns = time.monotonic_ns()
            group.kill("recorder")
            figures.kills += 1
            _judge_crash(group, flood, killed_ns, figures)
            md.wait_subscribed("tick/", False)
            group.start("recorder")
            md.wait_subscribed("tick/")
            _until_caught_up(group, flood)
        flood.end()
        _judge_end(group, flood, figures)
        assert group.stop("recorder") == 0
    return figures


def _read(group: Group, name: str) -> tuple[list[int], set[int], int]:
    """Seqs, those within marks, and how many records cannot be read."""
    path = group.data / "recorder" / "ticks" / DAY / f"{name}.ticks"
    seqs: list[int] = []
    marked: set[int] = set()
    damaged = 0
    if not path.exists():
        return seqs, marked, damaged
    with DayReader(path) as reader:
        for number in range(len(reader)):
            try:
                record = reader[number]
            except FileError:
                damaged += 1
                continue
            if record.type == GAP:
                marked.update(range(record.first_missing or record.seq, record.seq + 1))
            else:
                seqs.append(record.seq)
    return seqs, marked, damaged


def _judge_crash(group: Group, flood: Flood, killed_ns: int, figures: Figures) -> None:
    for name in NAMES:
        seqs, marked, damaged = _read(group, name)
        if damaged:
            figures.faults.append(f"{name}: {damaged} records cannot be read")
        last = max([0, *seqs, *marked])
        unwritten = flood.sent[name][last : last + 1]
        if unwritten and unwritten[0] < killed_ns:
            age = (killed_ns - unwritten[0]) / 1e9
            figures.oldest_ms = max(figures.oldest_ms, age * 1e3)
            if age > BATCH_S + SLACK_S:
                figures.faults.append(f"{name}: {age:.1f} s were not written")


def _until_caught_up(group: Group, flood: Flood) -> None:
    goal = {name: len(flood.sent[name]) for name in NAMES}

    def there() -> bool:
        for name, count in goal.items():
            seqs, marked, _ = _read(group, name)
            if max([0, *seqs, *marked]) < count:
                return False
        return True

    wait_until(there, lambda: f"the recorder does not go on:\n{group.log('recorder')}")


def _judge_end(group: Group, flood: Flood, figures: Figures) -> None:
    _until_caught_up(group, flood)
    for name in NAMES:
        seqs, marked, _ = _read(group, name)
        count = len(flood.sent[name])
        figures.published += count
        figures.marked += len(marked)
        if len(set(seqs)) != len(seqs) or seqs != sorted(seqs):
            figures.faults.append(f"{name}: twice, or out of order")
        if missing := set(range(1, count + 1)) - set(seqs) - marked:
            figures.faults.append(f"{name}: {len(missing)} neither kept nor marked")
        if both := marked & set(seqs):
            figures.faults.append(f"{name}: {len(both)} marked although they are there")
    lines = [json.loads(line) for line in group.log("recorder").splitlines()]
    figures.told = sum(line["ticks"] for line in lines if line["event"] == "ticks lost")
    if figures.told < figures.marked:
        figures.faults.append(f"{figures.marked} are marked, {figures.told} were told of")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-healing", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ctpbus-recorder-") as folder:
        figures = torture(Path(folder), options.kills, options.seed, not options.no_healing)
    print(f"kills            {figures.kills}")
    print(f"published        {figures.published} on {tick_topic('*')}")
    print(f"marked as gaps   {figures.marked}, told of {figures.told}")
    print(f"oldest unwritten {figures.oldest_ms:.0f} ms, one batch is {BATCH_S * 1e3:.0f}")
    for fault in figures.faults:
        print(f"WRONG {fault}")
    sys.exit(1 if figures.faults else 0)


if __name__ == "__main__":
    main()
