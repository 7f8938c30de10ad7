"""The commands of ``ctpbus``, their help, and what the documentation says of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from admin.commands import output
from admin.keygen import make
from admin.main import app
from tests.support.cli import ctpbus
from tests.support.group import CHECKOUT

DOCUMENTS = {
    "docs/operations.md": "## The command\n",
    "docs/operations.zh.md": "## ctpbus 命令\n",
}
# They print no table.
WITHOUT_JSON = {
    *("up", "down", "webctp"),
    *("user add", "user change", "user enable", "user disable", "user passwd", "user delete"),
}


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for part, below in command.commands.items():
            yield from leaves(below, f"{name} {part}".strip())
    else:
        yield name, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize(("document", "heading"), DOCUMENTS.items())
def test_the_documentation_has_every_command(document: str, heading: str) -> None:
    section = (CHECKOUT / document).read_text("utf-8").split(heading)[1].split("\n## ")[0]
    named: set[str] = set()
    for line in section.splitlines():
        if line.startswith("| `ctpbus"):
            cell = line.split("|")[1]
            named.update(re.findall(r"`ctpbus ([a-z ]+)`", cell))
    assert named == COMMANDS.keys()


def test_bench_says_that_there_is_nothing_to_measure(tmp_path: Path) -> None:
    """A machine of edges alone."""
    file = tmp_path / "edge.yaml"
    addresses = "{md_rpc: 'tcp://10.0.0.1:1', td_rpc: 'tcp://10.0.0.1:2'}"
    make(tmp_path / "keys", ["edge"])
    file.write_text(f"data: {tmp_path}\nkeys: {tmp_path}/keys\nbus: {addresses}\n", "utf-8")
    done = ctpbus("bench", "--config", str(file))
    assert (done.returncode, "no worker runs here" in done.stderr) == (2, True), done.stderr


def test_help_names_every_command() -> None:
    done = ctpbus("--help", environment=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"})
    assert done.returncode == 0
    listed = set(re.findall(r"^│ ([a-z]+) ", done.stdout, re.MULTILINE))
    assert listed == {name.partition(" ")[0] for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_prints_json(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) == (name not in WITHOUT_JSON)
    assert not {"--password", "-p"} & options


@pytest.mark.parametrize(
    ("shell", "line"), [("bash", "status"), ("fish", "status"), ("zsh", '"status"')]
)
def test_the_shell_completes_commands(shell: str, line: str) -> None:
    asked = {
        "_CTPBUS_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "ctpbus st",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": "ctpbus st",
        "COMP_CWORD": "1",
    }
    done = ctpbus(environment=os.environ | asked)
    assert line in done.stdout
    assert "doctor" not in done.stdout


def test_texts_of_a_counter_reach_no_terminal_as_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07报单\r\n[bold]"
    output.show(output.table(["text"], [[evil]]))
    output.show(output.finding("fault", "login", evil, evil))
    output.show(evil)
    said = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\r"} & set(said)
    assert said.count("报单") == 4
    assert said.count("[bold]") == 4


def test_a_group_that_does_not_run_is_not_shown_as_well(tmp_path: Path) -> None:
    file = tmp_path / "group.yaml"
    file.write_text(
        f"data: {tmp_path}/var\n"
        "md_worker: {front: 'sim://s', broker_id: '9999'}\n"
        "td_worker: {front: 'sim://s', broker_id: '9999'}\nadmin: {}\n"
    )
    top = ctpbus("top", "-n", "1", "--config", str(file))
    assert "no light is red" not in top.stdout
    assert "not heard: sim, md_worker, td_worker" in top.stdout
    ticks = ctpbus("ticks", "rb2610", "--seconds", "0.5", "--config", str(file))
    assert (ticks.returncode, ticks.stdout) == (1, "")
    assert "0 ticks came" in ticks.stderr
