"""Who gets in: authcodes with each request and once on the connection, rights, limits."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bus import digits as digits_module
from bus.authcodes import Grant, KeyFile, Tokens
from bus.digits import Digits
from bus.secrets import Secret
from bus.serials import ReadSerials
from bus.tries import Meter, Tries, network
from bus.users import User, Users
from tcp_edge.access import Access, Codes
from tcp_edge.request import parse
from tcp_edge.service import Client
from tcp_edge.stat import Failed, flow_limit

SOON = 2**31


class Gate:
    """An Access over files in ``tmp_path``, with users alice (both rights) and bob (quotes)."""

    def __init__(self, tmp_path: Path, style: str = "token", **options: Any) -> None:
        self.users = Users(tmp_path / "users.db", make=True)
        keys = KeyFile(tmp_path / "authcode.key", make=True)
        self.codes: Codes = Tokens(keys)
        if style == "digits8":
            self.codes = Digits(tmp_path / "codes.db", keys)
        self.now = 1_700_000_000.0
        self.access = Access(
            self.codes, ReadSerials(self.users.path), clock=lambda: self.now, **options
        )
        self.users.add(User(name="alice", account="028742"), Secret("a"))
        self.users.add(User(name="bob", rights=("quote",)), Secret("b"))

    def code(self, name: str, expires: int = SOON, peer: str = "") -> str:
        user = self.users.get(name)
        return self.codes.issue(
            Grant(
                user=name,
                account=user.account,
                rights=user.rights,
                expires=expires,
                serial=user.serial,
            ),
            peer,
        )

    def ask(self, client: Client, code: str = "", right: Any = "trade") -> str:
        """The user, or the stat with its text."""
        try:
            text = json.dumps({"cmd": 210001, "authcode": code})
            return asyncio.run(self.access.grant(client, parse(text), right)).user
        except Failed as failed:
            return str(failed)


@pytest.fixture(params=["token", "digits8"])
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gate]:
    made = Gate(tmp_path, request.param)
    yield made
    made.access.close()


@pytest.fixture
def client() -> Client:
    return Client("10.0.0.1")


def test_a_code_is_shown_once_on_a_connection(gate: Gate, client: Client) -> None:
    code = gate.code("alice")
    assert gate.ask(client) == "401 authcode missing"
    assert gate.ask(client, code) == "alice"
    assert gate.ask(client) == "alice"
    assert gate.ask(Client("10.0.0.1")) == "401 authcode missing"
    assert gate.access.stands(client, "trade")


def test_another_code_takes_the_place_of_the_first_and_a_wrong_one_too(
    gate: Gate, client: Client
) -> None:
    assert gate.ask(client, gate.code("alice")) == "alice"
    assert gate.ask(client, gate.code("bob"), "quote") == "bob"
    assert gate.ask(client, right="trade") == "403 user bob has no right to trade"
    assert gate.ask(client, "wrong") == "401 authcode wrong"
    assert gate.ask(client) == "401 authcode missing"


def test_pushes_are_of_what_the_connection_has_shown_last(gate: Gate, client: Client) -> None:
    gate.users.add(User(name="carol", account="028743"), Secret("c"))
    alice, carol = gate.code("alice"), gate.code("carol")
    assert gate.ask(client, alice) == "alice"
    assert gate.access.stands(client, "trade", "028742")
    # What was asked for with the code of alice does not go on under that of carol, or for ever.
    assert gate.ask(client, carol) == "carol"
    assert not gate.access.stands(client, "trade", "028742")
    assert gate.access.stands(client, "trade", "028743")
    assert gate.ask(client, gate.code("bob"), "quote") == "bob"
    assert not gate.access.stands(client, "trade")
    assert gate.access.stands(client, "quote")


def test_with_each_command_when_the_scope_says_so(tmp_path: Path, client: Client) -> None:
    gate = Gate(tmp_path, scope="command")
    code = gate.code("alice")
    assert gate.ask(client, code) == "alice"
    assert gate.ask(client) == "401 authcode missing"
    gate.access.close()


def test_a_code_ends_with_its_time(gate: Gate, client: Client) -> None:
    code = gate.code("alice", int(gate.now) + 60)
    assert gate.ask(client, code) == "alice"
    gate.now += 61
    assert not gate.access.stands(client, "trade")
    assert gate.ask(client) == "401 authcode missing"
    # What is over in digits8 is forgotten at the next login; until then it is known.
    assert gate.ask(client, code) == "401 authcode expired"


def revoked(gate: Gate, client: Client, end: str) -> str:
    code = gate.code("alice")
    assert gate.ask(client, code) == "alice"
    if end == "disable":
        gate.users.enable("alice", False)
        gate.users.enable("alice", True)
    elif end == "password":
        gate.users.set_password("alice", Secret("other"))
    elif end == "rights":
        gate.users.change("alice", rights=("quote",))
    else:
        gate.users.delete("alice")
    time.sleep(0.3)
    assert not gate.access.stands(client, "trade")
    return gate.ask(Client("10.0.0.1"), code)


@pytest.mark.parametrize("end", ["disable", "password", "rights", "delete"])
def test_a_code_ends_with_what_its_user_was(gate: Gate, client: Client, end: str) -> None:
    assert revoked(gate, client, end) == "401 authcode revoked"
    if end != "delete":
        assert gate.ask(client, gate.code("alice"), "quote") == "alice"


def test_without_a_look_at_serials_a_revoked_code_would_be_taken(
    gate: Gate, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadSerials, "ended", lambda *_: False)
    with pytest.raises(AssertionError):
        revoked(gate, client, "disable")


def test_an_account_of_another_gateway_may_have_quotes_only(tmp_path: Path) -> None:
    gate = Gate(tmp_path, account="999999")
    code = gate.code("alice")
    assert gate.ask(Client("10.0.0.1"), code).startswith("403 user alice has another account")
    assert gate.ask(Client("10.0.0.1"), code, "quote") == "alice"
    gate.users.add(User(name="carol"), Secret("c"))
    assert gate.ask(Client("10.0.0.1"), gate.code("carol")) == "carol"
    gate.access.close()


def test_demo_is_taken_on_the_embedded_exchange_only(tmp_path: Path, client: Client) -> None:
    gate = Gate(tmp_path, embedded=True)
    gate.users.add_demo("028742")
    code = gate.code("demo")
    assert gate.ask(client, code) == "demo"
    gate.access.embedded = False
    assert gate.ask(client) == "401 demo is for the embedded exchange only"
    assert gate.ask(client, code) == "401 demo is for the embedded exchange only"
    gate.access.close()


def test_valid_tokens_are_taken_from_a_peer_that_was_wrong_often(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    code = gate.code("alice")
    answers = [gate.ask(Client("10.0.0.1"), f"wrong{number}") for number in range(20)]
    assert answers[:4] == ["401 authcode wrong"] * 4
    assert set(answers[4:]) == {"429 too many failed tries; wait 1 s"}
    assert gate.ask(Client("10.0.0.1"), code) == "alice"
    gate.access.close()


def guessed(gate: Gate, peer: str = "10.0.0.1") -> int:
    """How many of 200 guesses of one peer were looked at."""
    looked = 0
    for number in range(200):
        looked += gate.ask(Client(peer), f"{number:08}").startswith("401")
    return looked


def test_digits_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(tmp_path, "digits8")
    code = gate.code("alice")
    seen = Client("10.0.0.2")
    assert gate.ask(seen, code) == "alice"
    assert guessed(gate) <= 10
    # The right one is not looked at either, but where it has been shown before it is taken.
    assert gate.ask(Client("10.0.0.1"), code).startswith("429")
    assert gate.ask(Client("10.0.0.3"), code) == "alice"
    assert gate.ask(seen) == "alice"
    for number in range(20):
        gate.ask(Client("10.0.0.2"), f"{number:08}")
    assert gate.ask(Client("10.0.0.2"), code) == "alice"
    monkeypatch.setattr(Meter, "wait_s", lambda *_: 0.0)
    assert guessed(gate) == 200
    gate.access.close()


def guessed_from_everywhere(gate: Gate) -> int:
    """How many of 200 guesses were answered, each from an address of its own."""
    answers = [gate.ask(Client(f"10.1.0.{number}"), f"{number:08}") for number in range(200)]
    return answers.count("401 authcode wrong")


def test_digits_cannot_be_guessed_from_many_addresses_and_are_good_where_they_were_issued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, "digits8")
    assert gate.ask(Client("10.0.0.9"), seen := gate.code("alice")) == "alice"
    code = gate.code("alice", peer="10.0.0.2")
    assert guessed_from_everywhere(gate) <= 20  # some delays may pass on a busy machine
    # Another process may have issued it; elsewhere nobody is told that it is right.
    assert gate.ask(Client("10.0.0.2"), code) == "alice"
    assert gate.ask(Client("10.0.0.9"), seen) == "alice"
    assert gate.ask(Client("10.0.0.3"), code).startswith("429")
    # Who is there too has the tries of one address.
    assert guessed(gate, "10.0.0.2") <= 10
    assert gate.ask(Client("10.0.0.2"), code) == "alice"
    monkeypatch.setattr(Meter, "wait_s", lambda *_: 0.0)
    assert guessed_from_everywhere(gate) == 200
    gate.access.close()


def test_digits_of_an_earlier_version_are_still_good(tmp_path: Path) -> None:
    gate = Gate(tmp_path, "digits8")
    code = gate.code("alice")
    with closing(sqlite3.connect(tmp_path / "codes.db")) as db:
        db.execute("DROP TABLE homes")
    again = Digits(tmp_path / "codes.db", KeyFile(tmp_path / "authcode.key"))
    assert again.read(code) is not None
    assert again.home(code) == ""
    gate.access.close()


def test_digits_are_kept_as_hashes_and_few_of_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits_module, "_MOST_OF_USER", 3)
    gate = Gate(tmp_path, "digits8")
    codes = [gate.code("alice") for _ in range(5)]
    assert all(len(code) == 8 and code.isdigit() and code[0] != "0" for code in codes)
    known = [gate.codes.read(code) is not None for code in codes]
    assert known == [False, False, True, True, True]
    other = Digits(tmp_path / "codes.db", KeyFile(tmp_path / "authcode.key"))
    assert other.read(codes[-1]) is not None
    for file in tmp_path.glob("codes.db*"):
        assert file.stat().st_mode & 0o077 == 0
        assert codes[-1].encode() not in file.read_bytes()
    assert gate.codes.read("1" * 7) is gate.codes.read("１" * 8) is None
    gate.access.close()


# -- the limits -----------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempt(tries: Tries, peer: str, user: str, right: bool = False) -> bool:
    """Whether it was looked at."""
    try:
        with tries.one(peer, user) as one:
            if right:
                one.succeeded()
        return True
    except Failed:
        return False


def test_delays_grow_and_end() -> None:
    clock = Clock()
    tries = Tries(clock, flow_limit)
    waits = []
    for _ in range(12):
        assert attempt(tries, "10.0.0.1", "alice")
        waited = 0
        while tries._peers.wait_s("10.0.0.1"):
            assert not attempt(tries, "10.0.0.1", "alice", right=True)
            clock.now += 1
            waited += 1
        waits.append(waited)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.now += 10_000
    assert attempt(tries, "10.0.0.1", "alice")
    assert not tries._peers.wait_s("10.0.0.1")  # forgotten


def test_a_stranger_keeps_no_user_out() -> None:
    clock = Clock()
    tries = Tries(clock, flow_limit)
    assert attempt(tries, "10.0.0.9", "alice", right=True)
    kept_out = 0
    for _ in range(600):
        attempt(tries, "10.0.0.1", "alice")
        assert attempt(tries, "10.0.0.9", "alice", right=True)  # where he has been before
        kept_out += tries._users.wait_s("alice") > 0
        clock.now += 1
    assert kept_out < 300  # from anywhere else he gets in for most of the time
    while tries._users.wait_s("alice"):
        clock.now += 1
    assert attempt(tries, "10.0.0.8", "alice", right=True)


def test_one_client_with_a_wrong_password_does_not_stop_his_neighbours() -> None:
    tries = Tries(Clock(), flow_limit)
    assert attempt(tries, "10.0.0.1", "bob", right=True)
    while attempt(tries, "10.0.0.1", "alice"):
        pass
    assert attempt(tries, "10.0.0.1", "bob", right=True)
    while attempt(tries, "10.0.0.1", "bob"):
        pass
    assert attempt(tries, "10.0.0.2", "bob", right=True)


def test_a_user_tried_from_everywhere_is_looked_at_now_and_then() -> None:
    tries = Tries(Clock(), flow_limit)
    looked = sum(attempt(tries, f"10.0.{n // 250}.{n % 250}", "alice") for n in range(1000))
    assert looked <= 11


def test_many_at_once_slip_through_only_while_nobody_was_wrong() -> None:
    tries = Tries(Clock(), flow_limit)
    with tries.one("10.0.0.1", "a"), tries.one("10.0.0.1", "b"), tries.one("10.0.0.1", "c"):
        pass
    with tries.one("10.0.0.1", "a"), pytest.raises(Failed), tries.one("10.0.0.1", "b"):
        pass


def test_an_error_counts_as_nothing() -> None:
    tries = Tries(Clock(), flow_limit)
    for _ in range(20):
        with pytest.raises(RuntimeError), tries.one("10.0.0.1", "alice"):
            raise RuntimeError
    assert attempt(tries, "10.0.0.1", "alice")
    assert tries.describe() == {"failed": 1, "refused": 0}
    assert not tries._running


def test_a_crowd_of_strangers_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.tries._MOST", 100)
    tries = Tries(Clock(), flow_limit)
    for number in range(1000):
        attempt(tries, f"10.1.{number // 250}.{number % 250}", f"user{number}")
        attempt(tries, f"10.2.{number // 250}.{number % 250}", f"u{number}", right=True)
    sizes = [len(meter._entries) for meter in (tries._peers, tries._users, tries._known)]
    assert max(sizes) <= 100
    assert len(tries._entered) <= 100


def test_an_ipv6_network_is_one_peer() -> None:
    assert network("2001:db8:1:2::5") == network("2001:db8:1:2:ffff::1")
    assert network("2001:db8:1:2::5") != network("2001:db8:1:3::5")
    assert network("::ffff:10.0.0.1") == "10.0.0.1"
    assert network("") == ""
