"""td_worker's own verbs about an account; their bodies are in ``bus.orders``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from bus.errors import bad_parameters, refused, request_failed
from bus.orders import NOT_ON_RECORD, CancelOnDisconnect, KillSwitch, OutcomeQuery, VoidId
from bus.rpc import Call
from schemas.errors import INTERNAL_ERROR

from .disconnect import Disconnects
from .limits.session import SessionLimits
from .orders.book import Book
from .orders.record import Record
from .orders.store import StoreError
from .replies import Replies
from .returns.stream import Returns

log = logging.getLogger("td_worker")


class Verbs:
    """One account's. ``clients`` has the virtual SessionID of each handle; ``problem`` says why
    the records of the day are not known, "" when they are."""

    def __init__(
        self,
        replies: Replies,
        returns: Returns,
        disconnects: Disconnects,
        clients: dict[bytes, int],
        book: Callable[[], Book],
        problem: Callable[[], str],
        limits: SessionLimits,
    ) -> None:
        self._replies, self._returns = replies, returns
        self._disconnects, self._clients, self._book = disconnects, clients, book
        self._problem, self._limits = problem, limits

    def answer(self, peer: bytes, call: Call) -> None:
        """Do what a call of one of ``NAMES`` asks. Raises Refused."""
        try:
            _VERBS[call.method](self, peer, call)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise bad_parameters(f"{call.method}: {exc}") from None

    def _mark(self, peer: bytes, call: Call) -> None:
        self._returns.notice("Mark")
        self._replies.own(peer, call, "Mark", None)

    def _outcome(self, peer: bytes, call: Call) -> None:
        query = msgspec.msgpack.decode(call.body, type=OutcomeQuery)
        if not (query.client_order_id or query.order_id or query.order_ref):
            # "Never sent" would be taken for an order whose name was lost on the way here.
            raise bad_parameters(f"{call.method}: names no order")
        record = self._found(query)
        if record is None:
            raise request_failed(NOT_ON_RECORD)
        self._replies.own(peer, call, "Outcome", self._book().outcome(record))

    def _void(self, peer: bytes, call: Call) -> None:
        name = msgspec.msgpack.decode(call.body, type=VoidId).client_order_id
        record = self._found(OutcomeQuery(client_order_id=name))
        if record is None:
            record = self._book().void(name, self._clients[call.session])
        self._replies.own(peer, call, "Outcome", self._book().outcome(record))

    def _found(self, query: OutcomeQuery) -> Record | None:
        """None: it is not on record. Raises Refused when nobody can say that."""
        try:
            record = self._book().find(query)
        except StoreError:
            log.exception("an earlier day cannot be read")
            raise refused(INTERNAL_ERROR, "an earlier day cannot be read") from None
        if record is None and self._problem():
            raise refused(INTERNAL_ERROR, self._problem())
        return record

    def _cancel_on_disconnect(self, peer: bytes, call: Call) -> None:
        wanted = msgspec.msgpack.decode(call.body, type=CancelOnDisconnect)
        self._disconnects.arm(self._clients[call.session], wanted.on)
        self._replies.own(peer, call, call.method, wanted)

    def _kill_switch(self, peer: bytes, call: Call) -> None:
        wanted = msgspec.msgpack.decode(call.body, type=KillSwitch)
        self._limits.kill(wanted.on, wanted.cancel_all)
        self._replies.own(peer, call, call.method, wanted)


_VERBS: Final[dict[str, Callable[[Verbs, bytes, Call], None]]] = {
    "Mark": Verbs._mark,
    "QryOrderOutcome": Verbs._outcome,
    "VoidClientOrderID": Verbs._void,
    "SetCancelOnDisconnect": Verbs._cancel_on_disconnect,
    "SetKillSwitch": Verbs._kill_switch,
}
NAMES: Final = frozenset(_VERBS)
