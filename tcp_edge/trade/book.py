"""The order and trade events of one account on one trading day, as OFX clients see them. No I/O.

It is fed with the account's returns from the beginning of the day, in their order, and with the
orders that clients of this gateway have placed; so after a restart it says the same again. What it
lists is complete whichever of an order's return and its trades comes first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.calendar import Calendar
from schemas.xtp import orders as xtp
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import Identity, OrderIds
from schemas.xtp.times import HOURS

from .orders.placed import Placed

Fields = Mapping[str, Any]
_TIMES: Final = ("insert_time", "update_time", "cancel_time", "trade_time")


@dataclass(slots=True, eq=False)
class Event:
    """One record of a list. ``make`` gives it, and whether it stays so: what an order has traded
    for may become known later than the order's state."""

    code: str
    exchange: str
    make: Callable[[], tuple[dict[str, Any], bool]]
    text: bytes = b""


class Book:
    """``find`` gives an instrument by code and exchange, None while it is not known. ``big_ints``:
    17-digit times as texts."""

    def __init__(
        self,
        day: str,
        broker_id: str,
        investor_id: str,
        find: Callable[[str, str], Instrument | None],
        *,
        calendar: Calendar = HOURS,
        big_ints: bool = False,
    ) -> None:
        self.day = day
        self.ids = OrderIds(day, broker_id, investor_id)
        self.orders: list[Event] = []
        self.trades: list[Event] = []
        self._find, self._calendar, self._big_ints = find, calendar, big_ints
        self._placed: dict[int, Placed] = {}
        self._by_request: dict[tuple[str, int], Placed] = {}
        self._by_own: dict[tuple[str, str], Placed] = {}
        self._open: dict[int, Placed] = {}  # of which nothing has been heard yet
        self._refused: dict[int, Event] = {}  # of which the counter made no order
        self._doubtful: dict[int, Event] = {}
        self._seen: set[bytes] = set()
        self._told: dict[int, Fields] = {}  # the latest return of each order
        self._heard: set[int] = set()
        self._unsent: set[int] = set()
        self._fills: dict[tuple[str, str], list[Fields]] = {}
        self._canceled_ns: dict[int, int] = {}
        self._errors: dict[int, int] = {}

    # -- orders of clients of this gateway -------------------------------------------------------

    def place(self, placed: Placed) -> None:
        """Before it is sent, and again after a restart."""
        fields = placed.fields
        self.ids.place(
            placed.front_id,
            placed.session_id,
            placed.order_ref,
            fields["ExchangeID"],
            fields["InstrumentID"],
        )
        self._placed[placed.order_xtp_id] = placed
        self._unsent.discard(placed.order_xtp_id)
        self._by_request[placed.order_ref, placed.reqid] = placed
        if placed.own:
            self._by_own[placed.user, placed.own] = placed
        if placed.order_xtp_id not in self._heard:
            self._open[placed.order_xtp_id] = placed

    def drop(self, placed: Placed) -> None:
        """It was not sent."""
        self._unsent.add(placed.order_xtp_id)
        self._placed.pop(placed.order_xtp_id, None)
        self._by_request.pop((placed.order_ref, placed.reqid), None)
        self._by_own.pop((placed.user, placed.own), None)
        self._open.pop(placed.order_xtp_id, None)

    def placed(self, order_xtp_id: int) -> Placed | None:
        return self._placed.get(order_xtp_id)

    def of_own(self, user: str, own: str) -> Placed | None:
        """By what its client calls it."""
        return self._by_own.get((user, own))

    def is_unheard(self, placed: Placed) -> bool:
        return placed.order_xtp_id in self._open

    def unheard(self) -> list[Placed]:
        """Those of which neither the counter nor td_worker has said anything."""
        return list(self._open.values())

    def doubt(self, placed: Placed) -> Event | None:
        """Whether it was sent is not known: it is listed with the status 0 until more is known."""
        number = placed.order_xtp_id
        if number not in self._open or number in self._doubtful:
            return None
        event = self._of_input(placed.fields, lambda: self._unknown(placed))
        self._doubtful[number] = event
        self.orders.append(event)
        return event

    def refuse(self, placed: Placed, error_id: int, error_msg: str, recv_ns: int) -> Event | None:
        """By the counter, or it never came there; nothing when that is known already."""
        number = placed.order_xtp_id
        self._errors.setdefault(number, error_id)
        if number in self._refused or number in self._told:
            return None
        self._hear(number)
        info = {"ErrorID": error_id, "ErrorMsg": error_msg}
        event = self._of_input(placed.fields, lambda: self._refusal(placed, info, recv_ns))
        self._refused[number] = event
        self.orders.append(event)
        return event

    def known(self, order_xtp_id: int) -> Identity | None:
        """Of an order that may be cancelled."""
        return None if order_xtp_id in self._unsent else self.ids.get(order_xtp_id)

    # -- the counter -----------------------------------------------------------------------------

    def order(self, fields: Fields, recv_ns: int) -> Event | None:
        """A return; None for one that came before."""
        if self._again("order", fields):
            return None
        identity = self.ids.learn(fields)
        number = identity.order_xtp_id
        self._hear(number)
        self._told[number] = fields
        if fields["OrderStatus"] == "5":
            self._canceled_ns.setdefault(number, recv_ns)
        event = Event(
            fields["InstrumentID"],
            fields["ExchangeID"],
            lambda: self.order_record(fields, recv_ns),
        )
        self.orders.append(event)
        return event

    def trade(self, fields: Fields, recv_ns: int) -> Event | None:
        key = [fields[name].strip() for name in ("TradeID", "OrderSysID")]
        if self._again("trade", [fields["ExchangeID"], *key, fields["Direction"]]):
            return None
        self._fills.setdefault((fields["ExchangeID"], key[1]), []).append(fields)
        event = Event(
            fields["InstrumentID"],
            fields["ExchangeID"],
            lambda: self.trade_record(fields, recv_ns),
        )
        self.trades.append(event)
        return event

    def insert_refused(self, fields: Fields, info: Fields, recv_ns: int) -> Event | None:
        """CTP's InputOrder and RspInfo of OnErrRtnOrderInsert. It names no session, so it is only
        told of orders of this gateway, which it names otherwise."""
        placed = self._by_request.get((fields["OrderRef"].strip(), fields["RequestID"]))
        if placed is None or not _is_of(fields, placed):
            return None
        return self.refuse(placed, info["ErrorID"], info["ErrorMsg"], recv_ns)

    def cancel_refused(self, fields: Fields, info: Fields, recv_ns: int) -> Event | None:
        """CTP's OrderAction and RspInfo of OnErrRtnOrderAction: the order is as it was."""
        identity = self.ids.of_trade(fields) or self.ids.of_triple(
            fields["FrontID"], fields["SessionID"], fields["OrderRef"]
        )
        last = self._told.get(identity.order_xtp_id) if identity is not None else None
        if last is None or self._again("action", {**fields, **info}):
            return None
        shown = {"error_id": info["ErrorID"], "error_msg": info["ErrorMsg"].strip()}

        def make() -> tuple[dict[str, Any], bool]:
            record, final = self.order_record(last, recv_ns)
            return record | shown | {"order_submit_status": xtp.CANCEL_REJECTED}, final

        event = Event(last["InstrumentID"], last["ExchangeID"], make)
        self.orders.append(event)
        return event

    # -- records ---------------------------------------------------------------------------------

    def text(self, event: Event) -> bytes:
        if event.text:
            return event.text
        record, final = event.make()
        text = self.encode(record)
        if final:
            event.text = text
        return text

    def renew(self) -> None:
        """Of orders that were told before they were placed here, more is known now."""
        for event in (*self.orders, *self.trades):
            event.text = b""

    def encode(self, record: dict[str, Any]) -> bytes:
        if self._big_ints:
            record = record | {name: str(record[name]) for name in _TIMES if name in record}
        return json.dumps(record).encode("ascii")

    def beside_orders(self, listed: set[int]) -> list[bytes]:
        """Of orders of this gateway that the counter does not list: refused ones, and those of
        which nothing is known."""
        aside = self._refused | {
            number: event for number, event in self._doubtful.items() if number in self._open
        }
        return [self.text(event) for number, event in aside.items() if number not in listed]

    def order_record(self, fields: Fields, recv_ns: int) -> tuple[dict[str, Any], bool]:
        """Of a return, or of a row that the counter lists."""
        identity = self.ids.learn(fields)
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        number = identity.order_xtp_id
        amount, complete = self._amount(identity, fields["VolumeTraded"], instrument)
        record = xtp.order(
            fields,
            self._names(number),
            recv_ns,
            trade_amount=amount,
            instrument=instrument,
            error_id=self._errors.get(number, 0),
            canceled_ns=self._canceled_ns.get(number, 0),
            calendar=self._calendar,
        )
        settled = record["order_status"] != xtp.REJECTED or record["error_id"] != 0
        return record, complete and settled and instrument is not None

    def trade_record(self, fields: Fields, recv_ns: int) -> tuple[dict[str, Any], bool]:
        identity = self.ids.of_trade(fields)
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        record = xtp.trade(
            fields,
            self._names(identity.order_xtp_id if identity is not None else 0),
            instrument.multiplier if instrument is not None else 1,
            recv_ns,
            calendar=self._calendar,
        )
        return record, identity is not None and instrument is not None

    def turnover(self) -> tuple[float, float]:
        """Sums of the day's buys and sells, yuan."""
        sums = {"0": 0.0, "1": 0.0}
        for fills in self._fills.values():
            for fields in fills:
                instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
                factor = instrument.multiplier if instrument is not None else 1
                sums[fields["Direction"]] = sums.get(fields["Direction"], 0.0) + xtp.amount(
                    fields, factor
                )
        return round(sums["0"], 6), round(sums["1"], 6)

    # -- inside ----------------------------------------------------------------------------------

    def _hear(self, number: int) -> None:
        self._heard.add(number)
        self._open.pop(number, None)

    def _again(self, kind: str, what: object) -> bool:
        """Whether this very thing was told before."""
        text = json.dumps([kind, what], sort_keys=True, default=str).encode()
        digest = hashlib.blake2b(text, digest_size=16).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known

    def _names(self, number: int) -> xtp.OrderNames:
        placed = self._placed.get(number)
        if placed is None:
            return xtp.OrderNames(number)
        return xtp.OrderNames(
            number,
            placed.order_client_id,
            price_type=placed.price_type,
            business_type=placed.business_type,
        )

    def _amount(
        self, identity: Identity, volume: int, instrument: Instrument | None
    ) -> tuple[float, bool]:
        """What its first lots have traded for, and whether the trades of all of them are known."""
        factor = instrument.multiplier if instrument is not None else 1
        left, amount = volume, 0.0
        key = identity.exchange, identity.order_sys_id.strip()
        for fields in self._fills.get(key, ()) if volume else ():
            part = min(left, fields["Volume"])
            amount += xtp.amount({**fields, "Volume": part}, factor)
            left -= part
            if not left:
                break
        return round(amount, 6), left == 0

    def _of_input(self, fields: Fields, make: Callable[[], dict[str, Any]]) -> Event:
        return Event(fields["InstrumentID"], fields["ExchangeID"], lambda: (make(), False))

    def _refusal(self, placed: Placed, info: Fields, recv_ns: int) -> dict[str, Any]:
        fields = placed.fields
        instrument = self._find(fields["InstrumentID"], fields["ExchangeID"])
        names = self._names(placed.order_xtp_id)
        return xtp.refused(fields, info, names, recv_ns, instrument=instrument)

    def _unknown(self, placed: Placed) -> dict[str, Any]:
        record = self._refusal(placed, {"ErrorID": 0, "ErrorMsg": ""}, placed.placed_ns)
        status = {"order_status": xtp.INIT, "order_submit_status": xtp.SUBMITTED}
        return record | status


def _is_of(fields: Fields, placed: Placed) -> bool:
    """Another client's may have the same numbers, by chance or by intent. APIs before 6.7.7 have no
    memo."""
    names = ("InstrumentID", "Direction", "VolumeTotalOriginal")
    memo = str(fields.get("OrderMemo", placed.fields["OrderMemo"])).strip()
    same = all(fields[name] == placed.fields[name] for name in names)
    return same and memo == placed.fields["OrderMemo"]
