"""md_worker whose recorded days wait for no subscriber: what the waiting is good for."""

from __future__ import annotations

import sys

from bus.process import main
from md_worker import worker
from md_worker.__main__ import run
from md_worker.config import MdConfig, as_member

if __name__ == "__main__":
    worker._PATIENCE_S = 0.0  # type: ignore[misc]
    sys.exit(main("md_worker", MdConfig, run, "", as_member=as_member))
