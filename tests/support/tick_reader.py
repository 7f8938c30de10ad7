"""A program of the SDK that writes each item as a line of JSON, to be frozen and killed by tests.

python -m tests.support.tick_reader CONFIG complete|newest INSTRUMENT…
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from bus.client import Client, Gap, Restarted, Tick, addresses_of


async def main(config: str, way: str, *names: str) -> None:
    async with Client(addresses_of(config)) as client:
        async for item in client.ticks(*names, complete=way == "complete"):
            match item:
                case Tick():
                    line = ["Tick", item.topic, item.epoch, item.seq, item.seq]
                case Gap():
                    line = ["Gap", item.topic, item.epoch, item.first, item.last]
                case Restarted():
                    line = ["Restarted", item.topic, item.epoch, 0, 0]
                case _:
                    line = [type(item).__name__, item.topic, 0, 0, 0]
            print(msgspec.json.encode(line).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
