"""order_xtp_id: one number for an order, whatever names it has at the counter.

An order has up to three names, each known a little later and good for a little longer. The number
is made of the first one, so it can be told before the order is sent, and is the same again when a
restarted gateway hears of the order anew. It has 53 bits: clients hold it in a double.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_SHIFT: Final = 11  # 64 to 53 bits


@dataclass(slots=True)
class Identity:
    """What is known of an order. OrderSysID, OrderLocalID and TraderID as the counter pads them:
    requests must bring them back so."""

    order_xtp_id: int
    front_id: int = 0
    session_id: int = 0
    order_ref: str = ""
    exchange: str = ""
    instrument: str = ""
    trader_id: str = ""
    order_local_id: str = ""
    order_sys_id: str = ""


def order_xtp_id(
    trading_day: str,
    broker_id: str,
    investor_id: str,
    front_id: int,
    session_id: int,
    order_ref: str,
    attempt: int = 0,
) -> int:
    """1 to 2**53 - 1. ``attempt`` counts the numbers of this name that another order has."""
    parts = [trading_day, broker_id, investor_id, front_id, session_id, order_ref.strip()]
    if attempt:
        parts.append(attempt)
    text = "|".join(map(str, parts)).encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> _SHIFT or 1


_Triple = tuple[int, int, str]
_Local = tuple[str, str, str]
_Sys = tuple[str, str]


class OrderIds:
    """The numbers of one account's orders on one trading day. Rebuilt from the day's returns: the
    names that td_worker shows do not change when it or the counter starts anew."""

    def __init__(self, trading_day: str, broker_id: str, investor_id: str) -> None:
        self._of = (trading_day, broker_id, investor_id)
        self._by_id: dict[int, Identity] = {}
        self._by_triple: dict[_Triple, Identity] = {}
        self._by_local: dict[_Local, Identity] = {}
        self._by_sys: dict[_Sys, Identity] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, number: int) -> Identity | None:
        return self._by_id.get(number)

    def place(
        self, front_id: int, session_id: int, order_ref: str, exchange: str, instrument: str
    ) -> Identity:
        """Of an order that is about to be sent."""
        known = self.of_triple(front_id, session_id, order_ref)
        return known or self._new(front_id, session_id, order_ref, exchange, instrument)

    def learn(self, fields: Mapping[str, Any]) -> Identity:
        """Of CTP's Order, by any of its names; one that nobody knows gets its number now."""
        exchange = fields["ExchangeID"]
        sys = (exchange, fields["OrderSysID"].strip())
        local = (exchange, fields["TraderID"].strip(), fields["OrderLocalID"].strip())
        known = self._known(fields, sys, local)
        if known is None:
            known = self._new(
                fields["FrontID"],
                fields["SessionID"],
                fields["OrderRef"],
                exchange,
                fields["InstrumentID"],
            )
        known.exchange = exchange or known.exchange
        if sys[1]:
            known.order_sys_id = fields["OrderSysID"]
            self._by_sys[sys] = known
        if local[2]:
            known.trader_id, known.order_local_id = fields["TraderID"], fields["OrderLocalID"]
            self._by_local[local] = known
        return known

    def of_trade(self, fields: Mapping[str, Any]) -> Identity | None:
        """Of CTP's Trade; None while its order is not known."""
        exchange = fields["ExchangeID"]
        known = self._by_sys.get((exchange, fields["OrderSysID"].strip()))
        if known is None and fields["OrderLocalID"].strip():
            local = (exchange, fields["TraderID"].strip(), fields["OrderLocalID"].strip())
            known = self._by_local.get(local)
        return known

    def of_triple(self, front_id: int, session_id: int, order_ref: str) -> Identity | None:
        return self._by_triple.get((front_id, session_id, order_ref.strip()))

    def _known(self, fields: Mapping[str, Any], sys: _Sys, local: _Local) -> Identity | None:
        known = self._by_sys.get(sys) if sys[1] else None
        if known is None and local[2]:
            known = self._by_local.get(local)
        # A conditional order and what it became when its condition came true.
        parent = fields.get("RelativeOrderSysID", "").strip()
        if known is None and parent:
            known = self._by_sys.get((sys[0], parent))
        if known is not None:
            return known
        named = self.of_triple(fields["FrontID"], fields["SessionID"], fields["OrderRef"])
        return None if named is None or _is_other(named, fields, sys[1], local) else named

    def _new(
        self, front_id: int, session_id: int, order_ref: str, exchange: str, instrument: str
    ) -> Identity:
        triple = (front_id, session_id, order_ref.strip())
        attempt = 0
        while (number := order_xtp_id(*self._of, *triple, attempt)) in self._by_id:
            attempt += 1
        made = Identity(number, front_id, session_id, order_ref, exchange, instrument)
        self._by_id[number] = self._by_triple[triple] = made
        return made


def _is_other(named: Identity, fields: Mapping[str, Any], sys: str, local: _Local) -> bool:
    """A counter whose flows were cleared gives the triples of the day's orders to later ones."""
    known_sys, known_local = named.order_sys_id.strip(), named.order_local_id.strip()
    if named.instrument and named.instrument != fields["InstrumentID"]:
        return True
    if known_sys and sys and known_sys != sys:
        return True
    return bool(known_local and local[2]) and (named.trader_id.strip(), known_local) != local[1:]
