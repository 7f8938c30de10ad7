"""``python -m sim --config FILE``: the embedded exchange as a process of the group."""

from __future__ import annotations

import asyncio
import signal
import sys

from bus.config import Loaded
from bus.endpoints import run_dir
from bus.process import announce, main
from schemas import catalogue

from .address import Address, parse
from .config import SimConfig
from .service.listener import alone, bound, listen
from .service.server import Server


def run(config: Loaded[SimConfig]) -> None:
    """Until SIGTERM or SIGINT."""
    listen_on = config.own.listen or str(run_dir(config.common.data) / "sim.sock")
    address = parse(listen_on)
    with alone(address):
        server = Server(config.own, catalogue.load(config.common.binding))
        asyncio.run(_serve(config.own, address, server))


async def _serve(config: SimConfig, address: Address, server: Server) -> None:
    loop = asyncio.get_running_loop()
    listening = await listen(address, server.client)
    market = asyncio.ensure_future(server.run(config.script()))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, market.cancel)
    announce({"listen": bound(listening)})
    try:
        await market
    except asyncio.CancelledError:
        listening.close()


if __name__ == "__main__":
    sys.exit(main("sim", SimConfig, run, __doc__))
