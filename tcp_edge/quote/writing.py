"""A tick's struct as a record of XTP, in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from schemas.calendar import Calendar
from schemas.catalogue import Catalogue
from schemas.xtp.instruments import Instrument
from schemas.xtp.markets import SECURITIES
from schemas.xtp.tick_json import compile_tick_json

Write = Callable[[bytes, int], bytes]  # the struct and recv_ns

_DATA_TIME: Final = re.compile(rb'("data_time": ?)"?(\d+)"?')


class Writers:
    """``big_ints``: data_time as a text, because JavaScript's numbers end at 2^53."""

    def __init__(self, catalogue: Catalogue, calendar: Calendar, *, big_ints: bool) -> None:
        self._render = compile_tick_json(catalogue.layouts["DepthMarketData"], calendar)
        self._big_ints = big_ints
        self._codec = catalogue.codec("DepthMarketData")

    def foreign(self, raw: bytes, exchange: str) -> bool:
        """Whether a tick of the code is another exchange's: on the bus a code is all that names it,
        and 000001 is an index in Shanghai and a bank in Shenzhen. A tick that names no exchange,
        as CTP's often do, is taken for the one that was asked for."""
        if exchange not in SECURITIES:
            return False
        named = self._codec.get(raw, "ExchangeID")
        return named != exchange and named in SECURITIES

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
