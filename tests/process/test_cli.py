"""``ctpbus`` beside a running group, which it has started itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import members
from deploy.supervision import Supervisor
from tests.support.cli import Operated, operated


@pytest.fixture(scope="module")
def group() -> Iterator[Operated]:
    with operated() as group:
        yield group


def supervisord(group: Operated) -> int:
    for pid in members.find(group.plan.run):
        if b"deploy.supervisord" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no supervisord")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# -- status ------------------------------------------------------------------------------------


def test_status_shows_a_group_that_is_up(group: Operated) -> None:
    report = group.json("status", "--wait", "20")
    assert (report["group"], report["supervisord"]) == ("up", "running")
    rows = {row["program"]: row for row in report["programs"]}
    assert rows.keys() == set(group.plan.programs)
    assert all(row["heard"] and row["state"] == "RUNNING" for row in rows.values()), rows
    assert all(row["memory"] > 1 << 20 and row["uptime_s"] > 0 for row in rows.values())
    assert rows["md_worker"]["says"].startswith("front connected, logged in")
    assert rows["td_worker"]["says"] == "front connected, 1 of 1 sessions ready"
    shown = group.call("status", "--wait", "20")
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[-1] == "the group is up"


def test_status_names_what_is_down_of_a_group(group: Operated) -> None:
    Supervisor(group.plan).stop_program("recorder")
    try:
        report, told = group.json("status", status=1), group.call("status")
    finally:
        assert group.call("up", "--no-canary").returncode == 0
    rows = {row["program"]: row for row in report["programs"]}
    assert report["group"] == "partly"
    assert "the group is up in part" in told.stdout
    assert (rows["recorder"]["state"], rows["recorder"]["heard"]) == ("STOPPED", False)


def test_a_program_that_supervisord_calls_running_may_be_frozen(group: Operated) -> None:
    pid = Supervisor(group.plan).programs()["recorder"].pid
    with frozen(pid):
        time.sleep(0.1)  # what it sent before is on its way
        report = group.json("status", status=1)
    rows = {row["program"]: row for row in report["programs"]}
    assert (rows["recorder"]["state"], rows["recorder"]["heard"]) == ("RUNNING", False)


def test_status_answers_beside_a_supervisord_that_does_not(group: Operated) -> None:
    began = time.monotonic()
    with frozen(supervisord(group)):
        report = group.json("status", "--wait", "20", status=1)
        refused = group.call("up", "--no-canary")
    assert time.monotonic() - began < 60
    assert (report["group"], report["supervisord"]) == ("partly", "silent")
    assert all(row["heard"] for row in report["programs"])
    assert refused.returncode == 1
    assert "supervisord is there but does not answer" in refused.stderr
    assert group.json("status", "--wait", "20")["group"] == "up"


def test_status_of_a_group_that_does_not_run(group: Operated, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(group.config_file.read_text().replace("/var", "/other"))
    done = group.call("status", "--wait", "0.3", config=other)
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "the group is down; supervisord does not run"


def test_doctor_has_no_fault_to_find_in_a_group_that_runs(group: Operated) -> None:
    report = group.json("doctor")
    texts = [finding["text"] for finding in report["findings"]]
    assert f"{group.port} is held by this group (ws_edge.port)" in texts
    assert "5 programs run" in texts


# -- config ------------------------------------------------------------------------------------


def test_config_check_asks_every_program(group: Operated, tmp_path: Path) -> None:
    assert group.json("config", "check")["faults"] == {}
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(group.config_file.read_text() + "\nadmin: {prot: 1}\n")
    done = group.call("config", "check", config=wrong)
    assert done.returncode == 2
    assert "prot" in done.stdout
    wrong.write_text(group.config_file.read_text() + "\nsync_api: {order_timeout: 0}\n")
    done = group.call("config", "check", config=wrong)
    assert (done.returncode, "sync_api.order_timeout" in done.stdout) == (2, True)
    wrong.write_text(group.config_file.read_text().replace("recorder: {}", "recorder: {kep: 1}"))
    done = group.call("config", "check", config=wrong)
    assert done.returncode == 2
    assert "kep" in done.stdout
