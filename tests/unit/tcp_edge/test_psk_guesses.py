"""On the wire psk passwords could be tried past the login service; they are not, for long."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bus.tries import Tries
from tcp_edge.config import QuoteListener, TcpConfig
from tcp_edge.connection import Connection
from tcp_edge.counters import Counters
from tcp_edge.guarded import GuardedPsk
from tcp_edge.listener import Door
from tcp_edge.server import Server
from tcp_edge.wire.pskclient import PskClient
from tcp_edge.wire.wire import WireError
from tests.unit.tcp_edge.test_server import Fake

PSKS = {"alice": os.urandom(32), "bob": os.urandom(32)}
BOUND_S = 20.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def said(address: tuple[str, int], user: str, psk: bytes, source: str) -> bytes:
    """What the server says to a first request; b"": it has closed."""
    client = PskClient(user, psk)
    async with asyncio.timeout(BOUND_S):
        reader, writer = await asyncio.open_connection(*address, local_addr=(source, 0))
        try:
            writer.write(client.hello())
            while not client.ready:
                if not (data := await reader.read(4096)):
                    return b""
                list(client.feed(data))
            writer.write(client.request('{"cmd": 100001, "params": 1}'))
            return await reader.read(4096)
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def opened(tries: Tries) -> AsyncIterator[Callable[..., Awaitable[bool]]]:
    """``ask(user, right, source)``: whether a first request is answered."""
    config = TcpConfig(quote=QuoteListener(port=0, wire="psk"))
    server = Server(config, {"quote": Fake("quote")}, lambda _: GuardedPsk(PSKS.get, tries))
    await server.open()
    address = server.where("quote")
    assert address is not None

    async def ask(user: str, right: bool, source: str = "127.0.0.1") -> bool:
        return await said(address, user, PSKS[user] if right else os.urandom(32), source) != b""

    try:
        yield ask
    finally:
        await server.close()


async def looked_at() -> tuple[int, int]:
    """How many of 20 wrong keys were looked at, and how many requests of the right one before."""
    tries = Tries()
    async with opened(tries) as ask:
        right = [await ask("bob", right=True) for _ in range(5)]
        for _ in range(20):
            assert not await ask("alice", right=False)
        return tries.failed, sum(right)


def test_a_peer_with_wrong_keys_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, right = asyncio.run(looked_at())
    assert 4 <= wrong <= 9  # a delay or two may pass on a busy machine
    assert right == 5
    monkeypatch.setattr(Tries, "is_early", lambda *_: False)
    assert asyncio.run(looked_at()) == (20, 5)


async def tried_from_everywhere() -> tuple[int, bool, bool, bool]:
    """How many of 60 wrong keys for alice from 60 addresses were looked at; then whether she gets
    in from where she has been, from elsewhere, and whether bob does from there."""
    clock = Clock()
    tries = Tries(clock)
    async with opened(tries) as ask:
        assert await ask("alice", right=True)
        for number in range(60):
            assert not await ask("alice", right=False, source=f"127.0.1.{number + 1}")
        looked = tries.failed
        home = await ask("alice", right=True)
        away = await ask("alice", right=True, source="127.0.2.1")
        other = await ask("bob", right=True, source="127.0.2.2")
        clock.now += 5
        assert await ask("alice", right=True, source="127.0.2.1")  # it was not held against her
        return looked, home, away, other


def test_a_user_is_not_guessed_at_from_many_addresses_and_not_kept_out_of_his_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert asyncio.run(tried_from_everywhere()) == (11, True, False, True)
    monkeypatch.setattr(Tries, "is_early", lambda *_: False)
    assert asyncio.run(tried_from_everywhere()) == (60, True, True, True)


def test_who_has_logged_in_through_another_process_is_known() -> None:
    async def main() -> bool:
        clock = Clock()
        tries = Tries(clock, knows=lambda peer, user: (peer, user) == ("127.0.0.1", "alice"))
        async with opened(tries) as ask:
            for number in range(20):
                assert not await ask("alice", right=False, source=f"127.0.1.{number + 1}")
            assert not await ask("alice", right=True, source="127.0.2.1")
            return await ask("alice", right=True)

    assert asyncio.run(main())


def test_many_handshakes_at_once_are_not_many_tries() -> None:
    async def main() -> int:
        tries = Tries(Clock())
        wires = [GuardedPsk(PSKS.get, tries) for _ in range(50)]
        clients = [PskClient("alice", os.urandom(32)) for _ in wires]
        for number, (wire, client) in enumerate(zip(wires, clients, strict=True)):
            wire.peer = f"10.0.0.{number}"
            assert list(wire.feed(client.hello())) == []
            list(client.feed(wire.greeting()))
        for wire, client in zip(wires, clients, strict=True):
            with pytest.raises(WireError):
                list(wire.feed(client.request('{"cmd": 1}')))
            wire.wrong()
        return tries.failed

    assert asyncio.run(main()) == 11


def test_the_other_wires_are_open_to_all() -> None:
    async def main() -> bool:
        tries = Tries()
        door = Door("quote", TcpConfig(), {}, lambda: GuardedPsk(PSKS.get, tries), Counters())
        door.guessed(Connection(door))
        return tries.failed == 0

    assert asyncio.run(main())
