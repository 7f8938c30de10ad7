"""What one incoming message costs md_merge: CPU time of the process, ZeroMQ's thread included.

    python -m tests.bench.merge_path

Two feeds publish the same ticks of 20 instruments over real sockets, one a little behind the other,
to a subscriber that takes them all. Half of the messages are published once more, half are found to
be duplicates. "flat out": as fast as md_merge can; "2,000/s": in portions of ten from each feed,
each of which wakes both threads, and with what it costs to be there at all ("idle").
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import schemas.catalogue
from bus.frames import tick_topic
from tests.support.buslink import MdLink
from tests.support.fake_feed import FakeFeed
from tests.support.group import Group

from .table import finish, header, row, verdict

INSTRUMENTS = [f"rb{number:04}" for number in range(2601, 2621)]
PORTION = 10
LIMIT_US = 15.0
TIMEOUT_S = 120.0
IDLE_S = 3.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main() -> None:
    header("md_merge, one incoming message")
    ticks = _market(40_000)
    with _merge() as (group, _, link):
        before, began = _cpu_s(group), time.monotonic()
        while time.monotonic() < began + IDLE_S:
            link.pump(0.1)
        row("idle, 20 topics", cpu_ms_per_s=(_cpu_s(group) - before) / IDLE_S * 1e3)
    for name, count, rate in (("2,000/s", 8_000, 2_000), ("flat out", 40_000, 0)):
        with _merge() as (group, feeds, link):
            before, began = _cpu_s(group), time.monotonic()
            _play(feeds, ticks[:count], rate, link)
            cost_us = (_cpu_s(group) - before) / (2 * count) * 1e6
            took_s = time.monotonic() - began
            row(name, messages=2 * count, cpu_us=cost_us, per_s=int(2 * count / took_s))
    finish([verdict("CPU of a message, flat out", cost_us, LIMIT_US, "us")])


@contextmanager
def _merge() -> Iterator[tuple[Group, tuple[FakeFeed, FakeFeed], MdLink]]:
    settings: dict[str, Any] = {"md_worker": {"feeds": {"a": {}, "b": {}}}}
    with tempfile.TemporaryDirectory() as folder, Group(Path(folder), overrides=settings) as group:
        group.start("md_merge")
        with FakeFeed(group, "a") as a, FakeFeed(group, "b") as b, MdLink(group, "md_merge") as md:
            topics = [tick_topic(name) for name in INSTRUMENTS]
            md.state(logged_in=True)
            md.subscribe(*topics)
            for feed in (a, b):
                for topic in topics:
                    feed.wait_subscribed(topic)
            yield group, (a, b), md


def _market(count: int) -> list[tuple[str, bytes]]:
    codec = schemas.catalogue.load().codec("DepthMarketData")
    ticks = []
    for number in range(count):
        name = INSTRUMENTS[number % len(INSTRUMENTS)]
        raw = codec.pack(
            {
                "TradingDay": "20260105",
                "InstrumentID": name,
                "UpdateTime": "09:30:00",
                "Volume": number,
                "BidPrice1": 3500.0 + number % 7,
                "AskPrice1": 3508.0,
            }
        )
        ticks.append((name, raw))
    return ticks


def _play(
    feeds: tuple[FakeFeed, FakeFeed], ticks: list[tuple[str, bytes]], rate: int, link: MdLink
) -> None:
    """Everything, until md_merge has counted all of it."""
    due = time.monotonic()
    for start in range(0, len(ticks), PORTION):
        for feed in feeds:
            for name, raw in ticks[start : start + PORTION]:
                feed.tick(name, raw)
        link.taken()
        if rate:
            due += 2 * PORTION / rate
            time.sleep(max(0.0, due - time.monotonic()))
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        states = link.state_now()["feeds"].values()
        if sum(state["first"] + state["duplicates"] for state in states) == 2 * len(ticks):
            return
        assert time.monotonic() < deadline, states
        link.taken()


def _cpu_s(group: Group) -> float:
    fields = Path(f"/proc/{group.pid('md_merge')}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


if __name__ == "__main__":
    main()
