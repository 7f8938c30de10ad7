"""python -m tcp_edge --config FILE [--member login|quote|trade]"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bus.config import Loaded
from bus.process import main

from .config import TcpConfig, as_member
from .gateway import Gateway
from .wires import check_keys


def run(loaded: Loaded[TcpConfig]) -> None:
    gateway = Gateway(loaded)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(gateway.run())


if __name__ == "__main__":
    doc = "OFX over encrypted TCP for clients of the bus."
    sys.exit(main("tcp_edge", TcpConfig, run, doc, as_member=as_member, check=check_keys))
