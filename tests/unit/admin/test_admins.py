"""The file of administrators."""

from __future__ import annotations

from pathlib import Path

import pytest

from admin.admins import (
    FILE,
    FIRST_NAME,
    FIRST_PASSWORD,
    Admins,
    TooShort,
    WrongPassword,
    take_first_password,
)
from bus.secrets import Secret

NEW = Secret("a password of mine")


def first(folder: Path) -> Secret:
    return Secret((folder / FIRST_PASSWORD).read_text().strip())


def test_the_first_password_is_made_once_and_taken_once(tmp_path: Path) -> None:
    admins = Admins(tmp_path)
    password = first(tmp_path)
    assert admins.check(FIRST_NAME, password)
    assert Admins(tmp_path).check(FIRST_NAME, password)  # nothing new is made
    taken = take_first_password(tmp_path)
    assert taken is not None and taken.reveal() == password.reveal()
    assert take_first_password(tmp_path) is None
    assert admins.check(FIRST_NAME, password)


def test_two_groups_do_not_get_the_same_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Admins(tmp_path / name)
    assert first(tmp_path / "a").reveal() != first(tmp_path / "b").reveal()
    assert len(first(tmp_path / "a").reveal()) >= 16


def test_the_files_are_for_the_owner_only_and_have_no_password_but_the_first(
    tmp_path: Path,
) -> None:
    admins = Admins(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    admins.set_password(FIRST_NAME, first(tmp_path), NEW)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    text = (tmp_path / FILE).read_text()
    assert "$argon2id$" in text
    assert NEW.reveal() not in text


def test_a_new_password_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    admins = Admins(tmp_path)
    old = first(tmp_path)
    with pytest.raises(WrongPassword):
        admins.set_password(FIRST_NAME, NEW, NEW)
    with pytest.raises(TooShort):
        admins.set_password(FIRST_NAME, old, Secret("short"))
    assert admins.check(FIRST_NAME, old)
    admins.set_password(FIRST_NAME, old, NEW)
    assert admins.check(FIRST_NAME, NEW)
    assert not admins.check(FIRST_NAME, old)


@pytest.mark.parametrize("name", ["", "Admin", "root", "admin\0", "\ud800"])
def test_nobody_else_is_let_in(tmp_path: Path, name: str) -> None:
    admins = Admins(tmp_path)
    assert not admins.check(name, first(tmp_path))
    assert not admins.knows(name)
