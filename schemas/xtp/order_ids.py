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
        triple = (front_id, session_id, order_ref.strip())
        known = self._by_triple.get(triple)
        if known is None:
            known = Identity(
                self._new_number(triple), front_id, session_id, order_ref, exchange, instrument
            )
            self._by_id[known.order_xtp_id] = self._by_triple[triple] = known
        return known

    def learn(self, fields: Mapping[str, Any]) -> Identity:
        """Of CTP's Order, by any of its names; one that nobody knows gets its number now."""
        exchange = fields["ExchangeID"]
        sys = (exchange, fields["OrderSysID"].strip())
        local = (exchange, fields["TraderID"].strip(), fields["OrderLocalID"].strip())
        known = self._by_sys.get(sys) if sys[1] else None
        if known is None and local[2]:
            known = self._by_local.get(local)
        if known is None:
            known = self.place(
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

    def _new_number(self, triple: _Triple) -> int:
        attempt = 0
        while (number := order_xtp_id(*self._of, *triple, attempt)) in self._by_id:
            attempt += 1
        return number
