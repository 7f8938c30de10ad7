"""Which programs a group's file asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.errors import ConfigError
from deploy.plan import Plan, read

MD = "md_worker: {front: 'tcp://127.0.0.1:1'}\n"
TD = "td_worker: {front: 'tcp://127.0.0.1:1', broker_id: '9999'}\n"


def plan_of(folder: Path, text: str) -> Plan:
    file = folder / "group.yaml"
    file.write_text(f"data: {folder}/var\n{text}", "utf-8")
    return read(file)


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        (MD + TD, ["md_worker", "td_worker", "ws_edge"]),
        (MD + "ws_edge: {paths: [md]}", ["md_worker", "ws_edge"]),
        (TD + "ws_edge: {paths: [td]}", ["td_worker", "ws_edge"]),
        # Its ticks are for others on the bus.
        (MD + TD + "ws_edge: {paths: [td]}", ["md_worker", "td_worker", "ws_edge"]),
    ],
)
def test_a_worker_that_serves_no_path_can_be_left_out(
    tmp_path: Path, text: str, programs: list[str]
) -> None:
    assert list(plan_of(tmp_path, text).programs) == programs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TD, "md_worker.front|`md_worker`"),
        (MD, "`td_worker`"),
        (MD + "ws_edge: {paths: []}", "paths: expected md, td or both"),
        (TD + "ws_edge: {paths: [td]}\nrecorder: {}", "recorder needs md_worker"),
        (TD + "ws_edge: {paths: [td]}\ntcp_edge: {}", "tcp_edge needs md_worker"),
    ],
)
def test_a_worker_that_is_needed_cannot(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plan_of(tmp_path, text)
