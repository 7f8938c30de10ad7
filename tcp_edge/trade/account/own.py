"""Orders that clients of this gateway have placed on an account. No I/O."""

from __future__ import annotations

from schemas.xtp.orders import OrderNames

from ..orders.placed import Placed


class Own:
    """By all their names. Of those that are unheard neither the counter nor td_worker has said
    anything."""

    def __init__(self) -> None:
        self._placed: dict[int, Placed] = {}
        self._by_request: dict[tuple[str, int], Placed] = {}
        self._by_name: dict[tuple[str, str], Placed] = {}
        self._unheard: dict[int, Placed] = {}
        self._heard: set[int] = set()
        self._unsent: set[int] = set()

    def place(self, placed: Placed) -> None:
        number = placed.order_xtp_id
        self._placed[number] = placed
        self._unsent.discard(number)
        self._by_request[placed.order_ref, placed.reqid] = placed
        if placed.own:
            self._by_name[placed.user, placed.own] = placed
        if number not in self._heard:
            self._unheard[number] = placed

    def drop(self, placed: Placed) -> None:
        """It was not sent."""
        number = placed.order_xtp_id
        self._unsent.add(number)
        self._placed.pop(number, None)
        self._by_request.pop((placed.order_ref, placed.reqid), None)
        self._by_name.pop((placed.user, placed.own), None)
        self._unheard.pop(number, None)

    def hear(self, number: int) -> None:
        """Also of one that is placed here later, or by somebody else."""
        self._heard.add(number)
        self._unheard.pop(number, None)

    def get(self, number: int) -> Placed | None:
        return self._placed.get(number)

    def by_name(self, user: str, own: str) -> Placed | None:
        """By what its client calls it."""
        return self._by_name.get((user, own))

    def by_request(self, order_ref: str, reqid: int) -> Placed | None:
        return self._by_request.get((order_ref, reqid))

    def is_unheard(self, number: int) -> bool:
        return number in self._unheard

    def is_unsent(self, number: int) -> bool:
        return number in self._unsent

    def unheard(self) -> list[Placed]:
        return list(self._unheard.values())

    def names(self, number: int) -> OrderNames:
        """What the counter does not keep; of anybody's order."""
        placed = self._placed.get(number)
        if placed is None:
            return OrderNames(number)
        return OrderNames(
            number,
            placed.order_client_id,
            price_type=placed.price_type,
            business_type=placed.business_type,
        )
