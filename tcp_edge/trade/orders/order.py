"""What a client wants, and what is kept of it. No I/O."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.codec import Value
from schemas.xtp.insert import Insertion
from schemas.xtp.order_ids import OrderIds

from .placed import Placed


class Order(NamedTuple):
    """``own``: his client_order_id, "" without one."""

    user: str
    own: str
    params: dict[str, Any]

    @property
    def digest(self) -> bytes:
        text = json.dumps(self.params, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


def name_of(gateway: str, day: str, order: Order, turned_away: int) -> str:
    """Its client_order_id at td_worker: the same for what a client calls the same, until the API
    has not taken it."""
    if not order.own:
        return secrets.token_hex(16)
    text = "\0".join((gateway, day, order.user, order.own, str(turned_away)))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def record(
    order: Order,
    wanted: Insertion,
    account: str,
    session: Mapping[str, Value],
    ids: OrderIds,
    *,
    ref: str,
    reqid: int,
    name: str,
) -> Placed:
    """``session``: of OnRspUserLogin; ``ref``: an OrderRef that it has not used."""
    front, session_id = session["FrontID"], session["SessionID"]
    assert isinstance(front, int)
    assert isinstance(session_id, int)
    fields = wanted.fields
    identity = ids.place(front, session_id, ref, fields["ExchangeID"], fields["InstrumentID"])
    return Placed(
        order_xtp_id=identity.order_xtp_id,
        reqid=reqid,
        user=order.user,
        own=order.own,
        digest=order.digest,
        name=name,
        front_id=front,
        session_id=session_id,
        order_ref=ref,
        order_client_id=wanted.order_client_id,
        price_type=wanted.price_type,
        business_type=wanted.business_type,
        fields={
            **fields,
            "BrokerID": str(session["BrokerID"]),
            "InvestorID": account,
            "UserID": account,
            "RequestID": reqid,
            "OrderRef": ref,
            "OrderMemo": f"x{name[:10]}",
        },
        placed_ns=time.time_ns(),
    )
