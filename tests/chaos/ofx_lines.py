"""Lines that nobody with the key has just sent, over the server's real sockets: how many does it
take?

    python -m tests.chaos.ofx_lines --tries 100000

Captured lines come again on their port and on the others; lines that were held back come with one
bit turned, cut at either end, with more around them, and sealed with other keys. Each has a
connection of its own, which must end without a byte. Prints what was tried, by kind, and exits with
1 when anything was taken.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tcp_edge import octkeypass
from tests.support.ofx_gateway import KEY, OfxGateway, real

OTHER_KEY: Final = "a key of somebody else"
TOGETHER: Final = 32
REPLY_S: Final = 30.0
# A line that was held back is tried while it is fresh, else its age would be why it is refused.
FRESH_S: Final = 5.0


class Try(NamedTuple):
    kind: str
    service: str
    line: bytes


class Verdict(NamedTuple):
    tries: Counter[str]
    taken: Counter[str]

    def __str__(self) -> str:
        return json.dumps({"tries": dict(self.tries), "taken": dict(self.taken)})


def seal(gateway: OfxGateway, service: str, key: str = KEY, kid: int = 1) -> bytes:
    return octkeypass.encrypt(key, gateway.requests[service], kid=kid).encode("ascii")


async def ask(gateway: OfxGateway, service: str, line: bytes) -> bytes:
    """What comes back until the server closes, or until the end of a line."""
    reader, writer = await asyncio.open_connection(*gateway.address(service), limit=1 << 20)
    try:
        writer.write(line + b"\r\n")
        async with asyncio.timeout(REPLY_S):
            return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def capture(gateway: OfxGateway) -> dict[str, bytes]:
    """A line for each port that was served there a moment ago."""
    lines = {service: seal(gateway, service) for service in gateway.requests}
    for service, line in lines.items():
        assert await ask(gateway, service, line), f"{service} does not answer"
    return lines


def changed(service: str, line: bytes) -> Iterator[Try]:
    for bit in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[bit // 8] ^= 1 << bit % 8
        yield Try("bit", service, bytes(flipped))
    for size in range(1, len(line)):
        yield Try("cut", service, line[:size])
        yield Try("cut in front", service, line[size:])
    for more in (b"A", b"=", b"AAAA", b" ", b"\0", line):
        yield Try("more", service, line + more)
        yield Try("more", service, more + line)


def hostile(gateway: OfxGateway, captured: dict[str, bytes]) -> Iterator[Try]:
    """Without end; what is held back is sealed anew when it is no longer fresh."""
    while True:
        for service in captured:
            held, since = seal(gateway, service), time.monotonic()
            for attempt in changed(service, held):
                if time.monotonic() - since > FRESH_S:
                    break
                yield attempt
            yield from _replays(captured)
            for key, kid in ((OTHER_KEY, 1), (OTHER_KEY, 2), (KEY, 2), (KEY, 255)):
                yield Try("other key", service, seal(gateway, service, key, kid))


def _replays(captured: dict[str, bytes]) -> Iterator[Try]:
    for line in captured.values():
        for service in captured:
            for _ in range(4):
                yield Try("replay", service, line)


async def attack(gateway: OfxGateway, tries: int) -> Verdict:
    verdict = Verdict(Counter(), Counter())
    captured = await capture(gateway)
    attempts = itertools.islice(hostile(gateway, captured), tries)

    async def work() -> None:
        for attempt in attempts:
            said = await ask(gateway, attempt.service, attempt.line)
            verdict.tries[attempt.kind] += 1
            if said:
                verdict.taken[attempt.kind] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(work())
    await capture(gateway)  # honest clients are still served
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description="hostile request lines")
    parser.add_argument("--tries", type=int, default=100_000)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as folder, real(Path(folder)) as gateway:
        begin = time.monotonic()
        verdict = asyncio.run(attack(gateway, tries))
        print(f"{verdict} in {time.monotonic() - begin:.0f} s")
    return 1 if verdict.taken else 0


if __name__ == "__main__":
    sys.exit(main())
