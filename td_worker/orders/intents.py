"""What a client asks for becomes a record of ours and a body with our names in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bus.errors import bad_parameters
from bus.orders import OrderState
from bus.rpc import Call
from schemas.errors import LOCAL_TEXTS, VOID_ID

from .families import ORDER, Shape, integer, put_integer, put_text, text
from .identity import Refs, Sessions
from .record import VOID, Record

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

_MOST_DIGITS: Final = 10  # of a record's number


class Intents:
    """Gives out the numbers of one day. ``front`` and ``session`` are the counter's login.

    ``salt`` is the store's: another program that numbers as we do, such as a second gateway on the
    same account, has another one, so its RequestIDs and memos are not taken for ours.
    """

    def __init__(
        self, day: str, slot: int, salt: int, sessions: Sessions, clock_ns: Callable[[], int]
    ) -> None:
        self._name = f"{day}.{slot}" if slot else day
        self._salt, self._sessions, self._clock_ns = salt, sessions, clock_ns
        self._days = _days(day)
        self._last = 0
        self.refs = Refs(0)
        self.front = self.session = 0

    def seen(self, record: Record) -> None:
        """It is on record, so its numbers and the client's reference are used."""
        self._last = max(self._last, record.number)
        self.refs.seen(record.issued)
        self._sessions.used(record.session_id, record.kind, record.client_ref)

    def make(self, call: Call, shape: Shape, session_id: int) -> tuple[list[Record], bytes]:
        """The record, with those of a quote's two orders, and the body for the API.

        Raises Refused; numbers of ours may be lost then, but no reference of the client.
        """
        client_ref = self._sessions.claim(session_id, shape.kind, text(call.body, shape.ref))
        record = self._numbered(call.method, shape.kind, "", session_id, client_ref)
        record.client_order_id, record.body = call.client_order_id, call.body
        record.client_request = integer(call.body, shape.request)
        record.client_memo = text(call.body, shape.memo)
        record.memo = self._memo(record.number) if shape.memo else b""
        record.request = (self._salt + record.number) & 0x7FFFFFFF or 1
        buffer = bytearray(call.body)
        put_text(buffer, shape.ref, record.issued)
        put_integer(buffer, shape.request, record.request)
        put_text(buffer, shape.memo, record.memo)
        if shape.session and integer(call.body, shape.session):
            put_integer(buffer, shape.front, self.front)
            put_integer(buffer, shape.session, self.session)
        legs = self._legs(record, shape) if shape.bid else []
        for leg in legs:
            leg.request = record.request
            put_text(buffer, shape.bid if leg.leg == "bid" else shape.ask, leg.issued)
        return [record, *legs], bytes(buffer)

    def void(self, client_order_id: str, session_id: int) -> Record:
        """The record of an id that is not to be used any more. It names no order: the references of
        orders begin at 1."""
        record = self._numbered(VOID, "", "", session_id, "0")
        record.client_order_id, record.state = client_order_id, OrderState.NOT_SENT
        record.error_id, record.error_msg = VOID_ID, LOCAL_TEXTS[VOID_ID]
        return record

    def _legs(self, quote: Record, shape: Shape) -> list[Record]:
        """The two orders that a quote makes, under the client's references."""
        session_id = quote.session_id
        bid = self._sessions.claim(session_id, ORDER, text(quote.body, shape.bid))
        ask = self._sessions.claim(session_id, ORDER, text(quote.body, shape.ask))
        if int(bid) == int(ask):
            if text(quote.body, shape.ask).strip():
                raise bad_parameters("BidOrderRef and AskOrderRef must differ")
            ask = self._sessions.claim(session_id, ORDER, b"%d" % (int(bid) + 1))
        return [
            self._numbered(quote.method, ORDER, leg, session_id, ref)
            for leg, ref in (("bid", bid), ("ask", ask))
        ]

    def _numbered(
        self, method: str, kind: str, leg: str, session_id: int, client_ref: str
    ) -> Record:
        issued = self.refs.next()
        self._last += 1
        return Record(
            number=self._last,
            order_id=f"{self._name}-{self._last}",
            method=method,
            kind=kind,
            leg=leg,
            client_order_id="",
            body=b"",
            session_id=session_id,
            shown_front=self.front,
            client_ref=client_ref,
            client_request=0,
            client_memo=b"",
            memo=b"",
            request=0,
            issued=issued,
            created_ns=self._clock_ns(),
            front_id=self.front,
            counter_session=self.session,
            ref=issued,
        )

    def _memo(self, number: int) -> bytes:
        """12 characters: day, store, number; unique for the account over days."""
        salt = _base36(self._salt % 36**4, 4)
        return f"{self._days}{salt}{_base36(number, 5)}".encode()


def parse_order_id(order_id: str) -> tuple[str, int]:
    """The day and the number in it, 0 for what is no id of ours; the slot stands between them."""
    name, _, digits = order_id.partition("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return name.partition(".")[0], int(digits) if is_number else 0


def quote_of(leg: Record) -> int:
    """The number of its quote, which is recorded right before its bid and its ask."""
    return leg.number - (1 if leg.leg == "bid" else 2)


def _days(day: str) -> str:
    """Three characters that no other day of this century has."""
    number = int(day) if day.isdecimal() else 0
    months = number // 10_000 % 100 * 12 + number // 100 % 100
    return _base36((months * 31 + number % 100) % 36**3, 3)


def _base36(number: int, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")
