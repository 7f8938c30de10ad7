"""A tick's struct as a record of XTP, in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from schemas.calendar import Calendar
from schemas.catalogue import Catalogue
from schemas.xtp.instruments import Instrument
from schemas.xtp.tick_json import compile_tick_json

Write = Callable[[bytes, int], bytes]  # the struct and recv_ns

_DATA_TIME: Final = re.compile(rb'("data_time": ?)"?(\d+)"?')


class Writers:
    """``big_ints``: data_time as a text, because JavaScript's numbers end at 2^53."""

    def __init__(self, catalogue: Catalogue, calendar: Calendar, *, big_ints: bool) -> None:
        self._render = compile_tick_json(catalogue.layouts["DepthMarketData"], calendar)
        self._big_ints = big_ints

    def of(self, instrument: Instrument) -> Write:
        render = self._render
        exchange, multiplier = instrument.exchange, instrument.multiplier
        if not self._big_ints:
            return lambda raw, recv_ns: render(raw, exchange, multiplier, recv_ns)
        return lambda raw, recv_ns: _DATA_TIME.sub(
            rb'\1"\2"', render(raw, exchange, multiplier, recv_ns), count=1
        )


def data_time(record: bytes) -> int:
    found = _DATA_TIME.search(record)
    return int(found[2]) if found else 0
