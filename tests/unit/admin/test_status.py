"""What ``ctpbus status`` makes of what it has heard, and ``ctpbus top`` of two figures."""

from __future__ import annotations

from typing import Any

import pytest

from admin.commands.bench import measured
from admin.commands.status import Supervised, report
from admin.commands.top import Rates
from admin.watch.told import Told
from bus.stats import MdStat
from deploy.supervision import Program

NAMES = ["td_worker", "recorder"]


def stat(**keys: Any) -> MdStat:
    figures: dict[str, Any] = {
        "program": "recorder",
        "pid": 7,
        "started_ns": 1,
        "interval_s": 1.0,
        "memory": 9,
        "cpu_s": 1.0,
        "files": 1,
        "most_files": 2,
        "counters": {},
        "queues": {},
    }
    return MdStat(**figures | keys)


def told(name: str, heard: bool) -> Told:
    return Told(name, name, stat(program=name), 1.0) if heard else Told(name, name)


@pytest.mark.parametrize(
    ("supervisord", "states", "heard", "verdict"),
    [
        ("running", ["RUNNING", "RUNNING"], [True, True], "up"),
        ("running", ["RUNNING", "RUNNING"], [True, False], "partly"),
        ("running", ["RUNNING", "FATAL"], [True, False], "partly"),
        ("running", ["STOPPED", "STOPPED"], [False, False], "down"),
        ("gone", [], [True, True], "up"),
        ("gone", [], [True, False], "partly"),
        ("gone", [], [False, False], "down"),
        ("silent", [], [True, True], "partly"),
        ("silent", [], [False, False], "partly"),
    ],
)
def test_the_verdict_on_a_group(
    supervisord: Any, states: list[str], heard: list[bool], verdict: str
) -> None:
    programs = {
        name: Program(name, state, 7, 0) for name, state in zip(NAMES, states, strict=False)
    }
    seen = {name: told(name, was) for name, was in zip(NAMES, heard, strict=True)}
    assert report(seen, Supervised(supervisord, programs), NAMES, 10.0).group == verdict


def test_a_program_without_figures_is_judged_by_supervisord_alone() -> None:
    for state, verdict in (("RUNNING", "up"), ("BACKOFF", "partly")):
        programs = {
            "recorder": Program("recorder", "RUNNING", 7, 0),
            "alarms": Program("alarms", state, 8, 4),
        }
        found = report(
            {"recorder": told("recorder", True)},
            Supervised("running", programs),
            ["recorder", "alarms"],
            10.0,
        )
        assert found.group == verdict
        assert found.programs[1].heard is None


def test_rates_are_those_between_two_figures_of_one_start() -> None:
    rates = Rates()
    about = Told("recorder", "recorder", stat(counters={"ticks": 5, "gaps": 2}), 1.0)
    rates.take({"recorder": about})
    assert rates.row(about, 1.0).ticks is None
    about.stat = stat(
        interval_s=2.0,
        cpu_s=1.5,
        counters={"ticks": 25, "gaps": 2},
        queues={"a": 1, "b": 3},
        hops={"bus": [0] * 10 + [98, 1, 1]},
    )
    rates.take({"recorder": about})
    row = rates.row(about, 1.0)
    assert (row.ticks, row.cpu, row.queued, row.lost) == (10.0, 0.25, 3, 2)
    assert (row.hops["bus"].p50_us, row.hops["bus"].p99_us) == (1.024, 2.048)
    assert not rates.row(about, 9.0).heard
    about.stat = stat(started_ns=2, counters={"ticks": 1})  # a new start begins at 0
    rates.take({"recorder": about})
    assert rates.row(about, 1.0).ticks is None


def test_delays_are_ranked() -> None:
    way = measured("there", [n * 1000 for n in range(100, 0, -1)])
    assert (way.count, way.p50_us, way.p99_us, way.max_us) == (100, 51.0, 100.0, 100.0)
    assert measured("there", [], 3).failed == 3
