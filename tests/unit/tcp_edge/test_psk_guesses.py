"""On the wire psk passwords could be tried past the login service; they are not, for long."""

from __future__ import annotations

import asyncio
import os

import pytest

from bus.tries import Tries
from tcp_edge.config import QuoteListener, TcpConfig
from tcp_edge.listener import Door
from tcp_edge.server import Server
from tcp_edge.wire.psk import PskServer
from tcp_edge.wire.pskclient import PskClient
from tests.unit.tcp_edge.test_server import Fake

PSK = os.urandom(32)
BOUND_S = 20.0


async def said(address: tuple[str, int], psk: bytes) -> bytes:
    """What the server says to a first request; b"": it has closed."""
    client = PskClient("alice", psk)
    async with asyncio.timeout(BOUND_S):
        reader, writer = await asyncio.open_connection(*address)
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


async def looked_at() -> tuple[int, int]:
    """How many of 20 wrong keys were looked at, and how many requests of the right one before."""
    config = TcpConfig(quote=QuoteListener(port=0, wire="psk"))
    server = Server(config, {"quote": Fake("quote")}, lambda _: PskServer(lambda _: PSK))
    await server.open()
    try:
        address = server.where("quote")
        assert address is not None
        right = [await said(address, PSK) for _ in range(5)]
        for _ in range(20):
            assert await said(address, os.urandom(32)) == b""
        return server.counters.unreadable, sum(reply != b"" for reply in right)
    finally:
        await server.close()


def test_a_peer_with_wrong_keys_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, right = asyncio.run(looked_at())
    assert 4 <= wrong <= 9  # a delay or two may pass on a busy machine
    assert right == 5
    monkeypatch.setattr(Tries, "waits", lambda *_: False)
    assert asyncio.run(looked_at()) == (20, 5)


def test_the_other_wires_are_open_to_all() -> None:
    door = Door("quote", TcpConfig(), {}, lambda: PskServer(lambda _: PSK), None)  # type: ignore[arg-type]
    assert door._guesses is None
