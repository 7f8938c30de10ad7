"""Alarms under a real supervisord, to a real receiver: without admin, and never in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.group import Group
from tests.support.supervised import TOKEN, Receiver, Supervised, wait

PROGRAMS: Final = """
[program:md_worker]
command = {python} -c "import time; time.sleep(600)"
startsecs = 0
autorestart = unexpected

[program:never]
command = {python} -c "raise SystemExit(1)"
startretries = 1
autostart = false
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Group]:
    """No process of it runs but td_worker and the embedded exchange."""
    overrides = {
        "admin": {"webhook": receiver.url, "alarm_after_s": 1, "disk_free_mb": 0},
        "calendar": "always",
    }
    with Group(tmp_path_factory.mktemp("alarms"), overrides=overrides) as made:
        made.start("sim", "td_worker")
        yield made


@pytest.fixture(scope="module")
def supervised(group: Group) -> Iterator[Supervised]:
    made = Supervised(group, PROGRAMS)
    wait(lambda: "RUNNING" in made.ctl("status", "alarms"), "alarms runs")
    yield made
    made.close()


def test_an_exit_is_told_in_both_languages_and_when_it_is_over(
    supervised: Supervised, receiver: Receiver
) -> None:
    os.kill(supervised.pid("md_worker"), signal.SIGKILL)
    alarm = receiver.wait("exit.md_worker")
    assert alarm["en"] == "md_worker ended unexpectedly"
    assert alarm["zh"] == "md_worker 意外结束"
    assert alarm["host"] == socket.gethostname()
    receiver.wait("exit.md_worker", over=True)


def test_a_program_that_is_given_up_is_told(supervised: Supervised, receiver: Receiver) -> None:
    supervised.ctl("start", "never")
    wait(
        lambda: any("given up" in x["en"] for x in receiver.heard if x["what"] == "exit.never"),
        str(receiver.heard),
    )


def test_a_stop_on_purpose_is_no_alarm(supervised: Supervised, receiver: Receiver) -> None:
    before = [x for x in receiver.heard if x["what"] == "exit.md_worker"]
    supervised.ctl("stop", "md_worker")
    supervised.ctl("start", "md_worker")
    wait(lambda: "RUNNING" in supervised.ctl("status", "md_worker"), "md_worker runs")
    assert [x for x in receiver.heard if x["what"] == "exit.md_worker"] == before


def test_a_stop_on_purpose_is_none_for_an_alarms_that_was_started_after_it(
    supervised: Supervised, receiver: Receiver
) -> None:
    """md_worker is here, and silent at all times: only supervisord knows why."""
    supervised.ctl("stop", "md_worker")
    receiver.heard.clear()
    os.kill(supervised.pid("alarms"), signal.SIGKILL)
    receiver.wait("exit.alarms")  # from the new one, of the old one
    receiver.wait("process.ws_edge")  # nobody has stopped it, so by now md_worker's would be here
    assert not [x for x in receiver.heard if x["what"] == "process.md_worker"]
    supervised.ctl("start", "md_worker")
    receiver.wait("process.md_worker")


def test_a_silent_process_is_told_without_admin(
    supervised: Supervised, receiver: Receiver, group: Group
) -> None:
    group.freeze("td_worker")
    try:
        receiver.wait("process.td_worker")
    finally:
        group.thaw("td_worker")
    receiver.wait("process.td_worker", over=True)


def test_a_receiver_that_is_busy_is_asked_again(
    supervised: Supervised, receiver: Receiver, group: Group
) -> None:
    receiver.heard.clear()
    receiver.busy = 2
    os.kill(supervised.pid("md_worker"), signal.SIGKILL)
    receiver.wait("exit.md_worker")
    assert receiver.busy == 0


def test_the_log_has_the_alarms_and_not_the_address(
    supervised: Supervised, receiver: Receiver
) -> None:
    lines = [json.loads(line) for line in supervised.log().splitlines()]
    assert any(line["event"] == "alarm" and line["what"] == "exit.md_worker" for line in lines)
    assert receiver.paths == {f"/hook/{TOKEN}"}
    assert TOKEN not in supervised.log()
