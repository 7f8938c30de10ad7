"""One account's limits with a clock, ticks and orders of the test's making."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

import schemas.catalogue
from bus.errors import Refused
from bus.frames import HEADER, tick_topic
from bus.orders import OrderState
from bus.rpc import Call
from schemas.codec import Value
from schemas.counter import Event
from td_worker.limits.resolved import Resolved
from td_worker.limits.rules import Rules
from td_worker.limits.session import SessionLimits
from td_worker.limits.shared import Shared
from td_worker.limits.ticks import Ticks

CATALOGUE = schemas.catalogue.load()
USER = "028742"
DAY = "20261123"
FRONT, CLIENT, OTHER_CLIENT, OUTSIDE = 1, 77, 78, 5


@dataclass
class Record:
    """What a Book would have on record."""

    method: str
    body: bytes
    client_ref: str
    session_id: int = CLIENT
    shown_front: int = FRONT
    leg: str = ""
    state: OrderState = OrderState.SENT


def rules_of(document: dict[str, Any]) -> Rules:
    return msgspec.convert(document, Rules)


@dataclass
class Desk:
    """``now`` is its clock, monotonic and Unix at once."""

    folder: Path
    document: dict[str, Any] = field(default_factory=dict)
    now: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        self._ref = 0
        self.ticks = Ticks(CATALOGUE, self._clock_ns)
        self.restart()

    def restart(self) -> None:
        """The worker is started anew."""
        rules = Resolved(rules_of(self.document), USER)
        self.shared = Shared(USER, self.folder, self._clock_ns)
        self.limits = SessionLimits(CATALOGUE, USER, self.shared, rules, self.ticks)
        self.limits.new_day(DAY)

    def _clock_ns(self) -> int:
        return round(self.now * 1e9)

    def rules(self, **account: Any) -> None:
        """New rules of the account, as a reload brings them."""
        self.document = {"accounts": {USER: account}}
        self.limits.rules = Resolved(rules_of(self.document), USER)

    # -- requests ----------------------------------------------------------------------------

    def check(self, method: str, body: bytes, client: int = CLIENT) -> None:
        self.limits.check(Call(1, method, 0, body=body), client, self.now)

    def send(self, method: str, body: bytes, client: int = CLIENT) -> Record:
        """Check it and hand it over."""
        self.check(method, body, client)
        self._ref += 1
        record = Record(method, body, str(self._ref), client)
        self.limits.sent(method, body, client, record, self.now)
        return record

    def order(self, **fields: Value) -> Record:
        return self.order_of(CLIENT, **fields)

    def order_of(self, client: int, **fields: Value) -> Record:
        return self.send("ReqOrderInsert", order(**fields), client)

    def cancel(self, **fields: Value) -> None:
        body = pack("InputOrderAction", ActionFlag="0", **fields)
        self.check("ReqOrderAction", body)
        self.limits.sent("ReqOrderAction", body, CLIENT, None, self.now)

    def refused(self, **fields: Value) -> str:
        """An order that is refused: why."""
        return self.refusal("ReqOrderInsert", order(**fields))

    def refusal(self, method: str, body: bytes, client: int = CLIENT) -> str:
        with pytest.raises(Refused) as caught:
            self.check(method, body, client)
        assert (caught.value.error_id, caught.value.error_msg) == (-403, "超出网关限额")
        return caught.value.detail

    # -- what comes from the counter and from md_worker --------------------------------------

    def returned(self, record: Record | None = None, status: str = "3", **fields: Value) -> None:
        """OnRtnOrder of an order of ours, or of another program's."""
        values: dict[str, Value] = {"FrontID": FRONT, "SessionID": OUTSIDE, "OrderRef": "1"}
        if record is not None:
            values = CATALOGUE.codec("InputOrder").unpack(record.body)
            ids: dict[str, Value] = {"FrontID": FRONT, "SessionID": record.session_id}
            values |= ids | {"OrderRef": record.client_ref}
        defaults: dict[str, Value] = {"OrderPriceType": "2", "ExchangeID": "SHFE"}
        raw = pack("Order", **(defaults | values | fields | {"OrderStatus": status}))
        self.limits.returned(Event("OnRtnOrder", raw, None, 0, True, 0, 0))

    def tick(
        self, instrument: str = "rb2610", age: float = 0.0, seq: int = 1, **fields: Value
    ) -> None:
        self.ticks.want([instrument], self.now)
        message = tick(instrument, round((self.now - age) * 1e9), seq, **fields)
        self.ticks.accept(message, self.now)


def pack(struct: str, **fields: Value) -> bytes:
    return CATALOGUE.codec(struct).pack(fields)


def order(**fields: Value) -> bytes:
    """A limit order to buy 1 rb2610 at 3500."""
    values: dict[str, Value] = {
        "InstrumentID": "rb2610",
        "ExchangeID": "SHFE",
        "Direction": "0",
        "OrderPriceType": "2",
        "LimitPrice": 3500.0,
        "VolumeTotalOriginal": 1,
    }
    return pack("InputOrder", **(values | fields))


def tick(instrument: str, recv_ns: int, seq: int = 1, **fields: Value) -> bytes:
    values: dict[str, Value] = {
        "InstrumentID": instrument,
        "LastPrice": 3500.0,
        "PreSettlementPrice": 3400.0,
        "UpperLimitPrice": 3900.0,
        "LowerLimitPrice": 3100.0,
    }
    header = HEADER.pack(1, seq, recv_ns, recv_ns, 0, CATALOGUE.layout_id, 1)
    body = pack("DepthMarketData", **(values | fields))
    return tick_topic(instrument).encode() + b"\0" + header + body
