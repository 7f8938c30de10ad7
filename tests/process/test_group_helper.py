"""The Group helper itself, on a stand-in program that shadows a worker's module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.group import Group

OBEDIENT = """
import json, signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print("started", file=sys.stderr, flush=True)
print(json.dumps({"ready": {"pub": "ipc://somewhere"}}), flush=True)
stop.wait()
"""


def test_a_process_is_ready_stops_and_starts_again(tmp_path: Path) -> None:
    (tmp_path / "md_worker.py").write_text(OBEDIENT)
    with Group(tmp_path) as group:
        group.start("md_worker")
        assert group.ready["md_worker"] == {"pub": "ipc://somewhere"}
        group.restart("md_worker")
        assert group.stop("md_worker") == 0
        assert not group.running("md_worker")
        assert group.log("md_worker").count("started") == 2


def test_a_frozen_process_does_not_survive_the_group(tmp_path: Path) -> None:
    (tmp_path / "md_worker.py").write_text(OBEDIENT)
    with Group(tmp_path) as group:
        group.start("md_worker")
        group.freeze("md_worker")
        pid = group.pid("md_worker")
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "md_worker.py").write_text("import sys; sys.exit('no front named')")
    with (
        Group(tmp_path) as group,
        pytest.raises(AssertionError, match=re.compile("ended with 1.*no front named", re.DOTALL)),
    ):
        group.start("md_worker")


def test_overrides_are_merged_into_the_file(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"ws_edge": {"port": 1}, "log_level": "DEBUG"}) as group:
        written = yaml.safe_load(group.config_file.read_text("utf-8"))
    assert written["ws_edge"] == {"host": "127.0.0.1", "port": 1}
    assert written["log_level"] == "DEBUG"
