"""td_worker that looks at no deadline: the negative control of ``stop``."""

from __future__ import annotations

import sys

from bus.process import main
from bus.rpc import Call
from td_worker.__main__ import run
from td_worker.config import TdConfig

if __name__ == "__main__":
    Call.seconds_left = property(lambda call: 3600.0)  # type: ignore[method-assign, assignment]
    sys.exit(main("td_worker", TdConfig, run, "Without deadlines."))
