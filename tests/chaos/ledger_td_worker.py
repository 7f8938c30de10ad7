"""td_worker that writes down what it publishes, behind its journal."""

from __future__ import annotations

import sys

from bus.process import main
from td_worker.__main__ import run
from td_worker.config import TdConfig

from .streams_ledger import TD_FILE, record

if __name__ == "__main__":
    record(TD_FILE)
    sys.exit(main("td_worker", TdConfig, run, "Writes down what it publishes."))
