"""The JSON of a tick for OFX."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..calendar import Calendar
from ..codec import Codec
from ..layout import Layout
from .ticks import tick
from .times import HOURS

# Struct bytes of DepthMarketData, exchange, multiplier, recv_ns; see ``ticks.tick``.
TickJson = Callable[[bytes, str, int, int], bytes]


def compile_tick_json(layout: Layout, calendar: Calendar = HOURS) -> TickJson:
    """The same bytes as ``json.dumps(tick(…))``."""
    codec = Codec(layout)

    def render(raw: bytes, exchange: str, multiplier: int, recv_ns: int) -> bytes:
        return json.dumps(tick(codec.unpack(raw), exchange, multiplier, recv_ns, calendar)).encode(
            "ascii"
        )

    return render
