"""What a connection that does nothing costs ws_edge; tests/bench/idle.py measures it at length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.bench.programs import rss_bytes
from tests.support.group import Group

COUNT = 300
KB = 1024


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Group]:
    with Group(tmp_path, overrides={"log_level": "WARNING"}) as group:
        group.start("sim", "md_worker", "ws_edge")
        yield group


def each_kb(group: Group, headers: dict[str, str]) -> float:
    """Memory of ws_edge by connection."""
    pid = group.pid("ws_edge")
    options: dict[str, Any] = {"proxy": None, "ping_interval": None}
    with ExitStack() as stack:

        def open_some(count: int) -> None:
            for _ in range(count):
                url = group.url("/md/")
                stack.enter_context(connect(url, additional_headers=headers, **options))

        open_some(20)  # the first ones pay for what is made once
        before = rss_bytes(pid)
        open_some(COUNT)
        return (rss_bytes(pid) - before) / COUNT / KB


def test_an_idle_connection_takes_less_than_40_kb(edge: Group) -> None:
    assert each_kb(edge, {}) < 40


def test_what_a_client_sent_to_open_its_connection_is_not_kept(edge: Group) -> None:
    # 240 KB: within what the library takes, 128 lines of 8 KB.
    assert each_kb(edge, {f"X-{number}": "x" * 4000 for number in range(60)}) < 60
