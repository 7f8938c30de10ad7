"""Which programs a group's file asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from admin.keygen import make
from bus.errors import ConfigError
from deploy.plan import Plan, read
from deploy.supervision import render

ELSEWHERE = "bus: {md_rpc: 'tcp://10.0.0.1:1', td_rpc: 'tcp://10.0.0.1:2'}\n"
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
    ("text", "programs"),
    [
        ("", ["ws_edge"]),
        ("tcp_edge: {keys: [{kid: 1, passphrase: long enough}]}", ["ws_edge", "tcp_edge"]),
        (MD + TD, ["md_worker", "td_worker", "ws_edge"]),  # on the machine of the workers
    ],
)
def test_workers_of_another_machine_need_no_section(
    tmp_path: Path, text: str, programs: list[str]
) -> None:
    make(tmp_path / "keys", ["edge"])
    text = f"keys: {tmp_path}/keys\n{ELSEWHERE}{text}"
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


def test_each_program_gets_the_secrets_of_its_own_section_from_the_environment(
    tmp_path: Path,
) -> None:
    sections = [
        MD.replace("}", ", password: 'env:MD_PASSWORD'}"),
        TD.replace("}", ", auth_code: 'env:CODE', accounts: [{user: a, password: 'env:PW'}]}"),
        "canary: {user_id: a, password: 'env:PW'}\n",
        "admin: {webhook: 'env:HOOK'}\n",
    ]
    plan = plan_of(tmp_path, "".join(sections))
    assert {name: program.withheld for name, program in plan.programs.items()} == {
        "md_worker": ("CODE", "HOOK", "PW"),
        "td_worker": ("HOOK", "MD_PASSWORD"),
        "ws_edge": ("CODE", "HOOK", "MD_PASSWORD", "PW"),
        "admin": ("CODE", "MD_PASSWORD", "PW"),
        "alarms": ("CODE", "MD_PASSWORD", "PW"),
    }
    commands = [line for line in render(plan).splitlines() if line.startswith("command")]
    assert commands[1].startswith("command = env --unset=HOOK --unset=MD_PASSWORD /")
    assert not [line for line in render(plan).splitlines() if "env:" in line]


def test_without_secrets_in_the_environment_nothing_stands_before_a_program(
    tmp_path: Path,
) -> None:
    assert "env " not in render(plan_of(tmp_path, MD + TD))


@pytest.mark.parametrize("name", ["a #1", "a ;b"])
def test_a_folder_that_supervisord_would_take_for_a_comment(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=f"{name}.*a comment begins"):
        plan_of(tmp_path / name, MD + TD)
