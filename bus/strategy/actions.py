"""What a strategy can do: the four actions of homalos, and the results that it knows."""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple, TypedDict, get_args

from bus.client.terms import Side

Action = Literal["kaiduo", "kaikong", "pingduo", "pingkong"]


class Meaning(NamedTuple):
    side: Side
    closes: bool


MEANINGS: Final[dict[str, Meaning]] = {
    "kaiduo": Meaning("buy", closes=False),
    "kaikong": Meaning("sell", closes=False),
    "pingduo": Meaning("sell", closes=True),
    "pingkong": Meaning("buy", closes=True),
}
assert tuple(MEANINGS) == get_args(Action)


class Result(TypedDict, total=False):
    """Of ``open_close``.

    success          the exchange has all orders of it, or has not answered in time and the counter
                     has them; with ``block=False``: they are on their way. Traded or not
    order_ref        CTP's, of each order, with ", " between; "" before it is known
    error_id, error_msg   of the first one that the counter does not have
    instrument_id, action, volume, price   what was asked
    note             what else there is to say, such as which lots were closed how
    client_order_id  the name of this call, see ``SyncStrategyApi.open_close``
    volume_traded    lots so far, of all its orders
    """

    success: bool
    order_ref: str
    error_id: int
    error_msg: str
    instrument_id: str
    action: str
    volume: int
    price: float
    note: str
    client_order_id: str
    volume_traded: int


class OrderUnknown(TimeoutError):
    """Nobody has said in time what became of an order, and it may live. Never send it anew:
    ``open_close`` with the same ``client_order_id`` and the same words asks for it, and sends only
    what was never sent."""

    def __init__(self, client_order_id: str, why: str) -> None:
        super().__init__(f"order {client_order_id}: {why}")
        self.client_order_id = client_order_id


def check(action: str, volume: int, price: float) -> Meaning:
    """Raises ValueError."""
    if action not in MEANINGS:
        raise ValueError(f"action: {action!r} is none of {', '.join(MEANINGS)}")
    if isinstance(volume, bool) or not isinstance(volume, int) or volume <= 0:
        raise ValueError(f"volume: {volume!r} is no number of lots")
    if not (math.isfinite(price) and price > 0):
        raise ValueError(f"price: {price!r} is no price")
    return MEANINGS[action]
