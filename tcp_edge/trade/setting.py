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
    record."""

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
    on_event: Callable[[str, str, bytes], None] = lambda account, kind, record: None
