"""Orders and trades as OFX clients read them, from all that is known on the day. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.calendar import Calendar
from schemas.xtp import orders as xtp
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import OrderIds

from ..orders.placed import Placed
from .fills import Fields, Fills
from .own import Own

Made = tuple[dict[str, Any], bool]  # a record, and whether it stays so


class Records:
    """``errors``: ErrorIDs by order_xtp_id; ``canceled_ns``: when an order's end came, Unix."""

    def __init__(
        self,
        find: Callable[[str, str], Instrument | None],
        calendar: Calendar,
        ids: OrderIds,
        own: Own,
        fills: Fills,
    ) -> None:
        self._find, self._calendar = find, calendar
        self._ids, self._own, self._fills = ids, own, fills
        self.errors: dict[int, int] = {}
        self.canceled_ns: dict[int, int] = {}

    def order(self, fields: Fields, recv_ns: int) -> Made:
        identity = self._ids.learn(fields)
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        number = identity.order_xtp_id
        amount, complete = self._fills.amount(identity, fields["VolumeTraded"], instrument)
        record = xtp.order(
            fields,
            self._own.names(number),
            recv_ns,
            trade_amount=amount,
            instrument=instrument,
            error_id=self.errors.get(number, 0),
            canceled_ns=self.canceled_ns.get(number, 0),
            calendar=self._calendar,
        )
        settled = record["order_status"] != xtp.REJECTED or record["error_id"] != 0
        return record, complete and settled and instrument is not None

    def trade(self, fields: Fields, recv_ns: int) -> Made:
        identity = self._ids.of_trade(fields)
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        record = xtp.trade(
            fields,
            self._own.names(identity.order_xtp_id if identity is not None else 0),
            instrument.multiplier if instrument is not None else 1,
            recv_ns,
            calendar=self._calendar,
        )
        return record, identity is not None and instrument is not None

    def refused(self, placed: Placed, info: Fields, recv_ns: int) -> dict[str, Any]:
        """``info``: of CTP's RspInfo."""
        fields = placed.fields
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        names = self._own.names(placed.order_xtp_id)
        return xtp.refused(fields, info, names, recv_ns, instrument=instrument)

    def unknown(self, placed: Placed) -> dict[str, Any]:
        record = self.refused(placed, {"ErrorID": 0, "ErrorMsg": ""}, placed.placed_ns)
        status = {"order_status": xtp.INIT, "order_submit_status": xtp.SUBMITTED}
        return record | status
