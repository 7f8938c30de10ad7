"""What all desks of a gateway have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bus.client import Client
from schemas.calendar import Calendar
from schemas.xtp.instruments import Instruments


class Setting(NamedTuple):
    """``name``: the gateway's at td_worker; ``folder``: of its orders; ``day_of`` gives the
    gateway's day of a Unix time in ns; ``on_event`` gets the account, "order" or "trade", and the
    record. ``auto_offset``, ``fak_minimum``: of ``schemas.xtp.insert``."""

    bus: Client
    name: str
    folder: Path
    calendar: Calendar
    instruments: Callable[[], Instruments]
    instruments_loaded: asyncio.Event
    next_reqid: Callable[[], int]
    day_of: Callable[[int], str]
    big_ints: bool
    max_records: int
    auto_offset: bool = False
    fak_minimum: bool = False
    on_event: Callable[[str, str, bytes], None] = lambda account, kind, record: None
