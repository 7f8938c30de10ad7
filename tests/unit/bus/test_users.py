"""The file of client accounts, and how passwords are checked."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bus import passwords
from bus.passwords import Checker, TooManyChecks, hash_of, matches
from bus.secrets import Secret
from bus.serials import ReadSerials
from bus.users import User, Users, UsersError, host_port

PASSWORD = Secret("correct horse")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "users.db", make=True)


def serial(users: Users, name: str) -> int:
    return users.get(name).serial


def test_an_account_is_kept_with_a_hash_alone(users: Users) -> None:
    made = users.add(User(name="alice", account="028742", quote="10.0.0.1:11025"), PASSWORD)
    assert users.get("alice") == made
    assert users.all() == [made]
    assert made.enabled and made.created and made.serial and not made.last_login
    assert users.path.stat().st_mode & 0o777 == 0o600
    found = users.with_hash("alice")
    assert found is not None and found[1].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for file in users.path.parent.iterdir():
        assert PASSWORD.reveal().encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_what_ends_authcodes_raises_the_serial(users: Users) -> None:
    before = users.add(User(name="alice"), PASSWORD).serial
    users.change("alice", quote="10.0.0.1:1", trade="[::1]:2")
    assert serial(users, "alice") == before
    acts: list[Callable[[], object]] = [
        lambda: users.enable("alice", False),
        lambda: users.set_password("alice", Secret("other")),
        lambda: users.change("alice", rights=("quote",)),
        lambda: users.change("alice", account="1"),
    ]
    for act in acts:
        act()
        assert serial(users, "alice") > before
        before = serial(users, "alice")
    users.enable("alice", True)
    assert serial(users, "alice") == before
    users.delete("alice")
    assert users.add(User(name="alice"), PASSWORD).serial > before


def test_a_lost_file_does_not_begin_at_old_serials(users: Users) -> None:
    before = users.add(User(name="alice"), PASSWORD).serial
    users.path.unlink()
    again = Users(users.path, make=True)
    time.sleep(0.002)
    assert again.add(User(name="alice"), PASSWORD).serial > before


def test_wrong_accounts_are_refused(users: Users) -> None:
    for name in ("", "a b", "-x", "x" * 65, "中文", "a\n", "a/b"):
        with pytest.raises(ValueError, match="name"):
            User(name=name)
    with pytest.raises(ValueError, match="rights"):
        User(name="a", rights=())
    with pytest.raises(ValueError, match="UserID"):
        User(name="a", account="1" * 16)
    for address in ("host", "host:0", "host:65536", "ho st:1", ":1", "::1:5"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            User(name="a", trade=address)
    assert host_port("[::1]:11026") == ("::1", 11026)
    users.add(User(name="a"), PASSWORD)
    with pytest.raises(UsersError, match="already"):
        users.add(User(name="a"), PASSWORD)
    with pytest.raises(UsersError, match="no user b"):
        users.enable("b", True)
    with pytest.raises(UsersError, match="HOST:PORT"):
        users.change("a", quote="nowhere")
    for password in ("", "x" * 1025):
        with pytest.raises(UsersError, match="password"):
            users.set_password("a", Secret(password))


def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    with pytest.raises(UsersError, match="No such file"):
        Users(path).all()
    path.write_bytes(b"")
    path.chmod(0o600)
    with pytest.raises(UsersError, match="no file of users"):
        Users(path).all()
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(UsersError, match="not a database"):
        Users(path).all()
    path.unlink()
    Users(path, make=True)
    path.chmod(0o644)
    with pytest.raises(UsersError, match="chmod 600"):
        Users(path).all()


def test_several_may_make_the_file_and_write_in_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "users.db"

    def add(number: int) -> int:
        return Users(path, make=True).add(User(name=f"u{number}"), PASSWORD).serial

    with ThreadPoolExecutor(8) as pool:
        serials = list(pool.map(add, range(8)))
    assert len(set(serials)) == 8
    assert len(Users(path).all()) == 8


def test_demo_is_made_once(users: Users) -> None:
    assert users.add_demo("028742")
    assert not users.add_demo("028742")
    users.delete("demo")
    assert not users.add_demo("028742")
    assert users.all() == []


def test_the_secret_of_the_psk_wire_goes_with_the_password(users: Users) -> None:
    users.add(User(name="bob"), PASSWORD)
    assert users.psk("bob") is None
    users.add(User(name="alice"), PASSWORD, b"k" * 32)
    assert users.psk("alice") == b"k" * 32
    users.enable("alice", False)
    assert users.psk("alice") is None
    users.enable("alice", True)
    users.set_password("alice", Secret("other"))
    assert users.psk("alice") is None
    users.set_password("alice", Secret("third"), b"l" * 32)
    assert users.psk("alice") == b"l" * 32


def test_a_login_that_cannot_be_noted_is_a_login(users: Users) -> None:
    user = users.add(User(name="alice"), PASSWORD)
    users.entered(user)
    assert users.get("alice").last_login > 0
    other = sqlite3.connect(users.path, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        users.entered(user)
    finally:
        other.close()


def test_the_latest_addresses_of_a_user_are_known_to_all_processes(users: Users) -> None:
    alice = users.add(User(name="alice"), PASSWORD)
    bob = users.add(User(name="bob"), PASSWORD)
    serials = ReadSerials(users.path)
    try:
        assert not serials.has_entered("10.0.0.1", "alice")  # as in a file of an earlier version
        users.entered(alice)
        assert not serials.has_entered("", "alice")
        for number in range(20):
            users.entered(alice, f"10.0.0.{number}")
        users.entered(bob, "2001:db8::/64")
        assert [serials.has_entered(f"10.0.0.{number}", "alice") for number in (0, 3, 4, 19)] == [
            *(False, False, True, True)
        ]
        assert serials.has_entered("2001:db8::5", "bob")
        assert not serials.has_entered("10.0.0.19", "bob")
        for name in ("nobody", "", "\ud800", "x" * 100):
            assert not serials.has_entered("10.0.0.19", name)
        users.delete("alice")
        assert not serials.has_entered("10.0.0.19", "alice")
    finally:
        serials.close()


@pytest.mark.parametrize("password", ["", "wrong", "correct horse ", "\ud800", "x" * 5000])
def test_another_password_does_not_match(password: str) -> None:
    hashed = hash_of(PASSWORD)
    assert matches(hashed, PASSWORD)
    assert not matches(hashed, Secret(password))
    assert not matches("no hash", PASSWORD)


def test_what_lies_beyond_the_longest_password_is_not_left_out() -> None:
    hashed = hash_of(Secret("x" * 1024))
    assert matches(hashed, Secret("x" * 1024))
    assert not matches(hashed, Secret("x" * 1025))


def test_only_the_enabled_with_their_own_password_get_in(users: Users) -> None:
    made = users.add(User(name="alice"), PASSWORD)

    async def checks() -> list[User | None]:
        checker = Checker(users)
        try:
            got = [await checker.check("alice", PASSWORD)]
            got.append(await checker.check("alice", Secret("wrong")))
            got.append(await checker.check("bob", PASSWORD))
            got.append(await checker.check("\ud800'; DROP TABLE users", PASSWORD))
            users.enable("alice", False)
            got.append(await checker.check("alice", PASSWORD))
            return got
        finally:
            checker.close()

    assert asyncio.run(checks()) == [made, None, None, None, None]


def test_a_flood_of_logins_takes_one_thread_and_little_memory(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, running, most = threading.Event(), [0], [0]

    def slow(hashed: str, password: Secret) -> bool:
        running[0] += 1
        most[0] = max(most[0], running[0])
        gate.wait(20)
        running[0] -= 1
        return False

    monkeypatch.setattr(passwords, "matches", slow)

    async def flood() -> int:
        checker = Checker(users, most_waiting=10)
        tries = [asyncio.ensure_future(checker.check("a", PASSWORD)) for _ in range(1000)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the loop goes on although nothing is answered
        gate.set()
        done = await asyncio.gather(*tries, return_exceptions=True)
        assert await checker.check("a", PASSWORD) is None  # there is room again
        checker.close()
        return sum(isinstance(one, TooManyChecks) for one in done)

    assert asyncio.run(flood()) == 990
    assert most == [1]


def difference(checker: Checker) -> float:
    """How much longer a known name takes than an unknown one: a ratio of medians, in turns and in
    CPU time, because the machine has other work."""
    took: dict[str, list[float]] = {"alice": [], "bob": []}
    for _ in range(10):
        for name, times in took.items():
            begun = time.thread_time()
            checker._check(name, Secret("wrong"), "")
            times.append(time.thread_time() - begun)
    return statistics.median(took["alice"]) / statistics.median(took["bob"])


def test_unknown_names_take_as_long_as_known_ones(users: Users) -> None:
    users.add(User(name="alice"), PASSWORD)
    checker = Checker(users)
    try:
        assert 0.4 < difference(checker) < 2.5
        checker._nobody = "no hash"  # without it an unknown name is answered at once
        assert difference(checker) > 4
    finally:
        checker.close()
