"""td_worker that keeps its record of orders in memory: the negative control. It must fail."""

from __future__ import annotations

import sys
from pathlib import Path

from bus.process import main
from td_worker.__main__ import run
from td_worker.config import TdConfig
from td_worker.orders.store import Store

_open = Store.__init__


def _forget(self: Store, path: Path | None) -> None:
    _open(self, None)


if __name__ == "__main__":
    Store.__init__ = _forget  # type: ignore[method-assign]
    sys.exit(main("td_worker", TdConfig, run, "Without a disk."))
