"""Connections that send anything but requests: what do they leave behind in the server?

    python -m tests.chaos.ofx_garbage --connections 100000

Random bytes, half, slow and endless lines, TLS, HTTP, nothing, base64 of nothing, and good
requests whose client is gone. Prints by how much the process's memory and descriptors have grown;
exits with 1 when it has died, has answered, or has kept more than 8 MB or any descriptor.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.ofx_lines import capture, seal
from tests.support.ofx_gateway import OfxGateway, real

TOGETHER: Final = 64
MOST_GROWN: Final = 8 << 20
# The first ones fill pools and caches that stay.
WARM: Final = 2000
CLOSED_S: Final = 60.0
SETTLED_S: Final = 20.0
_OPEN: Final = ("01", "08")  # of /proc/net/tcp: established, and ended by the client only
TLS_HELLO: Final = bytes.fromhex("16030100c8010000c40303") + bytes(range(194))
Talk = Callable[[OfxGateway, asyncio.StreamWriter, random.Random], Awaitable[None]]


class Left(NamedTuple):
    """Bytes of memory, file descriptors."""

    grown: int
    descriptors: int
    said: int  # bytes that the server has answered to garbage

    @property
    def fine(self) -> bool:
        return self.grown <= MOST_GROWN and self.descriptors <= 0 and not self.said


async def _read_all(reader: asyncio.StreamReader) -> int:
    size = 0
    try:
        async with asyncio.timeout(CLOSED_S):
            while data := await reader.read(1 << 16):
                size += len(data)
    except ConnectionError:
        pass
    return size


async def random_bytes(
    gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    writer.write(chance.randbytes(chance.randrange(1, 3000)))


async def random_line(
    gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    raw = b"\1\1" + chance.randbytes(chance.randrange(200))
    writer.write(base64.urlsafe_b64encode(raw) + b"\r\n")


async def half_a_line(
    gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    line = seal(gateway, chance.choice(list(gateway.requests)))
    writer.write(line[: chance.randrange(len(line))])


async def slow_line(
    gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    for byte in seal(gateway, "login")[: chance.randrange(1, 20)]:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.001)


async def endless_line(
    gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    for _ in range(20):
        writer.write(b"A" * 4096)
        await writer.drain()


async def tls(gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    writer.write(TLS_HELLO + b"\n")


async def http(gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")


async def nothing(gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    pass


async def gone(gateway: OfxGateway, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    writer.write(seal(gateway, "quote") + b"\r\n")
    raise ConnectionResetError


KINDS: Final[tuple[Talk, ...]] = (
    random_bytes,
    random_line,
    half_a_line,
    slow_line,
    endless_line,
    tls,
    http,
    nothing,
    gone,
)


async def connect(gateway: OfxGateway, number: int, chance: random.Random) -> int:
    """Bytes that came back. One in three is reset instead of ended."""
    service = chance.choice(list(gateway.requests))
    reader, writer = await asyncio.open_connection(*gateway.address(service))
    try:
        await KINDS[number % len(KINDS)](gateway, writer, chance)
        if chance.randrange(3) == 0:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return 0
        writer.write_eof()
        return await _read_all(reader)
    except (ConnectionError, OSError):
        return 0
    finally:
        writer.transport.abort()


async def flood(gateway: OfxGateway, connections: int, seed: int = 1) -> int:
    numbers, chance, said = iter(range(connections)), random.Random(seed), 0

    async def work() -> None:
        nonlocal said
        for number in numbers:
            said += await connect(gateway, number, chance)

    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(work())
    return said


def memory(pid: int) -> int:
    fields = Path(f"/proc/{pid}/status").read_text("ascii").split("\n")
    return next(int(field.split()[1]) << 10 for field in fields if field.startswith("VmRSS:"))


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def connections(gateway: OfxGateway) -> int:
    """That the server still has to close, on its ports."""
    ports = {gateway.address(service)[1] for service in gateway.requests}
    count = 0
    for line in Path("/proc/net/tcp").read_text("ascii").split("\n")[1:-1]:
        _, local, _, state = line.split()[:4]
        count += state in _OPEN and int(local.rpartition(":")[2], 16) in ports
    return count


async def settled(gateway: OfxGateway) -> int:
    """Descriptors, when all connections are closed or after a while."""
    until = time.monotonic() + SETTLED_S
    while connections(gateway) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    return descriptors(gateway.pid)


async def attack(gateway: OfxGateway, count: int, warm: int = WARM) -> Left:
    await capture(gateway)
    await flood(gateway, warm)
    before = await settled(gateway)
    held = memory(gateway.pid)
    said = await flood(gateway, count, seed=2)
    left = await settled(gateway) - before
    grown = memory(gateway.pid) - held
    await capture(gateway)  # alive, and serves honest clients
    return Left(grown, left, said)


def main() -> int:
    parser = argparse.ArgumentParser(description="connections that send garbage")
    parser.add_argument("--connections", type=int, default=100_000)
    count = parser.parse_args().connections
    with tempfile.TemporaryDirectory() as folder, real(Path(folder)) as gateway:
        begin = time.monotonic()
        left = asyncio.run(attack(gateway, count))
        print(json.dumps(left._asdict()), f"in {time.monotonic() - begin:.0f} s")
    return 0 if left.fine else 1


if __name__ == "__main__":
    sys.exit(main())
