"""The lights and figures of a real group: each fault turns its own light red, and no other."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bus.endpoints import run_dir
from bus.frames import tick_topic
from sim.control import SimControl
from tests.support.buslink import MdLink, TdLink
from tests.support.deployment import free_port
from tests.support.group import CHECKOUT, Group
from tests.support.unix_relay import UnixRelay

STOCK: Final = "600000"
PROGRAMS: Final = ("sim", "md_worker", "td_worker", "tcp_edge", "recorder", "admin")
WITHIN_S: Final = 3.0
TIMEOUT_S: Final = 30.0
# The machine of a test may be busy; what is claimed is for one that is not.
SLACK_S: Final = 3.0


class Lamps:
    """What /readyz says."""

    def __init__(self, group: Group) -> None:
        self.url = group.ready["admin"]["http"]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()

    def now(self) -> dict[str, dict[str, Any]]:
        lights = json.loads(self.get("/readyz")[1])["lights"]
        return {light["name"]: light for light in lights}

    def red(self) -> set[str]:
        return {name for name, light in self.now().items() if light["colour"] == "red"}

    def wait(self, told: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> float:
        """Seconds that it took."""
        began = time.monotonic()
        while not told():
            assert time.monotonic() - began < timeout_s, (what, self.now())
            time.sleep(0.05)
        return time.monotonic() - began

    def is_yellow(self, name: str) -> bool:
        return bool(self.now()[name]["colour"] == "yellow")

    def figure(self, name: str, **labels: str) -> float:
        """The first one with these labels; -1: there is none."""
        _, text = self.get("/metrics")
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        for line in text.splitlines():
            if line.startswith(f"ctpbus_{name}{{") and all(word in line for word in wanted):
                return float(line.rpartition(" ")[2])
        return -1.0

    def wait_clear(self) -> None:
        """No red, and ticks flow."""
        self.wait(
            lambda: not self.red() and self.now()["md_data.md_worker"]["colour"] == "green",
            "all is well",
        )

    def turns_red(self, name: str) -> None:
        """This light, in time, and for a while no other one."""
        took = self.wait(lambda: bool(self.red()), f"{name} is red")
        assert took < WITHIN_S + SLACK_S
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            assert self.red() == {name}
            time.sleep(0.05)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Group, UnixRelay]]:
    """A group whose ws_edge hears md_worker over a link that can be cut."""
    overrides = {
        "admin": {"port": 0, "canary_every_s": 1, "disk_free_mb": 0},
        "recorder": {"min_free_mb": 0, "instruments": [STOCK]},
        "ws_edge": {"port": free_port()},
        "canary": {"instrument": STOCK},
        "calendar": "always",
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
    }
    with Group(tmp_path_factory.mktemp("admin"), overrides=overrides) as made:
        run = run_dir(str(made.data))
        relay = UnixRelay(run / "relay", run / "md_pub")
        text = made.config_file.read_text("utf-8")
        made.config_file.write_text(f"{text}\nbus: {{md_pub: 'ipc://{relay.path}'}}\n", "utf-8")
        made.start("ws_edge")
        made.config_file.write_text(text, "utf-8")
        made.start(*PROGRAMS)
        yield made, relay
        relay.cut()


@pytest.fixture
def group(stage: tuple[Group, UnixRelay]) -> Group:
    return stage[0]


@pytest.fixture
def relay(stage: tuple[Group, UnixRelay]) -> UnixRelay:
    return stage[1]


@pytest.fixture
def lamps(group: Group) -> Lamps:
    made = Lamps(group)
    made.wait_clear()
    return made


@pytest.fixture
def sim(group: Group) -> Iterator[SimControl]:
    with SimControl(group.ready["sim"]["listen"]) as control:
        yield control


def test_a_group_that_works_has_no_red_light(lamps: Lamps) -> None:
    assert lamps.get("/healthz") == (200, "ok\n")
    lamps.wait(lambda: lamps.now()["canary"]["colour"] == "green", "the canary")
    status, _ = lamps.get("/readyz")
    assert status == 200
    lights = lamps.now()
    assert not [light for light in lights.values() if light["colour"] != "green"]
    for program in PROGRAMS[:-1]:
        assert f"process.{program}" in lights
    assert lamps.now()["session"]["zh"] == "交易中"


def test_the_front_that_is_away_turns_its_light_red(lamps: Lamps, sim: SimControl) -> None:
    sim.disconnect(side="md", seconds=5)
    lamps.turns_red("md_front.md_worker")
    assert lamps.get("/readyz")[0] == 503
    lamps.wait_clear()


def test_the_trading_front_has_a_light_of_its_own(lamps: Lamps, sim: SimControl) -> None:
    sim.disconnect(side="td", seconds=5)
    lamps.turns_red("td_front")
    lamps.wait_clear()


def test_a_feed_that_has_stopped_turns_its_light_red(lamps: Lamps, sim: SimControl) -> None:
    number = sim.lose("OnRtnDepthMarketData", times=0)
    lamps.turns_red("md_data.md_worker")
    sim.remove(number)
    lamps.wait_clear()


@pytest.mark.parametrize("program", ["md_worker", "ws_edge", "recorder"])
def test_a_frozen_process_turns_its_light_red(lamps: Lamps, group: Group, program: str) -> None:
    group.freeze(program)
    try:
        lamps.turns_red(f"process.{program}")
    finally:
        group.thaw(program)
    lamps.wait_clear()


def test_a_link_that_is_cut_turns_the_light_of_who_hears_nothing_red(
    lamps: Lamps, relay: UnixRelay
) -> None:
    """The edge's own socket to md_worker: both processes live and say so."""
    relay.cut()
    lamps.turns_red("bus.ws_edge")
    relay.mend()
    lamps.wait_clear()


def test_the_figures_have_no_account_and_no_secret(lamps: Lamps) -> None:
    _, text = lamps.get("/metrics")
    for word in ("028742", "123456", STOCK):
        # Not among the digits of a longer number, where any six may stand.
        assert not re.search(rf"(?<![\d.]){word}(?!\d)", text)
    assert 'ctpbus_up{program="td_worker"} 1.0' in text
    hops = set(re.findall(r'ctpbus_hop_seconds_bucket\{hop="(\w+)"', text))
    assert {"publish", "front", "bus", "write", "record", "order"} <= hops
    assert len(text.splitlines()) < 2000


def test_what_the_examples_ask_for_is_there(lamps: Lamps) -> None:
    _, text = lamps.get("/metrics")
    families = set(re.findall(r"^(ctpbus_\w+)(?=[ {])", text, re.MULTILINE))
    families |= set(re.findall(r"^# TYPE (ctpbus_\w+)", text, re.MULTILINE))
    for file in ("prometheus/alerts.yml", "grafana/dashboard.json"):
        asked = (CHECKOUT / "deploy" / file).read_text("utf-8")
        used = set(re.findall(r"\bctpbus_\w+", asked))
        assert used <= families | {"ctpbus_hop_seconds_bucket"}, used - families
        assert len(used) > 8


def test_the_file_of_lines_that_is_removed_turns_its_light_red(lamps: Lamps, group: Group) -> None:
    """The last one on this group: no line of OFX is taken for half a minute from here on."""
    (group.data / "tcp_edge" / "window").unlink()
    lamps.turns_red("replay.tcp_edge")
    assert lamps.get("/readyz")[0] == 503
    assert lamps.figure("events_total", what="window_removed") == 1


def test_a_holiday_raises_no_light(tmp_path: Path) -> None:
    """The feed is silent, then the fronts go; the calendar knows why. The tests above are the
    same faults without a holiday."""
    days = [date.today() + timedelta(days=number) for number in range(-15, 16)]
    holidays = {
        day.year: [f"{each:%m-%d}" for each in days if each.year == day.year] for day in days
    }
    calendar = tmp_path / "calendar.yaml"
    calendar.write_text(yaml.safe_dump({"holidays": holidays}), "utf-8")
    overrides = {"admin": {"port": 0, "disk_free_mb": 0}, "calendar": str(calendar)}
    with Group(tmp_path, overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker", "admin")
        lamps = Lamps(group)
        with MdLink(group) as md, TdLink(group) as td:
            td.login()
            md.subscribe(tick_topic(STOCK))
            with SimControl(group.ready["sim"]["listen"]) as sim:
                lamps.wait(lambda: lamps.figure("age_seconds", source="tick") >= 0, "a tick")
                sim.lose("OnRtnDepthMarketData", times=0)
                lamps.wait(lambda: lamps.figure("age_seconds", source="tick") > 4, "silence")
                assert lamps.now()["md_data.md_worker"]["colour"] == "grey"
                sim.disconnect(seconds=60)
                for name in ("md_front.md_worker", "td_front"):
                    lamps.wait(partial(lamps.is_yellow, name), name)
                absent = {"process.ws_edge", "process.tcp_edge"}  # they were not started
                assert lamps.red() <= absent
