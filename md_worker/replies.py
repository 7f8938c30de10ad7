"""Rows to the callers."""

from __future__ import annotations

import msgspec

from bus.errors import Refused
from bus.frames import Flag, Row, join_body, message_type
from bus.orders import Place
from bus.rpc import Call, Router
from schemas.counter import Event

from .subscriptions import Answer


class Replies:
    """Every form that an answer of md_worker has."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def event(self, peer: bytes, call: Call, event: Event, last: bool) -> None:
        """A callback as it came."""
        flags, body = join_body(event.field, event.info)
        self._put(peer, call, event.name, flags, body, last)

    def answers(self, peer: bytes, call: Call, name: str, answers: list[Answer]) -> None:
        """One row for each instrument of the call, in its order."""
        for index, answer in enumerate(answers, 1):
            flags, body = join_body(answer.field, answer.info)
            self._put(peer, call, name, flags, body, index == len(answers))

    def messages(self, peer: bytes, call: Call, messages: list[bytes | None]) -> None:
        """Published messages once more; an empty row for None."""
        for index, message in enumerate(messages, 1):
            flags = Flag.HAS_FIELD if message else 0
            self._put(peer, call, "Snapshot", flags, message or b"", index == len(messages))

    def since(self, peer: bytes, call: Call, messages: list[bytes], reached: Place) -> None:
        """Published messages once more, and how far they go."""
        for message in messages:
            self._put(peer, call, "Message", Flag.LOCAL | Flag.HAS_FIELD, message, last=False)
        self.own(peer, call, "Since", reached)

    def own(self, peer: bytes, call: Call, name: str, message: object) -> None:
        """A message of ours, the only row."""
        body = msgspec.msgpack.encode(message)
        self._put(peer, call, name, Flag.MSGPACK | Flag.LOCAL, body, last=True)

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self._router.refuse(peer, call, error)

    def _put(self, peer: bytes, call: Call, name: str, flags: int, body: bytes, last: bool) -> None:
        kind, layout = message_type(name), self._router.layout
        flags |= Flag.LAST if last else 0
        self._router.send(peer, Row(call.id, 0, call.request_id, kind, layout, flags, body))
