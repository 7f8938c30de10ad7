"""Several md_workers side by side."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support.group import Group


def test_two_md_workers_have_folders_locks_and_sockets_of_their_own(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"md_worker": {"feeds": {"a": {}, "b": {}}}}) as group:
        group.start("sim", "md_worker:a", "md_worker:b")
        a, b = group.ready["md_worker:a"], group.ready["md_worker:b"]
        assert a["pub"].endswith("/md_pub.a")
        assert b["rpc"].endswith("/md_rpc.b")
        assert not {*a.values()} & {*b.values()}
        folders = {path.name for path in group.data.iterdir()}
        assert {"md_worker.a", "md_worker.b"} <= folders
        assert "md_worker" not in folders
        assert group.refused("md_worker", "--member", "a")[0] == 75
        assert group.refused("md_worker", "--member", "c")[0] == 2
        status, told = group.refused("md_worker")
        assert status == 2
        assert told.count("\n") == 1
        assert "say with --member which of a, b" in told
        assert group.stop("md_worker:a") == group.stop("md_worker:b") == 0


def test_md_merge_is_there_once_and_needs_feeds(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"md_worker": {"feeds": {"a": {}}}}) as group:
        group.start("md_merge")
        assert group.refused("md_merge")[0] == 75
        assert group.refused("md_merge", "--member", "a")[0] == 2
        # A single md_worker would bind the same sockets.
        alone = group.config | {"md_worker": {"front": "tcp://127.0.0.1:1"}}
        group.config_file.write_text(yaml.safe_dump(alone), "utf-8")
        assert group.refused("md_worker")[0] == 75
        status, told = group.refused("md_merge")
        assert status == 2
        assert "md_worker.feeds is empty" in told
