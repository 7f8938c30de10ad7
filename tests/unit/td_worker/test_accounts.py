"""Folders and locks of accounts."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bus.errors import Busy, Refused
from td_worker.accounts import Account, Accounts
from td_worker.session import Session
from tests.unit.td_worker.fakes import CONFIG

DAY_S = 86_400


def made(root: Path, *users: str) -> Accounts:
    return Accounts(msgspec.structs.replace(CONFIG, users=list(users)), root, no_session)


def no_session(account: Account, slot: int) -> Session:
    raise NotImplementedError


def folder(root: Path, user: str) -> Path:
    accounts = made(root, user)
    account = accounts._accounts[user]
    account._lock.close()
    return account.folder


def test_a_configured_account_is_held_from_the_start(tmp_path: Path) -> None:
    with closing(made(tmp_path, "u1", "u2")) as first:
        with pytest.raises(Busy):
            made(tmp_path, "u3", "u2")
        with pytest.raises(Refused, match="does not serve"):
            first.session("u4")
        with pytest.raises(Refused, match="another td_worker holds the account"):
            made(tmp_path).session("u1")
    made(tmp_path, "u3", "u2").close()


def test_no_name_of_a_folder_comes_from_a_client(tmp_path: Path) -> None:
    with closing(made(tmp_path, "../../x", "a/b")):
        assert [len(path.name) for path in tmp_path.iterdir()] == [24, 24]


def test_folders_of_made_up_names_go_in_time_and_others_stay(tmp_path: Path) -> None:
    old, young, used, held = (folder(tmp_path, user) for user in ("old", "young", "used", "held"))
    for path, days in ((old, 8), (young, 6), (used, 8), (held, 8)):
        (path / "guard.json").write_text("{}")
        os.utime(path / "guard.json", (time.time() - days * DAY_S,) * 2)
    (used / "orders").mkdir()
    holder = Account(CONFIG, tmp_path, "held", made(tmp_path)._shared)
    made(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, used.name, held.name}
    holder.close()
