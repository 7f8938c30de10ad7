"""What became of orders of which nothing was heard, so that none stays unknown for ever."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

import msgspec

from bus.errors import Refused, Unavailable
from bus.orders import NOT_ON_RECORD, OrderState, Outcome, OutcomeQuery, VoidId
from schemas.errors import (
    NETWORK_FAILURE,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_PER_SECOND,
    VOID_ID,
    text_of,
)

from ...stat import Failed, Stat
from ..account.books import Books
from ..account.session import Session
from ..failures import failed
from .placed import Placed
from .sending import LATE_S, ORDER_S

log = logging.getLogger("tcp_edge")

_RESOLVE_S: Final = 1.0
_LONGEST_S: Final = 30.0
_NEVER_SENT: Final = -1
_NOT_TAKEN: Final = frozenset({NETWORK_FAILURE, TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND})
_decode: Final = msgspec.msgpack.Decoder(Outcome).decode


class Outcomes:
    """Asks td_worker, which keeps each order by its name."""

    def __init__(self, session: Session, books: Books) -> None:
        self._session, self._books = session, books
        self._next_look: dict[int, tuple[float, float]] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_RESOLVE_S)
            if self._books.now is None or not self._session.ready:
                continue
            for placed in self._books.now.unheard():
                if self._is_due(placed):
                    try:
                        await self.look(placed)
                    except Failed as exc:
                        fields = {"order": placed.order_xtp_id, "why": exc.detail}
                        log.warning("an order cannot be looked up", extra={"fields": fields})
                    except Exception:  # one answer that makes no sense ends no look-ups
                        log.exception("an order cannot be looked up")

    async def look(self, placed: Placed) -> None:
        """Put into the books what td_worker knows. Raises Failed."""
        outcome = await self._ask(placed)
        if outcome is None:
            self._books.refuse(placed, _NEVER_SENT, "it never reached td_worker, and will not")
        elif outcome.state is OrderState.NOT_SENT:
            self._books.refuse(placed, outcome.error_id or _NEVER_SENT, outcome.error_msg)
        elif outcome.state is OrderState.REJECTED:
            text = outcome.error_msg or text_of(outcome.error_id)
            self._books.refuse(placed, outcome.error_id, text)
        elif outcome.state in (OrderState.UNKNOWN, OrderState.INTENT):
            self._books.doubt(placed)

    async def was_turned_away(self, placed: Placed) -> bool:
        """Whether the order of this name came as far as the API, which did not take it (-1, -2,
        -3): then its client may have it sent after all. Raises Failed."""
        outcome = await self._ask(placed)
        away = outcome is not None and outcome.state is OrderState.NOT_SENT
        return away and outcome is not None and outcome.error_id in _NOT_TAKEN

    def _is_due(self, placed: Placed) -> bool:
        now = time.monotonic()
        due, pause = self._next_look.get(placed.order_xtp_id, (0.0, _RESOLVE_S))
        if now < due or time.time_ns() < placed.placed_ns + int(2 * _RESOLVE_S * 1e9):
            return False
        self._next_look[placed.order_xtp_id] = now + pause, min(2 * pause, _LONGEST_S)
        return True

    async def _ask(self, placed: Placed) -> Outcome | None:
        """None: it was never sent, and will not be. Raises Failed."""
        found = await self._request(
            placed, "QryOrderOutcome", OutcomeQuery(client_order_id=placed.name)
        )
        if found is not None:
            return None if found.error_id == VOID_ID else found
        if time.time_ns() <= placed.placed_ns + int((ORDER_S + LATE_S) * 1e9):
            raise Failed(Stat.NO_ANSWER, "the order may yet be sent", placed.reqid)
        # Its deadline is over by our clock; td_worker's may be late, and so may the order be.
        found = await self._request(placed, "VoidClientOrderID", VoidId(placed.name))
        return None if found is not None and found.error_id == VOID_ID else found

    async def _request(
        self, placed: Placed, verb: str, body: OutcomeQuery | VoidId
    ) -> Outcome | None:
        """None: it is not on record. Raises Failed."""
        account = await self._session.wait_ready()
        try:
            row = await account.request(verb, msgspec.msgpack.encode(body), deadline_s=ORDER_S)
        except Refused as exc:
            if NOT_ON_RECORD in exc.detail:
                return None
            raise failed(exc, placed.reqid) from None
        except Unavailable as exc:
            raise failed(exc, placed.reqid) from None
        return _decode(row.body)
