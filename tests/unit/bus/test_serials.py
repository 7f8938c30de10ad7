"""Which authcodes have ended: as the file of users tells it, and as it is heard over the bus."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from admin.keygen import make
from bus import serials as module
from bus.errors import ConfigError
from bus.frames import HEADER, Flag, message_type
from bus.roles import ROLES
from bus.secrets import Secret
from bus.security import Keys
from bus.serials import HeardSerials, ReadSerials, SerialsPublisher
from bus.users import User, Users

PASSWORD = Secret("correct horse")
WAIT_S = 20.0


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    made: zmq.Context[Any] = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "users.db", make=True)


@pytest.fixture
def read(users: Users) -> Iterator[ReadSerials]:
    serials = ReadSerials(users.path)
    yield serials
    serials.close()


def test_changes_in_the_file_are_seen_within_a_second(users: Users, read: ReadSerials) -> None:
    assert read.ended("alice", 1)
    serial = users.add(User(name="alice"), PASSWORD).serial
    assert not read.ended("alice", serial)  # added just now, and known at once
    users.enable("alice", False)
    time.sleep(1.0)
    assert read.ended("alice", serial)
    serial = users.enable("alice", True).serial
    assert not read.ended("alice", serial)
    users.delete("alice")
    time.sleep(1.0)
    assert read.ended("alice", serial)
    assert read.all["alice"] > serial


def test_a_file_that_is_gone_has_no_users(
    users: Users, read: ReadSerials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    serial = users.add(User(name="alice"), PASSWORD).serial
    assert not read.ended("alice", serial)
    kept = users.path.with_name("kept")
    users.path.rename(kept)
    assert read.ended("alice", serial)
    kept.rename(users.path)
    assert not read.ended("alice", serial)
    assert read.failures == 0


def test_a_file_that_is_locked_leaves_what_is_known(
    users: Users, read: ReadSerials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    serial = users.add(User(name="alice"), PASSWORD).serial
    assert not read.ended("alice", serial)
    read.close()
    other = sqlite3.connect(users.path, isolation_level=None)
    try:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE counter SET demo = demo")
        begun = time.monotonic()
        assert not read.ended("alice", serial)
        assert time.monotonic() - begun < 3  # the event loop waits for nobody
        other.execute("ROLLBACK")
    finally:
        other.close()
    users.path.chmod(0o644)
    failures = read.failures
    read.close()
    assert not read.ended("alice", serial)
    assert read.failures > failures


def test_a_list_that_is_heard(context: zmq.Context[Any]) -> None:
    async def hear() -> None:
        told = {"alice": 5, "bob": 9}
        publisher = SerialsPublisher(context, "inproc://login_pub", None, 1, lambda: dict(told))
        heard = HeardSerials(context, "inproc://login_pub", None)
        running = asyncio.ensure_future(publisher.run())
        assert not heard.ended("alice", 1)  # nothing is known yet
        await until(lambda: heard.ended("alice", 4))
        assert not heard.ended("alice", 5)
        assert not heard.ended("alice", 6)  # newer than the list
        assert heard.ended("carol", 5)
        assert not heard.ended("carol", time.time_ns() // 1_000_000)  # made just now, perhaps
        told["bob"] = 10
        begun = time.monotonic()
        await until(lambda: heard.ended("bob", 9))
        assert time.monotonic() - begun < 10
        running.cancel()
        heard.close()
        publisher.close()

    asyncio.run(hear())


def test_without_lists_a_gateway_goes_on_and_says_so(
    context: zmq.Context[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.05)

    async def hear() -> None:
        heard = HeardSerials(context, "inproc://nobody", None)
        assert not heard.ended("alice", 1)
        await asyncio.sleep(0.1)
        assert not heard.ended("alice", 1)
        assert heard.describe()["serials_silences"] == 1
        heard.take(frame(1, 1, {"alice": 2}))
        assert heard.ended("alice", 1)
        await asyncio.sleep(0.1)
        assert heard.ended("alice", 1)  # the last list still counts
        assert heard.describe()["serials_silences"] == 2
        heard.close()

    asyncio.run(hear())
    texts = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert texts == ["revocations are not heard"] * 2


def test_old_and_strange_messages_change_nothing(
    context: zmq.Context[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear() -> None:
        heard = HeardSerials(context, "inproc://nobody", None)
        heard.take(frame(2, 5, {"alice": 7}))
        for other in (
            frame(2, 5, {}),
            frame(2, 4, {}),
            frame(1, 9, {}),
            frame(3, 1, {}, "State"),
            b"",
            b"serials/\0",
        ):
            heard.take(other)
        assert heard.ended("alice", 6)
        monkeypatch.setattr(module, "GO_BACK_S", 0.0)
        heard.take(frame(2, 4, {}))
        assert heard.ended("alice", 6)
        heard.take(frame(1, 9, {"alice": 3}))  # the login service has lost its folder
        assert not heard.ended("alice", 6)
        heard.take(frame(2, 6, {"alice": 7}))
        with pytest.raises(msgspec.MsgspecError):  # counted and logged by the subscriber
            heard.take(frame(3, 1, ["alice"]))
        assert heard.ended("alice", 6)
        heard.close()

    asyncio.run(hear())


@pytest.mark.parametrize(("role", "admitted"), [("edge", True), ("client", False)])
def test_over_tcp_edges_are_told_and_others_not(
    context: zmq.Context[Any], tmp_path: Path, role: str, admitted: bool
) -> None:
    make(tmp_path / "keys", list(ROLES))

    async def hear() -> bool:
        server = Keys(tmp_path / "keys", "login")
        publisher = SerialsPublisher(context, "tcp://127.0.0.1:*", server, 1, lambda: {"a": 5})
        address = publisher.address
        heard = HeardSerials(context, address, Keys(tmp_path / "keys", role))
        running = asyncio.ensure_future(publisher.run())
        try:
            await until(lambda: heard.ended("a", 4) or server.refused > 0)
            return heard.ended("a", 4)
        finally:
            running.cancel()
            heard.close()
            publisher.close()
            server.close()

    assert asyncio.run(hear()) is admitted


def test_over_tcp_nothing_is_told_without_keys(context: zmq.Context[Any]) -> None:
    with pytest.raises(ConfigError, match="keys"):
        SerialsPublisher(context, "tcp://127.0.0.1:*", None, 1, dict)


def frame(epoch: int, seq: int, body: object, kind: str = "Serials") -> bytes:
    flags = Flag.MSGPACK | Flag.LOCAL
    now = time.time_ns()
    header = HEADER.pack(epoch, seq, now, now, message_type(kind), 0, flags)
    return b"serials/\0" + header + msgspec.msgpack.encode(body)


async def until(fact: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not fact():
            await asyncio.sleep(0.01)
