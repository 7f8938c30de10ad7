"""The table of instruments: whoever asks for it leaves again, and it stays."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import cast

import schemas.catalogue
from bus.client import Account
from bus.frames import Flag, Row, message_type
from schemas.codec import Value
from tcp_edge.instruments import Table

CATALOGUE = schemas.catalogue.load()
NOTHING = Row(1, 0, 0, 0, CATALOGUE.layout_id, Flag.LAST, b"")


async def logins_left_over() -> int:
    """After a counter has answered nothing."""
    open_logins: set[int] = set()

    async def request(*_: object, **__: object) -> Row:
        return NOTHING

    async def login() -> Account:
        number = len(open_logins)
        open_logins.add(number)
        found = SimpleNamespace(request=request, leave=lambda: open_logins.discard(number))
        return cast(Account, found)

    table = Table(CATALOGUE, login, lambda: "20261123")
    for _ in range(3):
        assert not await table._load()
    return len(open_logins)


def test_what_stays_is_not_looked_through_for_garbage() -> None:
    fields: dict[str, Value] = {"InstrumentID": "600000", "ExchangeID": "SSE", "VolumeMultiple": 1}
    body = CATALOGUE.codec("Instrument").pack(fields)
    kind, flags = message_type("OnRspQryInstrument"), Flag.LAST | Flag.HAS_FIELD
    last = Row(1, 0, 0, kind, CATALOGUE.layout_id, flags, body)

    async def request(*_: object, **__: object) -> Row:
        return last

    async def login() -> Account:
        return cast(Account, SimpleNamespace(request=request, leave=lambda: None))

    table = Table(CATALOGUE, login, lambda: "20261123")
    before = gc.get_freeze_count()
    try:
        assert asyncio.run(table._load())
        assert len(table.now) == 1
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_a_login_that_has_asked_is_left() -> None:
    assert asyncio.run(logins_left_over()) == 0
