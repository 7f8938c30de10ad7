"""The audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from admin.audit import Audit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_each_action_is_one_line_whatever_is_in_its_texts(file: Path) -> None:
    audit = Audit(file)
    name = 'x\n{"who": "mallory"}\u2028'
    audit.write("admin", "::1", "client.add", name, "no\r\n\x1b[31m \ud800")
    audit.write("admin", "::1", "logout")
    lines = file.read_bytes().split(b"\n")
    assert len(lines) == 3 and not lines[2]
    entry = json.loads(lines[0])
    assert entry["on"] == name
    assert b"\x1b" not in lines[0]


def test_it_is_for_the_owner_only_and_only_grows(file: Path) -> None:
    for number in range(3):
        Audit(file).write("admin", "", "login", str(number))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.on for entry in Audit(file).last(2)] == ["2", "1"]


def test_texts_are_bounded(file: Path) -> None:
    Audit(file).write("a" * 10_000, "b" * 10_000, "c", "d" * 10_000, "e" * 10_000)
    assert len(file.read_bytes()) < 1200


def test_a_line_that_a_crash_has_cut_is_passed_over(file: Path) -> None:
    Audit(file).write("admin", "", "login")
    with file.open("ab") as stream:
        stream.write(b'{"at": "20')
        stream.write(b"\n\xff\xfe\n")
    Audit(file).write("admin", "", "logout")
    assert [entry.what for entry in Audit(file).last(9)] == ["logout", "login"]


def test_before_the_first_action_there_is_nothing(file: Path) -> None:
    assert Audit(file).last(9) == []


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Audit(tmp_path).write("admin", "", "login")
