"""Actions: the order that a client names gets the name that the counter knows."""

from __future__ import annotations

from bus.errors import bad_parameters
from bus.rpc import Call

from .families import Families, Shape, integer, put_integer, put_text, text
from .identity import Sessions, order_not_found
from .index import Index
from .record import Record


class Naming:
    """What a client sends of its own, such as OrderActionRef and RequestID, goes out as it is: the
    counter gives it back to everybody, and a replay does so again."""

    def __init__(self, families: Families, index: Index, sessions: Sessions) -> None:
        self._families, self._index, self._sessions = families, index, sessions

    def body(self, call: Call) -> bytes:
        """The body for the API. Raises Refused when it names an order that is not there."""
        if call.method == "ReqBatchOrderAction" and self._is_shared(call.body):
            raise bad_parameters(
                "ReqBatchOrderAction would end the orders of all clients of this account, which"
                " share one session of the counter; cancel them one by one"
            )
        shape = self._families.actions.get(call.method)
        if shape is None:
            return call.body
        check_size(call, shape)
        record = self._record(shape, call.body)
        self._check_instrument(shape, call.body, record)
        buffer = bytearray(call.body)
        if record is not None:
            _name(buffer, shape, record)
        elif text(call.body, shape.sys):
            names = text(call.body, shape.exchange), text(call.body, shape.sys)
            put_text(buffer, shape.sys, self._index.raw_sys(shape.kind, *names))
        return bytes(buffer)

    def _check_instrument(self, shape: Shape, body: bytes, record: Record | None) -> None:
        """Who may act on some instruments only must not reach another by a false name."""
        said = text(body, shape.content.get("InstrumentID"))
        known = self._index.instrument(shape, body, record)
        if said and known and said != known:
            raise order_not_found("InstrumentID is not that of the order")

    def _is_shared(self, batch: bytes) -> bool:
        """Whether a batch is about a session of this gateway and not about another program's."""
        session = integer(batch, self._families.batch)
        return session == 0 or self._sessions.is_ours(session)

    def cancel(self, record: Record) -> tuple[str, bytes]:
        """The request that ends it, and its body."""
        method = self._families.cancels[record.kind]
        shape, inserted = self._families.actions[method], self._families.insertions[record.method]
        buffer = bytearray(shape.size)
        for name, place in inserted.account.items():
            put_text(buffer, shape.account.get(name), text(record.body, place))
        put_text(buffer, shape.flag, b"0")
        _name(buffer, shape, record)
        return method, bytes(buffer)

    def _record(self, shape: Shape, body: bytes) -> Record | None:
        """The record that is named; None for an order from outside.

        FrontID is not asked: our session of the counter may have moved to another front since the
        client has logged in, and a virtual SessionID names the client by itself.
        """
        session, ref = integer(body, shape.session), text(body, shape.ref).strip()
        sys, exchange = text(body, shape.sys).strip(), text(body, shape.exchange)
        numbered = self._index.of_sys(shape.kind, exchange, sys) if sys else None
        if sys and not (session and ref):
            return numbered
        if not (sys or session or ref or integer(body, shape.front)):
            return None  # it names nothing at all, which is the counter's to refuse
        record = self._index.of_client(session, shape.kind, ref)
        if record is None and (session == 0 or self._sessions.is_ours(session)):
            raise order_not_found(f"no order has this SessionID and {shape.kind}")
        if sys and record is not numbered and not _may_be(record, numbered, sys):
            raise bad_parameters(f"SessionID and {shape.kind} name another order than its number")
        return record


def check_size(call: Call, shape: Shape) -> None:
    """Raises Refused (-400)."""
    if len(call.body) != shape.size:
        raise bad_parameters(f"{call.method}: {len(call.body)} bytes instead of {shape.size}")


def _may_be(record: Record | None, numbered: Record | None, sys: bytes) -> bool:
    """Whether a number that is on record nowhere, as without its ExchangeID, can be this one's."""
    if record is None or numbered is not None:
        return False
    return record.order_sys_id.strip() in (b"", sys)


def _name(buffer: bytearray, shape: Shape, record: Record) -> None:
    """By its numbers at the exchange once they are known: the counter's FrontID, SessionID and
    OrderRef change with a flow-clearing restart, and may then name another order."""
    if record.exchange_id and record.order_sys_id:
        put_text(buffer, shape.exchange, record.exchange_id)
        put_text(buffer, shape.sys, record.order_sys_id)
        front, session, ref = 0, 0, b""
    else:
        front, session, ref = record.front_id, record.counter_session, record.ref
    put_integer(buffer, shape.front, front)
    put_integer(buffer, shape.session, session)
    put_text(buffer, shape.ref, ref)
