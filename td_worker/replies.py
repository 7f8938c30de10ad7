"""Rows to the callers of one account."""

from __future__ import annotations

import msgspec

from bus.errors import Refused
from bus.frames import Flag, Row, join_body, message_type
from bus.orders import Outcome
from bus.rpc import Call, Router
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .returns.stream import Returns


class Replies:
    """Every row says how far the account's returns had been published when it was made."""

    def __init__(self, catalogue: Catalogue, router: Router, returns: Returns) -> None:
        self._catalogue, self._router, self._returns = catalogue, router, returns

    def event(self, peer: bytes, call: Call, event: Event, last: bool | None = None) -> None:
        """A callback as it came; ``last`` when the call ends otherwise than the callback says."""
        flags, body = join_body(event.field, event.info)
        ends = event.last if last is None else last
        self._put(peer, call, event.name, flags | (Flag.LAST if ends else 0), body)

    def own(self, peer: bytes, call: Call, name: str, message: object, last: bool = True) -> None:
        """A message of ours."""
        flags = Flag.MSGPACK | Flag.LOCAL | (Flag.LAST if last else 0)
        self._put(peer, call, name, flags, msgspec.msgpack.encode(message))

    def sent(self, peer: bytes, call: Call, outcome: Outcome | None = None) -> None:
        """The API took the request; more rows may or may not follow."""
        flags = Flag.SENT | Flag.LOCAL
        if outcome is None:
            self._put(peer, call, "Sent", flags, b"")
        else:
            body = msgspec.msgpack.encode(outcome)
            self._put(peer, call, "Sent", flags | Flag.MSGPACK, body)

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self._router.refuse(peer, call, error)

    def _put(self, peer: bytes, call: Call, name: str, flags: int, body: bytes) -> None:
        layout, seq = self._catalogue.layout_id, self._returns.seq
        row = Row(call.id, seq, call.request_id, message_type(name), layout, flags, body)
        self._router.send(peer, row)
