"""python -m ws_edge --config FILE [--member NUMBER]"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bus.config import Loaded
from bus.process import main

from .config import WsConfig, as_member
from .edge import Edge


def run(loaded: Loaded[WsConfig]) -> None:
    edge = Edge(loaded)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(edge.run())


if __name__ == "__main__":
    doc = "The webctp protocol for clients of the bus."
    sys.exit(main("ws_edge", WsConfig, run, doc, as_member=as_member))
