"""ws_edge that does not notice when market data is no longer of now: the negative control of the
tests that claim it does."""

from __future__ import annotations

import sys
from typing import Any

from bus.process import main
from ws_edge.__main__ import run
from ws_edge.config import WsConfig
from ws_edge.freshness import Freshness


def _see_nothing(self: Freshness, *arguments: Any) -> None:
    pass


if __name__ == "__main__":
    for name in ("front", "first", "before_last", "_check_worker", "_check_feed"):
        setattr(Freshness, name, _see_nothing)
    sys.exit(main("ws_edge", WsConfig, run, "Blind."))
