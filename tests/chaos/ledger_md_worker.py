"""md_worker that writes down what it publishes. Each tick of the front becomes ``BURST``, and each
says in its own fields which one it is: Volume is its seq, Turnover its epoch."""

from __future__ import annotations

import struct
import sys
from typing import Any, Final

from bus.process import main
from md_worker.__main__ import run
from md_worker.config import MdConfig
from md_worker.ticks import TickPublisher
from schemas import catalogue

from .streams_ledger import MD_FILE, record

BURST: Final = 28


def flood() -> None:
    fields = {field.name: field for field in catalogue.load().layouts["DepthMarketData"].fields}
    volume, turnover = fields["Volume"].offset, fields["Turnover"].offset
    accept = TickPublisher.accept

    def new_accept(self: Any, raw: bytes, recv_ns: int) -> None:
        stream = self._find(raw[self._begin : self._end])
        for _ in range(BURST):
            stamped = bytearray(raw)
            struct.pack_into("<i", stamped, volume, stream.seq + 1)
            struct.pack_into("<d", stamped, turnover, self._publisher.epoch)
            accept(self, bytes(stamped), recv_ns)

    patched: Any = TickPublisher
    patched.accept = new_accept


if __name__ == "__main__":
    record(MD_FILE)
    flood()
    sys.exit(main("md_worker", MdConfig, run, "Writes down what it publishes."))
