"""The order and trade events of one account on one trading day, as OFX clients see them. No I/O.

It is fed with the account's returns from the beginning of the day, in their order, and with the
orders that clients of this gateway have placed; so after a restart it says the same again. What it
lists is complete whichever of an order's return and its trades comes first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from schemas.calendar import Calendar
from schemas.xtp import orders as xtp
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import Identity, OrderIds
from schemas.xtp.times import HOURS

from ..orders.placed import Placed, RefusedCancel
from .fills import Fields, Fills
from .own import Own
from .records import Made, Records

_bytes: Final = msgspec.msgpack.Encoder(order="sorted").encode
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
        self._find, self._big_ints = find, big_ints
        self._own, self._fills = Own(), Fills(find)
        self._records = Records(find, calendar, self.ids, self._own, self._fills)
        self._refused: dict[int, Event] = {}  # of which the counter made no order
        self._doubtful: dict[int, Event] = {}
        self._seen: set[bytes] = set()
        # By order_xtp_id, OrderActionRef and ErrorID: told by a return, and to this gateway only.
        self._refused_cancels: set[tuple[int, int, int]] = set()
        self._refused_here: set[tuple[int, int, int]] = set()
        self._told: dict[int, Fields] = {}  # the latest return of each order

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
        self._own.place(placed)

    def drop(self, placed: Placed) -> None:
        """It was not sent."""
        self._own.drop(placed)

    def placed(self, order_xtp_id: int) -> Placed | None:
        return self._own.get(order_xtp_id)

    def of_own(self, user: str, own: str) -> Placed | None:
        """By what its client calls it."""
        return self._own.by_name(user, own)

    def is_unheard(self, placed: Placed) -> bool:
        return self._own.is_unheard(placed.order_xtp_id)

    def unheard(self) -> list[Placed]:
        """Those of which neither the counter nor td_worker has said anything."""
        return self._own.unheard()

    def doubt(self, placed: Placed) -> Event | None:
        """Whether it was sent is not known: it is listed with the status 0 until more is known."""
        number = placed.order_xtp_id
        if not self._own.is_unheard(number) or number in self._doubtful:
            return None
        event = self._of_input(placed.fields, lambda: self._records.unknown(placed))
        self._doubtful[number] = event
        self.orders.append(event)
        return event

    def refuse(self, placed: Placed, error_id: int, error_msg: str, recv_ns: int) -> Event | None:
        """By the counter, or it never came there; nothing when that is known already."""
        number = placed.order_xtp_id
        self._records.errors.setdefault(number, error_id)
        if number in self._refused or number in self._told:
            return None
        self._own.hear(number)
        info = {"ErrorID": error_id, "ErrorMsg": error_msg}
        event = self._of_input(placed.fields, lambda: self._records.refused(placed, info, recv_ns))
        self._refused[number] = event
        self.orders.append(event)
        return event

    def known(self, order_xtp_id: int) -> Identity | None:
        """Of an order that may be cancelled."""
        return None if self._own.is_unsent(order_xtp_id) else self.ids.get(order_xtp_id)

    def known_for_sure(self, order_xtp_id: int) -> Identity | None:
        """The same of one that has its number of the exchange, which means nothing else whatever
        has been missed. The counter's SessionID and OrderRef may be those of another order after
        a restart of the counter, until td_worker has recovered."""
        identity = self.known(order_xtp_id)
        return identity if identity is not None and identity.order_sys_id.strip() else None

    # -- the counter -----------------------------------------------------------------------------

    def order(self, fields: Fields, recv_ns: int) -> Event | None:
        """A return; None for one that came before."""
        if self._again("order", fields):
            return None
        identity = self.ids.learn(fields)
        number = identity.order_xtp_id
        self._own.hear(number)
        self._told[number] = fields
        if fields["OrderStatus"] == "5":
            self._records.canceled_ns.setdefault(number, recv_ns)
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
        self._fills.add(fields)
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
        placed = self._own.by_request(fields["OrderRef"].strip(), fields["RequestID"])
        if placed is None or not _is_of(fields, placed):
            return None
        return self.refuse(placed, info["ErrorID"], info["ErrorMsg"], recv_ns)

    def cancel_refused(self, fields: Fields, info: Fields, recv_ns: int) -> Event | None:
        """CTP's OrderAction and RspInfo of OnErrRtnOrderAction: the order is as it was."""
        identity = self.ids.of_trade(fields) or self.ids.of_triple(
            fields["FrontID"], fields["SessionID"], fields["OrderRef"]
        )
        if identity is None or self._again("action", {**fields, **info}):
            return None
        key = identity.order_xtp_id, fields["OrderActionRef"], info["ErrorID"]
        if key in self._refused_here:
            return None
        self._refused_cancels.add(key)
        return self._of_cancel(key[0], info["ErrorID"], info["ErrorMsg"], recv_ns)

    def cancel_refused_here(self, refusal: RefusedCancel) -> Event | None:
        """The same of a cancel by this gateway, told by OnRspOrderAction; nothing when a return has
        told it."""
        key = refusal.order_xtp_id, refusal.action_ref, refusal.error_id
        if key in self._refused_cancels or key in self._refused_here:
            return None
        event = self._of_cancel(
            refusal.order_xtp_id, refusal.error_id, refusal.error_msg, refusal.at_ns
        )
        if event is not None:
            self._refused_here.add(key)
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
            number: event
            for number, event in self._doubtful.items()
            if self._own.is_unheard(number)
        }
        return [self.text(event) for number, event in aside.items() if number not in listed]

    def order_record(self, fields: Fields, recv_ns: int) -> Made:
        """Of a return, or of a row that the counter lists."""
        return self._records.order(fields, recv_ns)

    def trade_record(self, fields: Fields, recv_ns: int) -> Made:
        return self._records.trade(fields, recv_ns)

    def turnover(self) -> tuple[float, float]:
        """Sums of the day's buys and sells, yuan."""
        return self._fills.turnover()

    # -- inside ----------------------------------------------------------------------------------

    def _again(self, kind: str, what: object) -> bool:
        """Whether this very thing was told before."""
        digest = hashlib.blake2b(_bytes([kind, what]), digest_size=16).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known

    def _of_cancel(self, number: int, error_id: int, text: str, recv_ns: int) -> Event | None:
        """The order as it is, with the error; nothing of one that nobody knows."""
        last, placed = self._told.get(number), self._own.get(number)
        if last is not None:
            before = Event(
                last["InstrumentID"], last["ExchangeID"], lambda: self.order_record(last, recv_ns)
            )
        elif number in self._refused:
            before = self._refused[number]
        elif placed is not None:
            before = self._of_input(placed.fields, lambda: self._records.unknown(placed))
        else:
            return None
        shown = {"error_id": error_id, "error_msg": text.strip()}

        def make() -> Made:
            record, final = before.make()
            return record | shown | {"order_submit_status": xtp.CANCEL_REJECTED}, final

        event = Event(before.code, before.exchange, make)
        self.orders.append(event)
        return event

    def _of_input(self, fields: Fields, make: Callable[[], dict[str, Any]]) -> Event:
        code, exchange = fields["InstrumentID"], fields["ExchangeID"]
        return Event(code, exchange, lambda: (make(), self._find(code, exchange) is not None))


def _is_of(fields: Fields, placed: Placed) -> bool:
    """Another client's may have the same numbers, by chance or by intent. APIs before 6.7.7 have no
    memo."""
    names = ("InstrumentID", "Direction", "VolumeTotalOriginal")
    memo = str(fields.get("OrderMemo", placed.fields["OrderMemo"])).strip()
    same = all(fields[name] == placed.fields[name] for name in names)
    return same and memo == placed.fields["OrderMemo"]
