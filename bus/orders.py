"""Bodies of td_worker's own verbs about orders.

=====================  ======================  ====================================================
verb                   body                    answer
=====================  ======================  ====================================================
QryOrderOutcome        OutcomeQuery            a row "Outcome"
VoidClientOrderID      VoidId                  a row "Outcome"
SetCancelOnDisconnect  CancelOnDisconnect      a row "SetCancelOnDisconnect" with the same body
SetKillSwitch          KillSwitch              a row "SetKillSwitch" with the same body
Attach                 Attach                  rows "Session", "OnRspUserLogin", as of a login
Returns                After                   rows "Return", the last one "Returns" with a Place
Detach                 Detached, or nothing    a row "Detach"
=====================  ======================  ====================================================

All but Attach need the handle of a login and concern its account. A "Return" holds one published
message as it was, topic and all (``bus.frames.unpack_message``). An order that is not on record
is a refusal whose detail is NOT_ON_RECORD: it was not sent on this trading day nor on the five
before, as far as their records are kept (``keep_days``). It may still come: a process on its way
here may stand still with it. VoidClientOrderID rules that out: what has no record then is NOT_SENT
for good, and an order that comes later with this id is refused (VOID_ID). A place whose returns are
not kept is one whose detail has NOT_KEPT.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta


class OrderState(StrEnum):
    """What is known of an order; the states from REJECTED on are final.

    INTENT     recorded; whether it was handed to the API is not known (a crash in between)
    SENT       handed to the API, no answer yet
    UNKNOWN    no answer in time, or none after a reconnect: it may live. Never send it again
    ACK        the counter has it
    REJECTED   the counter or the exchange refused it
    NOT_SENT   it never reached the counter
    FILLED     all traded
    CANCELLED  ended with a rest
    """

    INTENT = "INTENT"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    ACK = "ACK"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"


NOT_ON_RECORD: Final = "no such order on record"

NOT_KEPT: Final = "are not kept"

FINAL: Final = frozenset(
    {OrderState.REJECTED, OrderState.NOT_SENT, OrderState.FILLED, OrderState.CANCELLED}
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one order (or quote, exercise … : ``method`` says by which request it came).

    order_id     the gateway's: trading day (with the slot, of a session of one's own) and number
    duplicate    this client_order_id was used before; nothing was sent for this call
    session_id, order_ref   the client's identity of it, as every viewer sees it
    order_status CTP's OrderStatus, "" before the first return
    volume_traded  lots
    error_id, error_msg     the refusal, 0 and "" without one; error_msg also says why NOT_SENT
    """

    order_id: str
    client_order_id: str = ""
    method: str = "ReqOrderInsert"
    state: OrderState
    duplicate: bool = False
    front_id: int = 0
    session_id: int = 0
    order_ref: str = ""
    exchange_id: str = ""
    order_sys_id: str = ""
    order_status: str = ""
    volume_traded: int = 0
    error_id: int = 0
    error_msg: str = ""


class OutcomeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Names one order: by the client's id, by the gateway's, or by (session_id, order_ref)."""

    client_order_id: Annotated[str, Meta(max_length=64)] = ""
    order_id: Annotated[str, Meta(max_length=64)] = ""
    session_id: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] = 0
    order_ref: Annotated[str, Meta(max_length=16)] = ""


class VoidId(msgspec.Struct, frozen=True):
    """The id of an order that is not to be sent any more, if it was not."""

    client_order_id: Annotated[str, Meta(min_length=1, max_length=64)]


class CancelOnDisconnect(msgspec.Struct, frozen=True):
    """Whether the live orders of this login are cancelled when it ends without a logout."""

    on: bool


class KillSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the account's new orders are refused; ``cancel_all`` also ends those that live."""

    on: bool
    cancel_all: bool = False


class Place(msgspec.Struct, frozen=True):
    """A place in the returns of an account: everything after it is asked for, or was told."""

    epoch: int
    seq: int


class After(msgspec.Struct, frozen=True):
    """The place behind which returns are asked for; (0, 0): from the beginning of the trading day.
    ``most``: how many of them at once, 0: all. ``topic``: the account's, when there is no handle
    that tells it."""

    epoch: int
    seq: int
    most: Annotated[int, Meta(ge=0)] = 0
    topic: Annotated[str, Meta(max_length=1024)] = ""


class Attach(msgspec.Struct, frozen=True, kw_only=True):
    """A login without a password, to one of the accounts that td_worker logs in by itself: for
    callers over ipc, and with keys of the roles edge and admin. ``name``: who calls, told beside
    the answers to his queries. ``early``: to cancel while td_worker recovers."""

    user: Annotated[str, Meta(max_length=15)]
    name: Annotated[str, Meta(max_length=32)]
    early: bool = False


class Detached(msgspec.Struct, frozen=True):
    """``clean``: the client logged out; else it was lost, and cancel-on-disconnect acts."""

    clean: bool = True
