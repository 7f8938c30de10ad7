"""Structs of the counter as clients see them."""

from __future__ import annotations

from collections.abc import Sequence

from .families import Shape, integer, put_integer, put_text, text
from .index import Index
from .record import Record


class Show:
    """The same for every viewer, but for the answer to an action, which only its sender gets."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def as_client(
        self, shape: Shape, raw: bytes, record: Record, legs: Sequence[Record] = ()
    ) -> bytes:
        """With the identity that the client gave to it."""
        buffer = bytearray(raw)
        put_text(buffer, shape.ref, record.client_ref.encode())
        if shape.session:
            put_integer(buffer, shape.front, record.shown_front)
            put_integer(buffer, shape.session, record.session_id)
        if shape.action_ref is None:
            put_integer(buffer, shape.request, record.client_request)
        memo = text(raw, shape.memo)
        known = self._index.of_memo(memo) if memo else None
        if known is not None:
            put_text(buffer, shape.memo, known.client_memo)
        for leg in legs:
            put_text(buffer, shape.bid if leg.leg == "bid" else shape.ask, leg.client_ref.encode())
        return bytes(buffer)

    def as_sent(self, shape: Shape, raw: bytes, sent: bytes) -> bytes:
        """An action's answer, with the names that its sender used."""
        buffer = bytearray(raw)
        for spot in (shape.ref, shape.exchange, shape.sys, shape.user, shape.memo):
            put_text(buffer, spot, text(sent, spot))
        for number in (shape.front, shape.session, shape.action_ref, shape.request):
            put_integer(buffer, number, integer(sent, number))
        return bytes(buffer)

    def nobodys(self, shape: Shape, raw: bytes) -> bytes:
        """A trade whose order never came: a reference of ours would name another order."""
        if not self._index.is_issued(text(raw, shape.ref)):
            return raw
        buffer = bytearray(raw)
        put_text(buffer, shape.ref, b"")
        return bytes(buffer)
