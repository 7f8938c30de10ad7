"""A counter with an exchange behind it, as far as the names of orders go, for random histories.

It numbers as CTP does: a reference is unique within a session of the counter only, a seat gives
OrderLocalID, the exchange OrderSysID. It keeps every return of the day and tells all of them again
after a login; a flow-clearing restart gives new FrontIDs, SessionIDs and OrderRefs to all orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.counter import Event
from schemas.layout import Layout

Values = dict[str, Value]
Real = tuple[int, int, str]  # FrontID, SessionID, OrderRef
Shown = tuple[int, int, str, int, str]  # the same with RequestID and OrderMemo

KEPT: Final = (
    "OrderRef",
    "RequestID",
    "OrderMemo",
    "ExchangeID",
    "InstrumentID",
    "Direction",
    "VolumeTotalOriginal",
)


def packed(catalogue: Catalogue, struct: str, values: Values) -> bytes:
    """Faster than to pack all fields of the struct, of which most are empty."""
    codec = catalogue.codec(struct)
    return codec.patch(bytes(codec.size), values)


def picked(catalogue: Catalogue, struct: str, raw: bytes, names: Iterable[str]) -> Values:
    """Those of the fields that the struct has."""
    codec = catalogue.codec(struct)
    return {name: codec.get(raw, name) for name in names if name in codec.order}


def without_memo(catalogue: Catalogue) -> Catalogue:
    """The same API as it was before OrderMemo."""
    layouts = {
        name: Layout(
            layout.name,
            layout.size,
            tuple(each for each in layout.fields if each.name != "OrderMemo"),
        )
        for name, layout in catalogue.layouts.items()
    }
    return Catalogue(
        binding=catalogue.binding,
        version=catalogue.version,
        md=catalogue.md,
        td=catalogue.td,
        layouts=layouts,
    )


@dataclass(eq=False)
class Truth:
    """One order as it is. ``shown`` is what every viewer must see, None for an order from outside;
    ``number`` is ours."""

    real: Real
    kept: Values
    number: int
    shown: Shown | None
    status: str = ""
    traded: int = 0
    seated: bool = False
    on_exchange: bool = False
    told: bool = False  # with the number of the seat
    told_sys: bool = False  # with the exchange's number
    seen: tuple[bool, int, int] = (False, 0, 0)  # the last state that viewers saw

    written: tuple[bool, bool, tuple[bool, int, int]] = (False, False, (False, 0, 0))

    def write(self) -> None:
        """What the worker has learnt is on its disk."""
        self.written = self.told, self.told_sys, self.seen

    def forget(self) -> None:
        """The worker knows what is on its disk."""
        self.told, self.told_sys, self.seen = self.written

    @property
    def live(self) -> bool:
        return self.seated and self.status not in "05"

    def numbers(self) -> Values:
        local = f"{self.number:>12}" if self.seated else ""
        sys = f"{self.number + 700:>12}" if self.on_exchange else ""
        return {"TraderID": "t", "OrderLocalID": local, "OrderSysID": sys}


@dataclass
class Told:
    """One return, and whose it is. ``values`` change with a flow-clearing restart."""

    name: str
    values: Values
    truth: Truth
    error: int = 0
    event: Event | None = None  # made when it is told first


def state(values: Values) -> tuple[bool, int, int]:
    """How far an order has come: whether it has ended, lots traded, in the market or not yet."""
    status, traded = str(values["OrderStatus"]), values["VolumeTraded"]
    assert isinstance(traded, int)
    return status in "05", traded, int(status != "a")


@dataclass
class World:
    """The orders and what was told of them."""

    catalogue: Catalogue
    random: Random
    front: int = 1
    session: int = 50
    orders: list[Truth] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    trades: int = 0

    def insert(
        self, values: Values, real: Real, shown: tuple[int, int, str, int, str] | None
    ) -> Truth:
        kept = {name: values.get(name) for name in KEPT}
        truth = Truth(real, kept, len(self.orders) + 1, shown)
        self.orders.append(truth)
        return truth

    def accept(self, truth: Truth) -> Told:
        truth.seated, truth.status = True, "a"
        return self._order(truth)

    def queue(self, truth: Truth) -> Told:
        truth.on_exchange, truth.status = True, "3"
        return self._order(truth)

    def trade(self, truth: Truth) -> list[Told]:
        """The order and its trade, in the order in which they are told."""
        truth.on_exchange, truth.traded, self.trades = True, truth.traded + 1, self.trades + 1
        truth.status = "0" if truth.traded == truth.kept["VolumeTotalOriginal"] else "1"
        values: Values = {
            "OrderRef": truth.real[2],
            "ExchangeID": truth.kept["ExchangeID"],
            "TradeID": str(self.trades),
            **truth.numbers(),
        }
        pair = [self._order(truth), Told("OnRtnTrade", values, truth)]
        return pair[:: self.random.choice((1, -1))]

    def end(self, truth: Truth) -> Told:
        truth.status = "5"
        return self._order(truth)

    def refuse(self, truth: Truth) -> Told:
        truth.status = "5"
        return Told("OnErrRtnOrderInsert", {**truth.kept, "OrderRef": truth.real[2]}, truth, 31)

    def row(self, truth: Truth) -> Told:
        return self._order(truth, "OnRspQryOrder")

    def reset(self, clash: bool) -> None:
        """A flow-clearing restart. ``clash``: orders get each other's names of before."""
        reals = [truth.real for truth in self.orders]
        if clash:
            self.random.shuffle(reals)
        else:
            reals = [
                (self.front, self.random.randint(10**6, 10**9), f"{index:>12}")
                for index in range(len(reals))
            ]
        for truth, real in zip(self.orders, reals, strict=True):
            truth.real = real
            truth.kept["RequestID"] = 0
        for told in self.told:
            front, session, ref = told.truth.real
            told.event = None
            told.values["OrderRef"] = ref
            if "SessionID" in told.values:
                told.values.update(FrontID=front, SessionID=session)
            if "RequestID" in told.values:
                told.values["RequestID"] = 0

    def event(self, told: Told) -> Event:
        if told.event is None:
            struct = str(self.catalogue.td.callbacks[told.name].struct)
            raw = packed(self.catalogue, struct, told.values)
            info = (
                packed(self.catalogue, "RspInfo", {"ErrorID": told.error}) if told.error else None
            )
            told.event = Event(told.name, raw, info, 0, True, 0, 0)
        return told.event

    def named(self, values: Values) -> list[Truth]:
        """Whom an action means."""
        if str(values["OrderSysID"]).strip():
            names = values["ExchangeID"], values["OrderSysID"]
            return [
                truth
                for truth in self.orders
                if truth.on_exchange
                and (truth.kept["ExchangeID"], truth.numbers()["OrderSysID"]) == names
            ]
        real = values["FrontID"], values["SessionID"], values["OrderRef"]
        return [truth for truth in self.orders if truth.real == real]

    def _order(self, truth: Truth, name: str = "OnRtnOrder") -> Told:
        front, session, ref = truth.real
        values: Values = {
            **truth.kept,
            **truth.numbers(),
            "OrderRef": ref,
            "FrontID": front,
            "SessionID": session,
            "OrderStatus": truth.status,
            "VolumeTraded": truth.traded,
        }
        return Told(name, values, truth)
