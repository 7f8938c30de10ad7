"""Reading the group's file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec import Struct

from bus import config
from bus.config import Common, open_calendar
from bus.errors import ConfigError
from bus.secrets import Secret


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    front: str
    password: Secret = Secret("")
    seconds: float = 1.0


def load(tmp_path: Path, text: str) -> config.Loaded[Section]:
    file = tmp_path / "group.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(str(file), "md_worker", Section)


def test_a_process_reads_its_section_and_the_common_keys(tmp_path: Path) -> None:
    text = "data: here\nmd_worker: {front: 'tcp://a:1', password: geheim}\nsim: {anything: 1}\n"
    loaded = load(tmp_path, text)
    assert loaded.common.data == "here"
    assert loaded.own.front == "tcp://a:1"
    assert loaded.own.password.reveal() == "geheim"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("md_worker: {}", "missing required field `front` - at `md_worker`"),
        ("md_worker: {front: x, colour: red}", "unknown field `colour` - at `md_worker`"),
        ("md_worker: {front: x, seconds: soon}", "md_worker.seconds"),
        ("md_worker: {front: x, password: 123456}", "md_worker.password"),
        ("colour: red\nmd_worker: {front: x}", "unknown field `colour`"),
        ("[1, 2]", "expected keys and values"),
        ("md_worker: {front: 'x\n", "not valid YAML in line"),
        ("log_level: LOUD\nmd_worker: {front: x}", "log_level"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "123456" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file or directory$"):
        config.load(str(tmp_path / "nowhere.yaml"), "md_worker", Section)


def test_the_calendar_is_the_exchanges_or_always_open_or_a_file(tmp_path: Path) -> None:
    assert not open_calendar(Common()).always
    assert open_calendar(Common(calendar="always")).always
    file = tmp_path / "hours.yaml"
    file.write_text("open: {2026: [11-21]}")
    assert open_calendar(Common(calendar=str(file))).trades(date(2026, 11, 21))
    file.write_text("open: 3")
    with pytest.raises(ConfigError, match=r"^calendar: .*hours\.yaml: Expected"):
        open_calendar(Common(calendar=str(file)))


@pytest.mark.parametrize(
    ("md", "td", "embedded"),
    [
        ("front: sim://a", "front: sim://a", True),
        ("front: sim://a", "front: tcp://a:1", False),
        ("front: [sim://a]", "front: [sim://a, tcp://a:1]", False),
        ("feeds: {a: {front: sim://a}, b: {front: sim://b}}", "front: sim://a", True),
        ("feeds: {a: {front: sim://a}, b: {front: tcp://b:1}}", "front: sim://a", False),
        ("{}", "{}", False),
        ("[]", "3", False),
    ],
)
def test_a_group_is_embedded_when_no_front_is_another(
    tmp_path: Path, md: str, td: str, embedded: bool
) -> None:
    file = tmp_path / "group.yaml"
    file.write_text(f"md_worker:\n  {md}\ntd_worker:\n  {td}\nsim: {{}}\n")
    assert config.load(str(file), "sim", config.Common).embedded is embedded
