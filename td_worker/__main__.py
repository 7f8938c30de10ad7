"""python -m td_worker --config FILE"""

from __future__ import annotations

import sys

from bus.config import Loaded
from bus.process import main

from .config import TdConfig
from .worker import TdWorker


def run(loaded: Loaded[TdConfig]) -> None:
    TdWorker(loaded).run()


if __name__ == "__main__":
    sys.exit(main("td_worker", TdConfig, run, "Trading accounts of a CTP front on the bus."))
