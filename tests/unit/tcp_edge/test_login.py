"""Command 1: what is answered, to whom, and how fast."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bus.authcodes import KeyFile, Tokens
from bus.digits import Digits
from bus.secrets import Secret
from bus.serials import ReadSerials
from bus.tries import Tries
from bus.users import User, Users
from schemas.calendar import exchange_calendar
from tcp_edge.access import Access, Codes
from tcp_edge.config import QuoteListener
from tcp_edge.login.service import LoginService, advertised, valid_until
from tcp_edge.request import parse
from tcp_edge.service import Client
from tcp_edge.stat import Failed
from tests.support.ofx_command import reply_to

KEYS = ["tradeserver", "authcode", "tradeport", "uname", "quoteserver", "quoteport"]
WRONG = "401 wrong user name or password"


class Door:
    """A LoginService over files, as a client at ``peer`` sees it."""

    def __init__(self, folder: Path, style: str = "token", embedded: bool = True) -> None:
        self.users = Users(folder / "users.db", make=True)
        keys = KeyFile(folder / "authcode.key", make=True)
        self.codes: Codes = Tokens(keys)
        if style == "digits8":
            self.codes = Digits(folder / "codes.db", keys)
        self.access = Access(self.codes, ReadSerials(self.users.path), embedded=embedded)
        self.service = LoginService(
            self.users,
            self.access,
            quote=lambda: ("203.0.113.1", 11025),
            trade=lambda: ("203.0.113.2", 11026),
            valid_until=lambda: 2**31,
        )

    async def ask(self, params: object, peer: str = "10.0.0.1", cmd: object = 1) -> Any:
        """The reply, or the stat with its text."""
        self.client = Client(peer)
        request = parse(json.dumps({"cmd": cmd, "params": params}))
        try:
            reply = await reply_to(self.service, self.client, request)
        except Failed as failed:
            return str(failed)
        return json.loads(reply.body)

    async def log_in(self, name: str, password: str, peer: str = "10.0.0.1") -> Any:
        return await self.ask({"username": name, "password": password}, peer)


@asynccontextmanager
async def opened(folder: Path, *options: Any) -> AsyncIterator[Door]:
    door = Door(folder, *options)
    await door.service.start()
    try:
        yield door
    finally:
        await door.service.close()
        door.access.close()


@pytest.mark.parametrize("style", ["token", "digits8"])
def test_the_documented_keys_and_nothing_else(tmp_path: Path, style: str) -> None:
    async def facts() -> None:
        async with opened(tmp_path, style) as door:
            before = int(time.time())
            reply = await door.ask({"UserName": "demo", "PASSWORD": "demo"}, cmd="000001")
            assert list(reply) == KEYS
            assert reply["uname"] == "demo"
            assert (reply["quoteserver"], reply["quoteport"]) == ("203.0.113.1", 11025)
            assert (reply["tradeserver"], reply["tradeport"]) == ("203.0.113.2", 11026)
            grant = door.codes.read(reply["authcode"])
            assert grant is not None
            assert (grant.user, grant.account) == ("demo", "028742")
            assert grant.rights == ("quote", "trade")
            assert door.users.get("demo").last_login >= before
            assert door.client.grant == grant  # on one port for all the login has shown it

    asyncio.run(facts())


def test_a_user_is_sent_to_his_gateway(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            door.users.add(User(name="a", quote="10.1.1.1:1", trade="[::1]:2"), Secret("pw"))
            reply = await door.log_in("a", "pw")
            assert (reply["quoteserver"], reply["quoteport"]) == ("10.1.1.1", 1)
            assert (reply["tradeserver"], reply["tradeport"]) == ("::1", 2)

    asyncio.run(facts())


def test_whatever_is_wrong_the_text_is_one(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            door.users.add(User(name="off"), Secret("pw"))
            door.users.enable("off", False)
            tried = [("off", "pw"), ("nobody", "pw"), ("demo", "x"), ("", ""), ("中", "中")]
            tried += [("demo", "x" * 10_000), ("x" * 10_000, "demo")]
            for number, (name, password) in enumerate(tried):
                assert await door.log_in(name, password, f"10.0.0.{number}") == WRONG
                assert door.client.grant is None

    asyncio.run(facts())


def test_a_request_that_is_no_login_is_told_so(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            tried: list[object] = [None, [], 5, {}, {"username": "demo"}]
            for params in [*tried, {"username": [], "password": 1}]:
                assert (await door.ask(params)).startswith("400 params")
            assert await door.ask({"username": 5, "password": 6}) == WRONG

    asyncio.run(facts())


def test_demo_is_not_there_on_a_real_front(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path, "token", False) as door:
            assert door.users.all() == []
            assert await door.log_in("demo", "demo") == WRONG
            door.users.add_demo("028742")
            assert await door.log_in("demo", "demo") == WRONG
        async with opened(tmp_path) as door:
            assert (await door.log_in("demo", "demo"))["uname"] == "demo"

    asyncio.run(facts())


def test_a_demo_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            door.users.delete("demo")
        async with opened(tmp_path) as door:
            assert await door.log_in("demo", "demo") == WRONG

    asyncio.run(facts())


def test_guesses_of_a_peer_cost_a_growing_delay_and_others_get_in(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            said = [await door.log_in("demo", f"x{number}") for number in range(12)]
            assert said[:4] == [WRONG] * 4
            assert set(said[4:]) == {"429 too many failed tries; wait 1 s"}
            assert (await door.log_in("demo", "demo")).startswith("429")
            assert (await door.log_in("demo", "demo", "10.0.0.2"))["uname"] == "demo"
            assert door.service.describe()["tries"] == {"failed": 4, "refused": 9}

    asyncio.run(facts())


def test_without_the_limit_every_guess_would_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tries, "_admit", lambda *_: None)
    with pytest.raises(AssertionError):
        test_guesses_of_a_peer_cost_a_growing_delay_and_others_get_in(tmp_path)


async def tried_from_everywhere(path: Path) -> tuple[int, list[bool]]:
    """How many of 40 guesses at demo from 40 addresses were looked at, and whether he gets in then:
    from where this process has seen him, and from where another one, or its last start, has."""
    async with opened(path) as other:
        assert (await other.log_in("demo", "demo", "2001:db8::1"))["uname"] == "demo"
    async with opened(path) as door:
        assert (await door.log_in("demo", "demo", "10.0.0.9"))["uname"] == "demo"
        guesses = [await door.log_in("demo", "x", f"10.1.0.{number}") for number in range(40)]
        right = [await door.log_in("demo", "demo", peer) for peer in ("10.0.0.9", "2001:db8::2")]
        return guesses.count(WRONG), ["uname" in said for said in right]


def test_a_user_is_not_guessed_at_from_many_addresses_and_not_kept_out_of_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, right = asyncio.run(tried_from_everywhere(tmp_path / "one"))
    assert 11 <= looked <= 15  # a delay or two may pass on a busy machine
    assert right == [True, True]
    monkeypatch.setattr(ReadSerials, "has_entered", lambda *_: False)
    assert asyncio.run(tried_from_everywhere(tmp_path / "two"))[1] == [True, False]
    monkeypatch.setattr(Tries, "_admit", lambda *_: None)
    assert asyncio.run(tried_from_everywhere(tmp_path / "three"))[0] == 40


def test_many_clients_of_one_address_may_log_in_at_once(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            replies = await asyncio.gather(*(door.log_in("demo", "demo") for _ in range(50)))
            assert all(list(reply) == KEYS for reply in replies)

    asyncio.run(facts())


def test_the_event_loop_goes_on_during_a_flood(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            flood = asyncio.gather(
                *(door.log_in(f"u{n}", "x", f"10.{n // 250}.1.{n % 250}") for n in range(60))
            )
            longest, turns = 0.0, 0
            while not flood.done():
                begun = time.perf_counter()
                await asyncio.sleep(0.001)
                longest = max(longest, time.perf_counter() - begun)
                turns += 1
            assert set(await flood) == {WRONG}
            assert turns > 20
            assert longest < 1.0

    asyncio.run(facts())


def test_a_file_that_cannot_be_read_is_no_wrong_password(tmp_path: Path) -> None:
    async def facts() -> None:
        async with opened(tmp_path) as door:
            door.users.path.unlink()
            for _ in range(10):
                assert await door.log_in("demo", "demo") == "503 logins cannot be checked"

    asyncio.run(facts())


def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def facts() -> list[str]:
        async with opened(tmp_path) as door:
            door.users.add(User(name="alice"), Secret("s3cret-pass"))
            reply = await door.log_in("alice", "s3cret-pass")
            await door.log_in("alice", "wr0ng-pass")
            await door.log_in("s3cret-pass", "alice")  # in the wrong field
            found = door.users.with_hash("alice")
            assert found is not None
            return [reply["authcode"], found[1], "s3cret-pass", "wr0ng-pass"]

    secrets = asyncio.run(facts())
    text = "".join(str(vars(record)) for record in caplog.records)
    assert "logged in" in text
    assert [secret for secret in secrets if secret in text] == []


def test_an_authcode_lasts_to_the_end_of_the_trading_day(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(hour: int) -> str:
        """Friday 20 November 2026 in China."""
        moment = datetime(2026, 11, 20, hour - 8, 30, tzinfo=UTC)
        monkeypatch.setattr("time.time_ns", lambda: int(moment.timestamp() * 1e9))
        return f"{datetime.fromtimestamp(valid_until(0, exchange_calendar()), UTC):%m-%d %H:%M}"

    assert at(9) == "11-20 12:00"  # 20:00 in China
    assert at(21) == "11-23 12:00"
    assert valid_until(2.5, exchange_calendar()) == time.time_ns() // 10**9 + 9000


def test_behind_a_nat_clients_are_told_the_outer_address() -> None:
    listener = QuoteListener(host="10.0.0.1", port=0, advertised_host="203.0.113.1")
    assert advertised(listener, ("10.0.0.1", 4711)) == ("203.0.113.1", 4711)
    assert advertised(QuoteListener(), None) == ("127.0.0.1", 11025)
