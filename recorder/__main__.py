"""python -m recorder --config FILE [--member NAME]"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import uvloop

from bus.config import Loaded
from bus.process import main

from .config import RecorderConfig, as_member
from .recorder import Recorder

# Ticks and orders go first: on a machine with few cores a long history is answered a little later.
_NICE: Final = 10


def run(loaded: Loaded[RecorderConfig]) -> None:
    os.nice(_NICE)
    recorder = Recorder(loaded)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(recorder.run())


if __name__ == "__main__":
    doc = "Keeps the day's data, and answers questions about it."
    sys.exit(main("recorder", RecorderConfig, run, doc, as_member=as_member))
