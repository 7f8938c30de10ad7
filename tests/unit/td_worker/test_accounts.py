"""Folders and locks of accounts."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from bus.errors import Busy, Refused
from bus.secrets import Secret
from td_worker.accounts import Account, Accounts
from td_worker.login.strangers import Strangers
from td_worker.session import Session
from tests.unit.td_worker.fakes import CONFIG

DAY_S = 86_400


def made(root: Path, *users: str) -> Accounts:
    return Accounts(msgspec.structs.replace(CONFIG, users=list(users)), root, no_session)


class FakeSession:
    """Of an account that the front lets in when ``gate.proven`` is set."""

    def __init__(self, account: Account, slot: int) -> None:
        self.user, self.slot = account.user, slot
        self.gate = SimpleNamespace(proven=False)

    def start(self) -> None: ...

    def stop(self) -> None: ...


def asked(root: Path, **keys: Any) -> Accounts:
    config = msgspec.structs.replace(CONFIG, **keys)
    return Accounts(config, root, lambda *of: cast(Session, FakeSession(*of)))


def let_in(accounts: Accounts, session: Session) -> None:
    accounts._accounts[session.user].guard.accepted(Secret("right"))


def test_made_up_names_leave_room_for_accounts_that_were_let_in_before(tmp_path: Path) -> None:
    with closing(asked(tmp_path)) as accounts:
        for number in range(10):
            let_in(accounts, accounts.session(f"known{number}"))
    with closing(asked(tmp_path, max_unproven=2)) as accounts:
        for number in range(2):
            accounts.session(f"made up {number}")
        with pytest.raises(Refused, match="2 accounts already wait"):
            accounts.session("made up 2")
        assert len(list(tmp_path.iterdir())) == 12, "nothing is made for a refused one"
        for number in range(10):
            accounts.session(f"known{number}")


def test_what_is_being_released_counts(tmp_path: Path) -> None:
    with closing(asked(tmp_path, max_unproven=1)) as accounts:
        session = accounts.session("made up")
        accounts.release(session)
        with pytest.raises(Refused, match="1 accounts already wait"):
            accounts.session("made up 2")
        accounts.stopped(session)
        accounts.session("made up 2")


def test_not_so_many_names_are_tried_that_the_front_locks_our_address(tmp_path: Path) -> None:
    with closing(asked(tmp_path)) as accounts:
        let_in(accounts, accounts.session("known"))
        for number in range(1000):
            try:
                session = accounts.session(f"made up {number}")
            except Refused as refusal:
                assert "names that the front does not let in" in str(refusal)
                break
            accounts.release(session)
            accounts.stopped(session)
        assert number == 300
        accounts.release(accounts.find("known") or pytest.fail())
        accounts.session("known")


def test_the_allowance_grows_again() -> None:
    strangers = Strangers()
    for _ in range(301):
        strangers.failed(1000.0)
    with pytest.raises(Refused):
        strangers.check(1179.0)
    strangers.check(1181.0)


def no_session(account: Account, slot: int) -> Session:
    """In the place of what makes sessions, where every one must be refused before it is made."""
    pytest.fail(f"a session of {account.user} was made")


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
