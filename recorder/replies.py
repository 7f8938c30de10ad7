"""Rows to the callers."""

from __future__ import annotations

import msgspec

from bus.errors import Refused
from bus.frames import Flag, Row, message_type
from bus.rpc import Call, Router


class Replies:
    def __init__(self, router: Router) -> None:
        self._router = router

    def own(self, peer: bytes, call: Call, name: str, message: object, last: bool = True) -> None:
        """A message of ours, as msgpack."""
        self.put(peer, call, name, Flag.MSGPACK, msgspec.msgpack.encode(message), last)

    def put(self, peer: bytes, call: Call, name: str, flags: int, body: bytes, last: bool) -> None:
        flags |= Flag.LOCAL | (Flag.LAST if last else 0)
        kind, layout = message_type(name), self._router.layout
        self._router.send(peer, Row(call.id, 0, call.request_id, kind, layout, flags, body))

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self._router.refuse(peer, call, error)
