"""python -m md_worker --config FILE"""

from __future__ import annotations

import sys

from bus.config import Loaded
from bus.process import main

from .config import MdConfig
from .worker import MdWorker


def run(loaded: Loaded[MdConfig]) -> None:
    MdWorker(loaded).run()


if __name__ == "__main__":
    sys.exit(main("md_worker", MdConfig, run, "Market data from a CTP front onto the bus."))
