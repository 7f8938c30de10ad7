"""One insertion on record, and the table by which its state goes on. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from bus.orders import FINAL, OrderState, Outcome

_S = OrderState
VOID: Final = "VoidClientOrderID"  # the method of a record that only keeps an id from being used
UNRESOLVED: Final = frozenset({_S.INTENT, _S.SENT, _S.UNKNOWN})
# CTP repeats OnRtnOrder and a query may be older than a return, so the states of an order that
# still lives have an order of their own: not yet known, conditional, triggered, in the market.
_RANKS: Final = {b"": 0, b"a": 1, b"b": 2, b"c": 3}
_IN_MARKET: Final = 4
_ALL_TRADED, _CANCELED, _INSERT_REJECTED = b"0", b"5", b"4"


@dataclass(slots=True, eq=False)
class Record:
    """What is on record of one insertion. Texts as bytes are as CTP has them.

    The first part never changes. ``number`` is of the day; ``leg`` is "bid" or "ask" for an order
    that a quote makes, whose record stands beside the quote's; ``kind`` is the name of the
    reference, "OrderRef". What the client sees: ``session_id`` (virtual), ``shown_front``,
    ``client_ref``, ``client_request``, ``client_memo``. What the counter sees: ``memo`` (OrderMemo,
    empty where the API has none), ``request`` (RequestID), ``issued`` (the reference at first).

    The second part is learnt: the identity at the counter, which a flow-clearing restart changes
    (``front_id``, ``counter_session``, ``ref``), and what became of it. ``ref``,
    ``order_sys_id`` and ``local_id`` keep their padding.
    """

    number: int
    order_id: str
    method: str
    kind: str
    leg: str
    client_order_id: str
    body: bytes
    session_id: int
    shown_front: int
    client_ref: str
    client_request: int
    client_memo: bytes
    memo: bytes
    request: int
    issued: bytes
    created_ns: int
    front_id: int
    counter_session: int
    ref: bytes
    state: OrderState = OrderState.INTENT
    sent_ns: int = 0
    order_status: bytes = b""
    volume_traded: int = 0
    exchange_id: bytes = b""
    order_sys_id: bytes = b""
    trader_id: bytes = b""
    local_id: bytes = b""
    parked_id: bytes = b""
    error_id: int = 0
    error_msg: str = ""

    @property
    def final(self) -> bool:
        return self.state in FINAL


class Ticket(NamedTuple):
    """An intent that is on the disk, and the body to hand to the API."""

    record: Record
    body: bytes


class Duplicate(Exception):
    """This client_order_id was used before, for the same: nothing was recorded."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.order_id)
        self.record = record


class Return(NamedTuple):
    """What one state of an order says. ``status`` and ``submit`` are CTP's characters."""

    status: bytes
    submit: bytes
    traded: int
    on_exchange: bool


def state_of(status: bytes, submit: bytes) -> OrderState:
    """CTP's OrderStatus and OrderSubmitStatus, or QuoteStatus; what has no status is a refusal or
    lives."""
    if submit == _INSERT_REJECTED and status in (_CANCELED, b""):
        return OrderState.REJECTED
    if status == _ALL_TRADED:
        return OrderState.FILLED
    return OrderState.CANCELLED if status == _CANCELED else OrderState.ACK


def is_stale(record: Record, news: Return) -> bool:
    """Whether a return tells of an earlier state than the one on record."""
    state = state_of(news.status, news.submit)
    if record.state is OrderState.NOT_SENT:
        return False  # that was our conclusion; the counter knows better
    if record.state is OrderState.REJECTED and news.on_exchange and not record.order_sys_id:
        return False  # what the exchange has numbered since was not refused
    lives = state is OrderState.ACK
    ended = record.final
    if ended and lives:
        return True
    if news.traded != record.volume_traded:
        return news.traded < record.volume_traded
    if ended:
        return state is not record.state
    return lives and _rank(news.status) < _rank(record.order_status)


def learn(record: Record, news: Return) -> None:
    """Take over a return that is not stale."""
    record.state = state_of(news.status, news.submit)
    record.order_status, record.volume_traded = news.status, news.traded
    if record.state is not OrderState.REJECTED:
        record.error_id, record.error_msg = 0, ""


def refuse(record: Record, error_id: int, error_msg: str) -> bool:
    """The counter refused it; False for what has been on the exchange or has ended otherwise."""
    overruled = record.state in (OrderState.NOT_SENT, OrderState.REJECTED)
    accepted = record.order_sys_id or record.volume_traded or record.final
    if accepted and not overruled:
        return False
    record.state = OrderState.REJECTED
    record.error_id, record.error_msg = error_id, error_msg
    return True


def _rank(status: bytes) -> int:
    return _RANKS.get(status, _IN_MARKET)


def outcome_of(record: Record, duplicate: bool = False) -> Outcome:
    """What its client is told."""
    return Outcome(
        order_id=record.order_id,
        client_order_id=record.client_order_id,
        method=record.method,
        state=record.state,
        duplicate=duplicate,
        front_id=record.shown_front,
        session_id=record.session_id,
        order_ref=record.client_ref,
        exchange_id=_told(record.exchange_id),
        order_sys_id=_told(record.order_sys_id),
        order_status=_told(record.order_status),
        volume_traded=record.volume_traded,
        error_id=record.error_id,
        error_msg=record.error_msg,
    )


def _told(value: bytes) -> str:
    return value.decode("gb18030", "replace")
