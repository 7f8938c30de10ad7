"""Where the identities lie in the structs of the API: a table built over the catalogue.

Every insertion of CTP has the same bones under its own names: a reference that who sends it
chooses (OrderRef, QuoteRef …), a number of the exchange (OrderSysID …), one of the counter
(OrderLocalID …). So one reader serves all of them, in every version of the API: what a version
does not have is None here and is read as empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from schemas.catalogue import Catalogue
from schemas.layout import Layout

# The references by which an insertion is named; an action's own (OrderActionRef) is none of them.
KINDS: Final = (
    "OrderRef",
    "QuoteRef",
    "ExecOrderRef",
    "OptionSelfCloseRef",
    "CombActionRef",
    "ForQuoteRef",
)
ORDER: Final = "OrderRef"
QUOTE: Final = "QuoteRef"
TRADED: Final = frozenset({ORDER, QUOTE})  # of the kinds, those that trade

Spot = slice | None


class Role(Enum):
    """What a callback is to its insertion."""

    STATE = "state"  # the thing itself: OnRtnOrder, OnRspQryOrder
    TRADE = "trade"
    REFUSAL = "refusal"  # the request is given back: OnRspOrderInsert, OnRspQryParkedOrder
    ACTION = "action"  # of an action: OnRspOrderAction, OnErrRtnOrderAction


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one struct has what. ``kind`` is the name of its reference.

    ``status`` is OrderStatus or QuoteStatus; ``traded`` VolumeTraded in lots; ``relative`` the
    OrderSysID of the conditional order that was triggered; ``bid`` and ``ask`` the references of
    the two orders that a quote makes, ``bid_sys`` and ``ask_sys`` their numbers; ``flag``
    ActionFlag. ``content`` does not change between a request and its returns; ``account`` is what
    an action has in common with the insertion.
    """

    struct: str
    size: int
    kind: str
    front: Spot
    session: Spot
    ref: Spot
    exchange: Spot
    sys: Spot
    trader: Spot
    local: Spot
    request: Spot
    memo: Spot
    relative: Spot
    status: Spot
    submit: Spot
    traded: Spot
    bid: Spot
    ask: Spot
    bid_sys: Spot
    ask_sys: Spot
    parked: Spot
    user: Spot
    action_ref: Spot
    flag: Spot
    content: dict[str, slice]
    account: dict[str, slice]


def text(raw: bytes, spot: Spot) -> bytes:
    """A text up to its NUL; empty for a field that the struct does not have."""
    return raw[spot].partition(b"\0")[0] if spot else b""


def integer(raw: bytes, spot: Spot) -> int:
    return int.from_bytes(raw[spot], "little", signed=True) if spot else 0


def put_text(buffer: bytearray, spot: Spot, value: bytes) -> None:
    """Nothing for a field that the struct does not have. Raises ValueError for one too long."""
    if spot:
        size = spot.stop - spot.start
        if len(value) > size:
            raise ValueError(f"{len(value)} bytes do not fit into {size}")
        buffer[spot] = value.ljust(size, b"\0")


def put_integer(buffer: bytearray, spot: Spot, value: int) -> None:
    if spot:
        buffer[spot] = value.to_bytes(spot.stop - spot.start, "little", signed=True)


_CONTENT: Final = (
    "InstrumentID",
    "Direction",
    "LimitPrice",
    "VolumeTotalOriginal",
    "Volume",
    "BidPrice",
    "AskPrice",
)
_ACCOUNT: Final = ("BrokerID", "InvestorID", "UserID", "ExchangeID", "InstrumentID", "InvestUnitID")


def shape_of(layout: Layout) -> Shape | None:
    """None for a struct that names no insertion."""
    spots = {field.name: slice(field.offset, field.offset + field.size) for field in layout.fields}
    kind = next((kind for kind in KINDS if kind in spots), "")
    if not kind:
        return None
    base = kind.removesuffix("Ref")
    get = spots.get
    return Shape(
        struct=layout.name,
        size=layout.size,
        kind=kind,
        front=get("FrontID"),
        session=get("SessionID"),
        ref=spots[kind],
        exchange=get("ExchangeID"),
        sys=get(f"{base}SysID"),
        trader=get("TraderID"),
        local=get("ActionLocalID" if base == "CombAction" else f"{base}LocalID"),
        request=get("RequestID"),
        memo=get("OrderMemo"),
        relative=get("RelativeOrderSysID"),
        status=get(f"{base}Status") if kind in TRADED else None,
        submit=get("OrderSubmitStatus"),
        traded=get("VolumeTraded"),
        bid=get("BidOrderRef"),
        ask=get("AskOrderRef"),
        bid_sys=get("BidOrderSysID"),
        ask_sys=get("AskOrderSysID"),
        parked=get("ParkedOrderID"),
        user=get("UserID"),
        action_ref=get(f"{base}ActionRef"),
        flag=get("ActionFlag"),
        account={name: spots[name] for name in _ACCOUNT if name in spots},
        content={name: spots[name] for name in _CONTENT if name in spots},
    )


class Families:
    """The requests and callbacks of one version of the API that name insertions.

    insertions  ReqOrderInsert, ReqQuoteInsert …: the shape of the body
    actions     ReqOrderAction, ReqParkedOrderAction …: the shape of the body
    callbacks   OnRtnOrder, OnRspQryTrade …: role and shape
    cancels     by kind, the request that ends such an insertion
    batch       where ReqBatchOrderAction names the session whose orders it ends
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.insertions: dict[str, Shape] = {}
        self.actions: dict[str, Shape] = {}
        self.callbacks: dict[str, tuple[Role, Shape]] = {}
        self.cancels: dict[str, str] = {}
        batch = catalogue.layouts.get("InputBatchOrderAction")
        spots = {f.name: slice(f.offset, f.offset + f.size) for f in batch.fields} if batch else {}
        self.batch: Spot = spots.get("SessionID")
        shapes = {name: shape_of(layout) for name, layout in catalogue.layouts.items()}
        for name, request in catalogue.td.requests.items():
            shape = shapes[request.struct]
            if shape is not None and name.endswith("Insert"):
                self.insertions[name] = shape
            elif shape is not None and name.endswith("Action"):
                self.actions[name] = shape
                if not name.startswith("ReqParked"):
                    self.cancels[shape.kind] = name
        for name, callback in catalogue.td.callbacks.items():
            shape = shapes.get(callback.struct or "")
            if shape is not None:
                self.callbacks[name] = (_role(shape), shape)


_known: Final[list[tuple[Catalogue, Families]]] = []


def families_of(catalogue: Catalogue) -> Families:
    """The same for all books of a process: to build it costs milliseconds."""
    for known, families in _known:
        if known is catalogue:
            return families
    _known.append((catalogue, Families(catalogue)))
    return _known[-1][1]


def _role(shape: Shape) -> Role:
    if shape.struct == "Trade":
        return Role.TRADE
    if shape.action_ref is not None:
        return Role.ACTION
    if shape.session is None or shape.struct.startswith("Input"):
        return Role.REFUSAL
    return Role.STATE
