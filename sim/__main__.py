"""``python -m sim --config FILE``: the embedded exchange as a process of the group."""

from __future__ import annotations

import asyncio
import signal
import sys

import zmq

from bus.config import Loaded
from bus.endpoints import resolve, run_dir
from bus.process import announce, main
from bus.stats import STAT_S, Meter, StatSocket, stat_address
from schemas import catalogue

from .address import Address, parse
from .config import SimConfig
from .service.listener import alone, bound, listen
from .service.server import Server


def run(config: Loaded[SimConfig]) -> None:
    """Until SIGTERM or SIGINT."""
    listen_on = config.own.listen or str(run_dir(config.common.data) / "sim.sock")
    address = parse(listen_on)
    addresses, data = resolve(config.common.bus, config.common.data), config.common.data
    with alone(address), zmq.Context() as context:
        server = Server(config.own, catalogue.load(config.common.binding))
        stats = StatSocket(context, stat_address(addresses, data, "sim"), None, "sim")
        asyncio.run(_serve(config.own, address, server, stats))
        stats.close()


async def _serve(config: SimConfig, address: Address, server: Server, stats: StatSocket) -> None:
    loop = asyncio.get_running_loop()
    listening = await listen(address, server.client)
    market = asyncio.ensure_future(server.run(config.script()))
    telling = asyncio.ensure_future(_tell_stats(server, stats))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, market.cancel)
    announce({"listen": bound(listening)})
    try:
        await market
    except asyncio.CancelledError:
        listening.close()
    finally:
        telling.cancel()


async def _tell_stats(server: Server, stats: StatSocket) -> None:
    meter = Meter("sim")
    while True:
        await asyncio.sleep(STAT_S)
        counters, levels = server.figures()
        stats.tell(meter.stat(counters, {}, levels))


if __name__ == "__main__":
    sys.exit(main("sim", SimConfig, run, __doc__))
