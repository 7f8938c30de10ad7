"""tcp_edge that keeps no orders on the disk: a restart does not know them."""

from __future__ import annotations

import sys

from bus.process import main
from tcp_edge.__main__ import run
from tcp_edge.config import TcpConfig, as_member
from tcp_edge.trade.orders.placed import Store

if __name__ == "__main__":
    Store.put = lambda self, placed: None  # type: ignore[method-assign]
    doc = "Keeps no orders."
    sys.exit(main("tcp_edge", TcpConfig, run, doc, as_member=as_member))
