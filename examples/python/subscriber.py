"""Prints the ticks of some instruments, and what is missing between them.

    python subscriber.py /srv/ctpbus/deploy/gateway.yaml rb2701 600000

The same in C++, without any code of ctpbus: ../cpp/subscriber.cpp.
"""

import asyncio
import sys
from contextlib import suppress

from bus.client import Client, Fresh, Gap, Restarted, Stale, Tick, addresses_of


async def main(config: str, *instruments: str) -> None:
    async with Client(addresses_of(config)) as client:
        # complete=True: ticks that were lost on the way are asked for again before it goes on.
        async for item in client.ticks(*instruments, complete=True):
            match item:
                case Tick():
                    tick = client.fields(item)
                    print("TICK", item.instrument, tick["UpdateTime"], tick["LastPrice"], item.seq)
                case Gap():
                    print("GAP", item.topic, item.first, "to", item.last, item.reason)
                case Restarted():
                    print("RESTARTED", item.topic, "epoch", item.epoch)
                case Stale():
                    print("SILENT", item.topic)
                case Fresh():
                    print("BACK", item.topic)
            sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: subscriber.py CONFIG INSTRUMENT...")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
