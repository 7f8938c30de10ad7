"""What each code is: exchange, multiplier, product and name, as the counter tells them once a
trading day.

The table is there from the first answer on; before it, and without an account, it is empty and
``schemas.xtp.instruments.Instruments.guess`` makes do with what client and code say.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bus.client import Account
from bus.errors import Refused, Unanswered, Unavailable
from bus.frames import Row, message_type, split_body
from schemas.catalogue import Catalogue
from schemas.xtp.instruments import Instrument, Instruments

log = logging.getLogger("tcp_edge")

_ROW: Final = message_type("OnRspQryInstrument")
_AGAIN_S: Final = 5.0
_CHECK_S: Final = 10.0
_ANSWER_S: Final = 60.0  # a real front takes its time over 30,000 of them
_FIELDS: Final = ("InstrumentID", "ExchangeID", "InstrumentName", "ProductClass", "VolumeMultiple")


class Table:
    """``now`` is the table of today. ``login`` gives the account that asks, a login for each
    time."""

    def __init__(
        self,
        catalogue: Catalogue,
        login: Callable[[], Awaitable[Account]],
        today: Callable[[], str],
    ) -> None:
        self.now = Instruments()
        self.loaded_for = ""
        self.loaded = asyncio.Event()
        self._codec = catalogue.codec("Instrument")
        self._info_size = catalogue.layouts["RspInfo"].size
        self._login, self._today = login, today

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            if self.loaded_for == self._today():
                await asyncio.sleep(_CHECK_S)
            elif not await self._load():
                await asyncio.sleep(_AGAIN_S)

    async def _load(self) -> bool:
        day, table = self._today(), Instruments()

        def take(row: Row) -> None:
            if row.type == _ROW and (field := self._field(row)) is not None:
                table.add(self._instrument(field))

        try:
            account = await self._login()
            try:
                last = await account.request("ReqQryInstrument", {}, take, deadline_s=_ANSWER_S)
            finally:
                account.leave()  # td_worker has room for so many logins of an account
        except (Refused, Unavailable, Unanswered) as exc:
            log.info("no instruments", extra={"fields": {"why": str(exc)}})
            return False
        take(last)
        if not len(table):
            return False
        self.now, self.loaded_for = table, day
        self.loaded.set()
        # They stay, as all that was imported does. Each look for garbage among them would hold up
        # every client for 50 ms.
        gc.freeze()
        log.info("instruments", extra={"fields": {"count": len(table), "day": day}})
        return True

    def _field(self, row: Row) -> bytes | None:
        return split_body(row.flags, row.body, self._info_size)[0]

    def _instrument(self, field: bytes) -> Instrument:
        # Not all of the 30 fields: a counter has 30,000 instruments.
        return Instrument.of({name: self._codec.get(field, name) for name in _FIELDS})
