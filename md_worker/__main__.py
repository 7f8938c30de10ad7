"""python -m md_worker --config FILE [--member FEED]"""

from __future__ import annotations

import sys

from bus.config import Loaded
from bus.process import main

from .config import MdConfig, as_member
from .worker import MdWorker


def run(loaded: Loaded[MdConfig]) -> None:
    MdWorker(loaded).run()


if __name__ == "__main__":
    doc = "Market data from a CTP front onto the bus."
    sys.exit(main("md_worker", MdConfig, run, doc, as_member=as_member))
