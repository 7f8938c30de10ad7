"""What is an alarm although every process runs: told once, and its end once, on a real group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bus.frames import tick_topic
from sim.control import SimControl
from tests.support.buslink import MdLink, TdLink
from tests.support.disks import small_disk
from tests.support.group import Group
from tests.support.supervised import Receiver, Supervised, wait

STOCK: Final = "600000"
RESTING: Final = 11.0  # far below the market
FREE_MB: Final = 64


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Group]:
    path = tmp_path_factory.mktemp("alarms")
    overrides = {
        "admin": {
            "webhook": receiver.url,
            "alarm_after_s": 1,
            "disk_free_mb": FREE_MB // 2,
            "limits_s": 1,
        },
        "td_worker": {"answer_s": 0.5, "limits_file": str(path / "limits.yaml")},
        "calendar": "always",
    }
    (path / "limits.yaml").write_text("kill: false\n", "utf-8")
    with small_disk(path / "var", FREE_MB), Group(path, overrides=overrides) as made:
        made.start("sim", "md_worker", "td_worker")
        yield made


@pytest.fixture(scope="module")
def alarms(group: Group, receiver: Receiver) -> Iterator[Supervised]:
    made = Supervised(group)
    try:
        wait(lambda: "RUNNING" in made.ctl("status", "alarms"), "alarms runs")
        receiver.wait("process.ws_edge")  # it was not started: they look
        yield made
    finally:
        made.close()


@pytest.fixture
def sim(group: Group) -> Iterator[SimControl]:
    with SimControl(group.ready["sim"]["listen"]) as control:
        yield control


@contextmanager
def told(receiver: Receiver, what: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """``what`` is told when the fault is there, in both languages, and its end behind the block;
    each once."""
    receiver.heard.clear()

    def alarm() -> dict[str, Any]:
        found = receiver.wait(what)
        assert found["en"] and found["zh"] and found["en"] != found["zh"]
        return found

    yield alarm
    receiver.wait(what, over=True)
    assert [x["over"] for x in receiver.heard if x["what"] == what] == [False, True]


def test_a_silent_feed(
    alarms: Supervised, receiver: Receiver, group: Group, sim: SimControl
) -> None:
    with MdLink(group) as md, told(receiver, "md_data.md_worker") as alarm:
        md.subscribe(tick_topic(STOCK))
        md.next("OnRtnDepthMarketData")
        number = sim.lose("OnRtnDepthMarketData", times=0)
        alarm()
        sim.remove(number)


def test_an_order_of_unknown_outcome(
    alarms: Supervised, receiver: Receiver, group: Group, sim: SimControl
) -> None:
    with TdLink(group) as td, told(receiver, "orders") as alarm:
        td.login()
        with ExitStack() as silent:
            group.freeze("sim")
            silent.callback(group.thaw, "sim")
            td.order(
                STOCK, RESTING, exchange="SSE", client_order_id="doubt", VolumeTotalOriginal=100
            )
            alarm()
        td.wait_outcome("ACK", client_order_id="doubt")


def test_a_limit_and_a_kill_switch(alarms: Supervised, receiver: Receiver, group: Group) -> None:
    rules = Path(group.config["td_worker"]["limits_file"])
    with TdLink(group) as td, told(receiver, "limits") as alarm:
        td.login()
        rules.write_text(yaml.safe_dump({"defaults": {"max_volume": 1}}), "utf-8")

        def refused() -> bool:
            number = td.order(STOCK, RESTING, exchange="SSE", VolumeTotalOriginal=100)
            return td.rows(number, 1)[0].name == "Error"

        wait(refused, "the rule holds")
        assert "refus" in alarm()["en"]
        rules.write_text("kill: false\n", "utf-8")
    with told(receiver, "limits") as alarm:
        rules.write_text("kill: true\n", "utf-8")
        assert "kill" in alarm()["en"]
        rules.write_text("kill: false\n", "utf-8")


def test_a_disk_that_fills_up(alarms: Supervised, receiver: Receiver, group: Group) -> None:
    large = group.data / "large"
    with told(receiver, "disk") as alarm:
        large.write_bytes(b"\0" * (FREE_MB * 3 // 4 << 20))
        assert "MB are free" in alarm()["en"]
        large.unlink()
