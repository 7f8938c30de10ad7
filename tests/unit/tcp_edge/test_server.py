"""Connections of the server over real sockets, on plain lines and a service of the test's own."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from tcp_edge.config import LoginListener, QuoteListener, ServiceName, TcpConfig, TradeListener
from tcp_edge.counters import Counters
from tcp_edge.listener import Door
from tcp_edge.reply import Reply, one, status
from tcp_edge.request import Request
from tcp_edge.server import Server
from tcp_edge.service import Client, Command
from tcp_edge.stat import Failed, Stat
from tests.support.authority import Authority
from tests.support.plain_wire import PlainWire

CONFIG = TcpConfig(
    login=LoginListener(port=0), quote=QuoteListener(port=0), trade=TradeListener(port=0)
)
BOUND_S = 20.0


class Fake:
    """``hold``: 100003 answers when it is set. 110001 keeps the client for pushes."""

    def __init__(self, name: str) -> None:
        self.hold = asyncio.Event()
        self.clients: list[Client] = []
        self.left: list[Client] = []
        self.commands: Mapping[int, Command] = {
            "login": {1: self._echo},
            "quote": {
                100001: self._echo,
                100002: self._large,
                100003: self._held,
                110001: self._follow,
            },
            "trade": {210001: self._fault, 210002: self._refuse},
        }[name]

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def gone(self, client: Client) -> None:
        self.left.append(client)

    def describe(self) -> dict[str, object]:
        return {}

    async def _echo(self, client: Client, request: Request) -> Reply:
        return one(request.params)

    async def _large(self, client: Client, request: Request) -> Reply:
        if isinstance(request.params, list):
            text = b'"%s"' % (b"x" * request.params[0])
            return Reply(b"", 10_000, (zlib.compress(text, 1),))
        return Reply(b'"%s"' % (b"x" * int(request.params)), 1)

    async def _held(self, client: Client, request: Request) -> Reply:
        await self.hold.wait()
        return one(request.params)

    async def _follow(self, client: Client, request: Request) -> Reply:
        self.clients.append(client)
        return status(1)

    async def _fault(self, client: Client, request: Request) -> Reply:
        raise RuntimeError("a fault")

    async def _refuse(self, client: Client, request: Request) -> Reply:
        raise Failed(Stat.UNAUTHORIZED, "no authcode")


class Running:
    def __init__(self, config: TcpConfig) -> None:
        names: tuple[ServiceName, ...] = ("login", "quote", "trade")
        self.services = {name: Fake(name) for name in names}
        self.wires: list[PlainWire] = []
        self.server = Server(config, self.services, self._wire)

    def _wire(self, name: ServiceName) -> PlainWire:
        self.wires.append(PlainWire())
        return self.wires[-1]

    async def connect(self, name: str) -> Peer:
        host, _, port = self.server.addresses()[name].rpartition(":")
        return Peer(*await asyncio.open_connection(host, int(port)))


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, cmd: int, params: object = None) -> None:
        self.raw(json.dumps({"cmd": cmd, "params": params}).encode() + b"\r\n")

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self) -> Any:
        async with asyncio.timeout(BOUND_S):
            return json.loads(await self.reader.readline())

    async def ask(self, cmd: int, params: object = None) -> Any:
        self.send(cmd, params)
        return await self.receive()

    async def ended(self) -> bytes:
        """What still comes before the end."""
        async with asyncio.timeout(BOUND_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""
            finally:
                self.writer.close()


@asynccontextmanager
async def running(config: TcpConfig = CONFIG, **changes: Any) -> AsyncIterator[Running]:
    made = Running(msgspec.structs.replace(config, **changes))
    await made.server.open()
    try:
        yield made
    finally:
        await made.server.close()


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not fact():
            await asyncio.sleep(0.01)


def test_replies_are_in_the_order_of_requests_and_there_is_one_for_each() -> None:
    async def main() -> None:
        async with running() as run:
            slow, quick = await run.connect("quote"), await run.connect("quote")
            slow.send(100003, 1)
            slow.send(100001, 2)
            slow.raw(b"garbage\r\n")
            slow.send(100001, 3)
            # One client's request that waits holds up nobody else.
            assert await quick.ask(100001, 4) == 4
            run.services["quote"].hold.set()
            assert [await slow.receive() for _ in range(2)] == [1, 2]
            assert (await slow.receive())["stat"] == 400
            assert await slow.receive() == 3
            slow.writer.write_eof()
            assert await slow.ended() == b""
            quick.writer.close()

    asyncio.run(main())


def test_what_was_asked_before_the_client_ended_his_side_is_answered() -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("quote")
            for number in range(300):
                peer.send(100001, number)
            peer.writer.write_eof()
            answers = (await peer.ended()).split()
            assert [int(answer) for answer in answers] == list(range(300))

    asyncio.run(main())


def test_a_command_on_the_wrong_port_and_one_that_does_not_exist() -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("quote")
            assert (await peer.ask(210001))["stat"] == 403
            assert (await peer.ask(1))["stat"] == 403
            assert (await peer.ask(777))["stat"] == 404
            assert run.server.counters.requests == {210001: 1, 1: 1, 0: 1}
            assert run.server.counters.replies == {403: 2, 404: 1}
            peer.writer.close()

    asyncio.run(main())


def test_single_port_takes_all_commands_on_one_listener() -> None:
    async def main() -> None:
        async with running(single_port=True) as run:
            assert list(run.server.addresses()) == ["login"]
            peer = await run.connect("login")
            assert await peer.ask(1, 5) == 5
            assert await peer.ask(100001, 6) == 6
            assert (await peer.ask(210002))["stat"] == 401
            peer.writer.close()

    asyncio.run(main())


def test_a_fault_of_ours_is_answered_and_the_connection_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("trade")
            assert await peer.ask(210001) == {"stat": 500, "reqid": 0, "msg": "internal"}
            assert (await peer.ask(210002))["stat"] == 401
            assert run.server.counters.faults == 1
            peer.writer.close()

    asyncio.run(main())
    assert "a fault" in caplog.text


def test_a_line_that_cannot_be_read_ends_the_connection_without_a_word() -> None:
    async def main() -> None:
        async with running() as run:
            peer, other = await run.connect("quote"), await run.connect("quote")
            peer.raw(b"bad\r\n")
            assert await peer.ended() == b""
            assert run.server.counters.unreadable == 1
            assert await other.ask(100001, 1) == 1
            other.writer.close()

    asyncio.run(main())


def test_one_peer_gets_so_many_connections_and_no_more() -> None:
    async def main() -> None:
        async with running(max_connections_per_peer=2) as run:
            first, second = await run.connect("quote"), await run.connect("quote")
            assert await first.ask(100001, 1) == await second.ask(100001, 1) == 1
            third = await run.connect("quote")
            assert await third.ended() == b""
            assert run.server.counters.refused == 1
            first.writer.close()
            await until(lambda: run.server.counters.connections == 1)
            fourth = await run.connect("quote")
            assert await fourth.ask(100001, 4) == 4
            for peer in (second, fourth):
                peer.writer.close()

    asyncio.run(main())


def test_a_client_without_credentials_is_closed_and_one_with_them_stays() -> None:
    async def main() -> None:
        async with running(credentials_s=0.5) as run:
            mute, known = await run.connect("trade"), await run.connect("quote")
            assert await known.ask(100001, 1) == 1
            assert run.wires[1].trusted
            assert not run.wires[0].trusted
            assert await mute.ended() == b""
            assert run.server.counters.late == 1
            assert await known.ask(100001, 2) == 2
            known.writer.close()

    asyncio.run(main())


def test_when_all_places_are_taken_who_has_shown_nothing_makes_room() -> None:
    async def main() -> None:
        async with running(max_connections=3, credentials_s=60.0) as run:
            known = await run.connect("quote")
            assert await known.ask(100001, 1) == 1
            mutes = [await run.connect("quote") for _ in range(2)]
            await until(lambda: run.server.counters.connections == 3)
            second = await run.connect("quote")
            assert await second.ask(100001, 2) == 2
            assert await mutes[0].ended() == b""
            third = await run.connect("quote")
            assert await third.ask(100001, 3) == 3
            assert await mutes[1].ended() == b""
            # Nobody who has shown credentials is sent away.
            assert await (await run.connect("quote")).ended() == b""
            assert (run.server.counters.refused, run.server.counters.late) == (1, 2)
            for number, peer in enumerate((known, second, third)):
                assert await peer.ask(100001, number) == number
                peer.writer.close()

    asyncio.run(main())


def test_an_ipv6_network_counts_as_one_peer() -> None:
    door = Door("quote", CONFIG, {}, lambda: PlainWire(), Counters())
    entered = [door.enter(f"2001:db8::{number:x}") for number in range(300)]
    assert sum(entered) == CONFIG.max_connections_per_peer
    assert door.enter("2001:db8:0:1::1")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_never_ends_his_tls_handshake_counts_and_is_closed(
    loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue("server")
    changes: dict[str, Any] = {
        "quote": QuoteListener(port=0, wire="tls"),
        "cert_file": str(certificate),
        "key_file": str(certificate.with_suffix(".key")),
    }

    async def main() -> None:
        async with running(max_connections_per_peer=2, credentials_s=2.0, **changes) as run:
            mutes = [await run.connect("quote") for _ in range(2)]
            mutes[0].raw(b"\x16\x03\x01")
            assert await (await run.connect("quote")).ended() == b""
            assert run.server.counters.refused == 1
            for mute in mutes:
                assert await mute.ended() == b""
            await until(lambda: not run.server._doors[1]._inside)
            host, _, port = run.server.addresses()["quote"].rpartition(":")
            context = ssl.create_default_context(cafile=authority.file)
            known = Peer(*await asyncio.open_connection(host, int(port), ssl=context))
            assert await known.ask(100001, 1) == 1
            mute = await run.connect("quote")
            known.writer.close()
        assert await mute.ended() == b""

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def test_without_a_descriptor_for_its_handshake_a_connection_leaves_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Authority(tmp_path).issue("server")
    changes: dict[str, Any] = {
        "quote": QuoteListener(port=0, wire="tls"),
        "cert_file": str(certificate),
        "key_file": str(certificate.with_suffix(".key")),
    }

    def full(descriptor: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    async def main() -> None:
        async with running(max_connections_per_peer=1, **changes) as run:
            monkeypatch.setattr(os, "dup", full)
            for _ in range(3):
                assert await (await run.connect("quote")).ended() == b""
            assert run.server._doors[1]._inside == 0
            assert run.server.counters.refused == 3

    asyncio.run(main())


def test_a_client_that_asks_nothing_for_too_long_is_closed() -> None:
    async def main() -> None:
        async with running(idle_s=0.3) as run:
            peer = await run.connect("quote")
            assert await peer.ask(100001, 1) == 1
            assert await peer.ended() == b""
            assert run.server.counters.late == 1

    asyncio.run(main())


def test_a_client_that_does_not_read_is_closed_and_what_it_sends_is_not_kept() -> None:
    async def main() -> None:
        async with running(stall_s=0.5) as run:
            peer = await run.connect("quote")
            for _ in range(40):
                peer.send(100002, 1 << 20)
            await until(lambda: run.server.counters.slow == 1)
            await until(lambda: run.server.counters.connections == 0)
            assert sum(run.server.counters.replies.values()) < 40
            peer.writer.transport.abort()

    asyncio.run(main())


def test_pushes_go_to_wires_that_have_them_and_a_client_that_does_not_read_them_is_closed() -> None:
    async def main() -> None:
        listener = QuoteListener(port=0, wire="psk")
        async with running(quote=listener, send_limit_bytes=1 << 20) as run:
            v1, peer = await run.connect("login"), await run.connect("quote")
            assert await v1.ask(1, 1) == 1
            assert (await peer.ask(110001))["stat"] == 200
            (client,) = run.services["quote"].clients
            assert client.push is not None
            client.push("tick", 1, b"{}")
            assert await peer.receive() == {"push": "tick", "seq": 1, "data": {}}
            for number in range(64):
                client.push("tick", number, b'"%s"' % (b"x" * (1 << 18)))
            assert run.server.counters.slow == 1
            await until(lambda: run.services["quote"].left == [client])
            for each in (v1, peer):
                each.writer.transport.abort()

    asyncio.run(main())


def test_a_large_reply_is_no_reason_to_close_a_client_with_pushes() -> None:
    async def main() -> None:
        listener = QuoteListener(port=0, wire="psk")
        async with running(quote=listener, send_limit_bytes=1 << 20) as run:
            peer = await run.connect("quote")
            await peer.ask(110001)
            (client,) = run.services["quote"].clients
            assert client.push is not None
            peer.send(100002, 32 << 20)
            await until(lambda: run.server.counters.replies[200] == 2)
            await asyncio.sleep(0)
            client.push("tick", 1, b"{}")
            assert run.server.counters.slow == 0
            async with asyncio.timeout(BOUND_S):
                await peer.reader.readexactly((32 << 20) + 4)
            assert (await peer.receive())["push"] == "tick"
            peer.writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_client_that_reads_slowly_gets_all_of_a_large_reply(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        async with running(stall_s=0.5) as run:
            peer = await run.connect("quote")
            peer.send(100002, 12 << 20)
            left = (12 << 20) + 4
            while left:
                await asyncio.sleep(0.15)
                left -= len(await peer.reader.readexactly(min(left, 1 << 20)))
            assert await peer.ask(100001, 1) == 1
            assert run.server.counters.slow == 0
            peer.writer.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def test_a_push_never_comes_in_the_midst_of_a_reply() -> None:
    async def main() -> None:
        async with running(quote=QuoteListener(port=0, wire="psk")) as run:
            peer = await run.connect("quote")
            await peer.ask(110001)
            (client,) = run.services["quote"].clients
            assert client.push is not None
            counted = run.server.counters.replies
            for number, params in enumerate((32 << 20, [32 << 20]), 2):
                peer.send(100002, params)
                await until(lambda n=number: counted[200] == n)  # type: ignore[misc]
                client.push("tick", 1, b"{}")
                async with asyncio.timeout(BOUND_S):
                    reply = await peer.reader.readexactly((32 << 20) + 4)
                assert reply == b'"%s"\r\n' % (b"x" * (32 << 20))
                assert (await peer.receive())["push"] == "tick"
            peer.writer.close()

    asyncio.run(main())


def test_pushes_that_wait_for_the_end_of_a_reply_are_bounded_and_counted_once() -> None:
    async def main() -> None:
        quote = QuoteListener(port=0, wire="psk")
        async with running(quote=quote, send_limit_bytes=16 << 20) as run:
            peer = await run.connect("quote")
            await peer.ask(110001)
            (client,) = run.services["quote"].clients
            assert client.push is not None
            peer.send(100002, 32 << 20)
            await until(lambda: run.server.counters.replies[200] == 2)
            for number in range(100):
                client.push("tick", number, b'"%s"' % (b"x" * (1 << 18)))
            assert (run.server.counters.slow, run.server.counters.pushes < 70) == (1, True)
            await until(lambda: run.services["quote"].left == [client])
            peer.writer.transport.abort()

    asyncio.run(main())


def rss_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() >> 20


def test_clients_who_do_not_read_their_large_replies_cost_little(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue("server")
    changes: dict[str, Any] = {
        "quote": QuoteListener(port=0, wire="tls"),
        "cert_file": str(certificate),
        "key_file": str(certificate.with_suffix(".key")),
    }

    async def main() -> None:
        async with running(**changes) as run:
            host, _, port = run.server.addresses()["quote"].rpartition(":")
            context = ssl.create_default_context(cafile=authority.file)
            before, peers = rss_mb(), []
            for number in range(1, 11):
                open_to = asyncio.open_connection(host, int(port), ssl=context, limit=1024)
                peers.append(Peer(*await open_to))
                peers[-1].send(100002, [30 << 20])
                peers[-1].send(100002, [30 << 20])
                await until(lambda n=number: run.server.counters.replies[200] == n)  # type: ignore[misc]
            assert rss_mb() - before < 100  # of 300 or more
            for peer in peers:
                peer.writer.transport.abort()

    asyncio.run(main())


def test_on_v1_there_is_nothing_to_push_with() -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("quote")
            await peer.ask(110001)
            assert run.services["quote"].clients[0].push is None
            peer.writer.close()

    asyncio.run(main())


def test_the_end_waits_for_what_is_being_answered() -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("quote")
            peer.send(100003, 1)
            await until(lambda: run.server.counters.connections == 1)
            ending = asyncio.create_task(run.server.close())
            run.services["quote"].hold.set()
            assert await peer.receive() == 1
            assert await peer.ended() == b""
            await ending

    asyncio.run(main())


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_replies_do_not_depend_on_how_tcp_cuts_the_bytes(step: int) -> None:
    async def main() -> None:
        async with running() as run:
            peer = await run.connect("quote")
            line = b'{"cmd": 100001, "params": 1}\n{"cmd": 000001}\r\n'
            for at in range(0, len(line), step):
                peer.raw(line[at : at + step])
                await peer.writer.drain()
            assert await peer.receive() == 1
            assert (await peer.receive())["stat"] == 403
            peer.writer.close()

    asyncio.run(main())
