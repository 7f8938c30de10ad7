"""The book of one account and trading day: every insertion of ours, and who is shown what."""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bus.errors import bad_parameters
from bus.orders import FINAL, OrderState, Outcome, OutcomeQuery
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import return_text

from .families import ORDER, QUOTE, Families, Role, Shape, integer, put_integer, put_text, text
from .held import Held
from .identity import Refs, Sessions, order_not_found
from .index import Index
from .past import Past
from .record import UNRESOLVED, Duplicate, Record, Return, Ticket, is_stale, learn, refuse
from .show import Show
from .store import Store

log = logging.getLogger("td_worker")

_FLUSH_S: Final = 0.2
_RETRY_S: Final = 1.0
_MOST_ACTIONS: Final = 10_000
_TRADED: Final = frozenset({ORDER, QUOTE})
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Stats:
    """Counts since the start; ``held`` trades wait now."""

    records: int = 0
    held: int = 0
    held_too_long: int = 0
    stale: int = 0
    unflushed: int = 0  # times that a batch could not be written


class Book:
    """See the module ``bus.orders`` for what callers are told."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        day: str,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Raises StoreError."""
        self.day = day
        self.stats = Stats()
        self._clock_ns = clock_ns
        self._store = store
        self._families = Families(catalogue)
        self._info = catalogue.codec("RspInfo")
        self._index = Index(self._families.insertions)
        self._show = Show(self._index)
        self._held = Held()
        self._past = Past(store)
        self._sessions = Sessions()
        self._refs = Refs(0)
        self._front = self._session = 0
        self._records: dict[int, Record] = {}
        self._by_client_id: dict[str, Record] = {}
        self._by_request: dict[int, Record] = {}  # by nRequestID of this process
        self._legs: dict[int, list[Record]] = {}  # by the number of their quote
        self._open: dict[int, Record] = {}
        self._actions: OrderedDict[int, bytes] = OrderedDict()
        self._dirty: dict[int, Record] = {}
        self._next_flush = -math.inf
        self._last = 0
        for record in store.load():
            self._add(record)

    # -- sessions --------------------------------------------------------------------------------

    def login(self, front_id: int, session_id: int, max_order_ref: str) -> None:
        """Of the counter: later insertions belong to it."""
        self._front, self._session = front_id, session_id
        self._sessions.counters(session_id)
        self._refs.seen(max_order_ref.encode())

    def new_session(self) -> int:
        """A virtual SessionID for a client's login."""
        return self._sessions.new()

    # -- requests --------------------------------------------------------------------------------

    def intend(self, call: Call, session_id: int, number: int) -> Ticket:
        """Record an insertion; durable when this returns. ``number`` is its nRequestID.

        Raises Duplicate, or Refused with nothing on record.
        """
        shape = self._families.insertions[call.method]
        _check_size(call, shape)
        self._check_client_id(call)
        record = self._new(call, shape, session_id)
        buffer = bytearray(call.body)
        put_text(buffer, shape.ref, record.issued)
        put_integer(buffer, shape.request, record.request)
        put_text(buffer, shape.memo, record.memo)
        if shape.session and integer(call.body, shape.session):
            put_integer(buffer, shape.front, self._front)
            put_integer(buffer, shape.session, self._session)
        legs = self._new_legs(record, shape)
        for leg in legs:
            put_text(buffer, shape.bid if leg.leg == "bid" else shape.ask, leg.issued)
        self._store.insert([record, *legs])
        for each in (record, *legs):
            self._add(each)
        self._by_request[number] = record
        return Ticket(record, bytes(buffer))

    def handed(self, record: Record, status: int) -> None:
        """What the API's method returned."""
        if status == 0:
            record.sent_ns = self._clock_ns()
            if record.state is OrderState.INTENT:
                self._set(record, OrderState.SENT)
        else:
            record.error_id = status
            record.error_msg = return_text(status)
            self._set(record, OrderState.NOT_SENT)

    def expired(self, record: Record) -> None:
        """Its deadline passed between intent and call."""
        record.error_msg = "expired before it was sent"
        self._set(record, OrderState.NOT_SENT)

    def action(self, call: Call, session_id: int, number: int) -> bytes:
        """The body of any other request with the counter's identities. Raises Refused."""
        shape = self._families.actions.get(call.method)
        if shape is None:
            return self._other(call)
        _check_size(call, shape)
        self._actions[number] = call.body
        if len(self._actions) > _MOST_ACTIONS:
            self._actions.popitem(last=False)
        record = self._named(shape, call.body)
        sys = text(call.body, shape.sys)
        if record is None and not sys:
            return call.body
        buffer = bytearray(call.body)
        if record is not None:
            self._name(buffer, shape, record)
        else:
            raw = self._index.raw_sys(shape.kind, text(call.body, shape.exchange), sys)
            put_text(buffer, shape.sys, raw)
        return bytes(buffer)

    def cancel(self, record: Record) -> tuple[str, bytes]:
        """The request that ends it, and its body."""
        method = self._families.cancels[record.kind]
        shape, inserted = self._families.actions[method], self._families.insertions[record.method]
        buffer = bytearray(shape.size)
        for name, place in inserted.account.items():
            put_text(buffer, shape.account.get(name), text(record.body, place))
        put_text(buffer, shape.flag, b"0")
        self._name(buffer, shape, record)
        return method, bytes(buffer)

    # -- callbacks -------------------------------------------------------------------------------

    def reply(self, event: Event) -> Event:
        """An answer with the identities of clients; learns what it says."""
        record = self._by_request.get(event.request_id)
        role, shape = self._families.callbacks.get(event.name, (None, None))
        if shape is None or role is None or event.field is None:
            if record is not None and (event.name == "OnRspError" or role is Role.REFUSAL):
                self._refused(record, event)
            return event
        if role is Role.REFUSAL:
            return self._reply_to_insertion(event, shape, event.field, record)
        if role is Role.ACTION:
            sent = self._actions.get(event.request_id)
            if event.last:
                self._actions.pop(event.request_id, None)
            if sent is not None:
                return event._replace(field=self._show.as_sent(shape, event.field, sent))
            return self._shown(event, shape, self._index.owner(shape, event.field, True))
        owner = self._index.owner(shape, event.field)
        if role is Role.STATE:
            self._learn(owner, shape, event.field)
        return self._shown(event, shape, owner)

    def returned(self, event: Event, now: float) -> list[Event]:
        """A return with the identities of clients, in the order in which they are to be told."""
        role, shape = self._families.callbacks.get(event.name, (None, None))
        raw = event.field
        if shape is None or raw is None:
            return [event]
        if role is Role.REFUSAL:
            record = self._index.refused(shape, raw)
            if record is not None:
                self._refused(record, event)
            return [self._shown(event, shape, record)]
        record = self._index.owner(shape, raw, role is Role.ACTION)
        if role is Role.TRADE:
            if record is None and not self._index.is_outside(shape, raw):
                self._held.add(event, now)
                self.stats.held = len(self._held)
                return []
            return [self._shown(event, shape, record)]
        if role is Role.ACTION:
            return [self._shown(event, shape, record)]
        if not self._learn(record, shape, raw):
            self.stats.stale += 1
            return self._released()
        return [self._shown(event, shape, record), *self._released()]

    def due(self, now: float) -> list[Event]:
        """Trades whose order has become known otherwise, and those that waited for too long."""
        released = self._released()
        _, shape = self._families.callbacks["OnRtnTrade"]
        for event in self._held.due(now):
            self.stats.held_too_long += 1
            released.append(event._replace(field=self._show.nobodys(shape, event.field or b"")))
        self.stats.held = len(self._held)
        return released

    # -- outcomes --------------------------------------------------------------------------------

    def silent(self, before_ns: int) -> list[Record]:
        """Those that were sent before then and got no answer; now UNKNOWN."""
        silent = [
            record
            for record in self._open.values()
            if record.state is OrderState.SENT and record.sent_ns < before_ns
        ]
        for record in silent:
            self._set(record, OrderState.UNKNOWN)
        return silent

    def disconnected(self) -> None:
        """What has no answer may get none."""
        for record in self._open.values():
            self._set(record, OrderState.UNKNOWN)

    def unresolved(self) -> list[Record]:
        return list(self._open.values())

    def unsent(self, record: Record) -> None:
        """Recovery has concluded that it never reached the counter."""
        if record.state in UNRESOLVED:
            record.error_msg = "it never reached the counter"
            self._set(record, OrderState.NOT_SENT)

    def find(self, query: OutcomeQuery) -> Record | None:
        """Of this day, or by the first two names of an earlier one. Raises StoreError."""
        if query.client_order_id:
            found = self._by_client_id.get(query.client_order_id)
            return found or self._past.by_client_id(query.client_order_id)
        if query.order_id:
            day, _, number = query.order_id.partition("-")
            if not number.isdecimal() or len(number) > 10:
                return None
            if day == self.day:
                return self._records.get(int(number))
            return self._past.by_number(day, int(number))
        ref = query.order_ref.encode("ascii", "replace")
        return next(
            filter(None, (self._index.of_client(query.session_id, kind, ref) for kind in _TRADED)),
            None,
        )

    def outcome(self, record: Record, duplicate: bool = False) -> Outcome:
        return Outcome(
            order_id=record.order_id,
            client_order_id=record.client_order_id,
            method=record.method,
            state=record.state,
            duplicate=duplicate,
            front_id=record.shown_front,
            session_id=record.session_id,
            order_ref=record.client_ref,
            exchange_id=_told(record.exchange_id),
            order_sys_id=_told(record.order_sys_id),
            order_status=_told(record.order_status),
            volume_traded=record.volume_traded,
            error_id=record.error_id,
            error_msg=record.error_msg,
        )

    def live(self, session_id: int | None = None) -> list[Record]:
        """Orders and quotes that may still trade, of one virtual session or of all."""
        return [
            record
            for record in self._records.values()
            if record.kind in _TRADED
            and record.state not in FINAL
            and not record.leg
            and session_id in (None, record.session_id)
        ]

    def flush(self, now: float) -> None:
        """Write what has changed. Never raises: what cannot be written stays for the next time."""
        if not self._dirty or now < self._next_flush:
            return
        self._next_flush = now + _FLUSH_S
        try:
            self._store.update(self._dirty.values())
        except sqlite3.Error as exc:
            self._next_flush = now + _RETRY_S
            self.stats.unflushed += 1
            if self.stats.unflushed & (self.stats.unflushed - 1) == 0:
                log.exception("states are not written", extra={"fields": {"error": str(exc)}})
        else:
            self._dirty.clear()

    def close(self) -> None:
        """Write what has changed and close the store."""
        self.flush(math.inf)
        self._store.close()

    # -- inside ----------------------------------------------------------------------------------

    def _add(self, record: Record) -> None:
        self._records[record.number] = record
        self._last = max(self._last, record.number)
        self._index.add(record)
        self._refs.seen(record.issued)
        self._sessions.used(record.session_id, record.kind, record.client_ref)
        if record.leg:
            self._legs.setdefault(_quote_of(record), []).append(record)
            return
        self.stats.records += 1
        if record.client_order_id:
            self._by_client_id[record.client_order_id] = record
        if record.state in UNRESOLVED:
            self._open[record.number] = record

    def _set(self, record: Record, state: OrderState) -> None:
        record.state = state
        self._changed(record)

    def _changed(self, record: Record) -> None:
        self._dirty[record.number] = record
        if record.leg:
            return
        if record.state in UNRESOLVED:
            self._open[record.number] = record
        else:
            self._open.pop(record.number, None)

    def _check_client_id(self, call: Call) -> None:
        """Raises Duplicate, or Refused when the id was used for something else."""
        known = None
        if call.client_order_id:
            known = self._by_client_id.get(call.client_order_id)
            known = known or self._past.by_client_id(call.client_order_id)
        if known is None:
            return
        if (known.method, known.body) != (call.method, call.body):
            raise bad_parameters(f"client_order_id was used for another order, {known.order_id}")
        raise Duplicate(known)

    def _new(self, call: Call, shape: Shape, session_id: int) -> Record:
        """The next record, and nothing else is changed but our own numbers."""
        client_ref = self._sessions.claim(session_id, shape.kind, text(call.body, shape.ref))
        record = self._numbered(call.method, shape.kind, "", session_id, client_ref)
        record.client_order_id, record.body = call.client_order_id, call.body
        record.client_request = integer(call.body, shape.request)
        record.client_memo = text(call.body, shape.memo)
        record.memo = self._memo(record.number) if shape.memo else b""
        record.request = (self._store.salt + record.number) & 0x7FFFFFFF or 1
        return record

    def _numbered(
        self, method: str, kind: str, leg: str, session_id: int, client_ref: str
    ) -> Record:
        issued = self._refs.next()
        self._last += 1
        return Record(
            number=self._last,
            order_id=f"{self.day}-{self._last}",
            method=method,
            kind=kind,
            leg=leg,
            client_order_id="",
            body=b"",
            session_id=session_id,
            shown_front=self._front,
            client_ref=client_ref,
            client_request=0,
            client_memo=b"",
            memo=b"",
            request=0,
            issued=issued,
            created_ns=self._clock_ns(),
            front_id=self._front,
            counter_session=self._session,
            ref=issued,
        )

    def _new_legs(self, quote: Record, shape: Shape) -> list[Record]:
        """The two orders that a quote makes, under the client's references."""
        if shape.bid is None or shape.ask is None:
            return []
        session_id = quote.session_id
        bid = self._sessions.claim(session_id, ORDER, text(quote.body, shape.bid))
        ask = self._sessions.claim(session_id, ORDER, text(quote.body, shape.ask))
        if int(bid) == int(ask):
            if text(quote.body, shape.ask).strip():
                raise bad_parameters("BidOrderRef and AskOrderRef must differ")
            ask = str(int(bid) + 1)
        return [
            self._numbered(quote.method, ORDER, leg, session_id, ref)
            for leg, ref in (("bid", bid), ("ask", ask))
        ]

    def _memo(self, number: int) -> bytes:
        """12 characters, unique for the account over days and stores."""
        day = int(self.day) if self.day.isdecimal() else 0
        days = (day // 10_000 % 100 * 12 + day // 100 % 100) * 31 + day % 100
        salt = self._store.salt % 36**4
        return f"{_base36(days, 3)}{_base36(salt, 4)}{_base36(number, 5)}".encode()

    def _other(self, call: Call) -> bytes:
        if call.method == "ReqBatchOrderAction":
            raise bad_parameters(
                "ReqBatchOrderAction ends all orders of a session of the counter, which this"
                " account's clients share; cancel orders one by one"
            )
        return call.body

    def _named(self, shape: Shape, body: bytes) -> Record | None:
        """The record that an action names; None when it names an order from outside."""
        session, ref = integer(body, shape.session), text(body, shape.ref).strip()
        sys, exchange = text(body, shape.sys).strip(), text(body, shape.exchange)
        numbered = self._index.of_sys(shape.kind, exchange, sys) if sys else None
        if not ref or (sys and not session):
            return numbered
        record = self._index.of_client(session, shape.kind, ref)
        if record is None and (session in self._sessions or session == self._session):
            raise order_not_found(f"{shape.kind} names no order of this session")
        if record is not None and integer(body, shape.front) != record.shown_front:
            raise order_not_found("FrontID is another one")
        if sys and numbered is not record:
            raise bad_parameters("the request names two orders")
        return record

    def _name(self, buffer: bytearray, shape: Shape, record: Record) -> None:
        """Name it by its numbers at the exchange, which nothing changes, once they are known."""
        if record.exchange_id and record.order_sys_id:
            put_text(buffer, shape.exchange, record.exchange_id)
            put_text(buffer, shape.sys, record.order_sys_id)
            front, session, ref = 0, 0, b""
        else:
            front, session, ref = record.front_id, record.counter_session, record.ref
        put_integer(buffer, shape.front, front)
        put_integer(buffer, shape.session, session)
        put_text(buffer, shape.ref, ref)

    def _reply_to_insertion(
        self, event: Event, shape: Shape, raw: bytes, record: Record | None
    ) -> Event:
        record = record or self._index.refused(shape, raw)
        if record is not None:
            if self._index.learn_parked(record, text(raw, shape.parked)):
                self._changed(record)
            self._refused(record, event)
        return self._shown(event, shape, record)

    def _refused(self, record: Record, event: Event) -> None:
        """Learn from an answer to an insertion, which without an error says that it was taken."""
        error = int(self._info.get(event.info, "ErrorID") or 0) if event.info else 0
        if error and event.info:
            if refuse(record, error, str(self._info.get(event.info, "ErrorMsg") or "")):
                self._changed(record)
        elif record.state in UNRESOLVED and event.name.startswith("OnRsp"):
            self._set(record, OrderState.ACK)

    def _learn(self, record: Record | None, shape: Shape, raw: bytes) -> bool:
        """Take over what an order's return or row says; False when that is stale."""
        self._sessions.counters(integer(raw, shape.session))
        if record is None:
            self._index.learn_outside(shape, raw)
            return True
        news = Return(
            text(raw, shape.status),
            text(raw, shape.submit),
            integer(raw, shape.traded),
            bool(text(raw, shape.sys).strip()),
        )
        stale = is_stale(record, news)
        new = self._index.learn(record, shape, raw, stale)
        before = record.state, record.order_status, record.volume_traded
        if not stale:
            learn(record, news)
        if new or before != (record.state, record.order_status, record.volume_traded):
            self._changed(record)
        if shape.kind == QUOTE:
            self._learn_legs(record, shape, raw)
        return not stale

    def _learn_legs(self, quote: Record, shape: Shape, raw: bytes) -> None:
        exchange = text(raw, shape.exchange)
        for leg in self._legs.get(quote.number, ()):
            sys = text(raw, shape.bid_sys if leg.leg == "bid" else shape.ask_sys)
            if self._index.learn_leg(leg, exchange, sys):
                self._changed(leg)

    def _shown(self, event: Event, shape: Shape, record: Record | None) -> Event:
        if record is None or event.field is None:
            return event
        legs = self._legs.get(record.number, [])
        return event._replace(field=self._show.as_client(shape, event.field, record, legs))

    def _released(self) -> list[Event]:
        """Held trades whose order is known by now."""
        if not self._held:
            return []
        _, shape = self._families.callbacks["OnRtnTrade"]
        released = []
        for event in self._held.events:
            raw = event.field or b""
            record = self._index.owner(shape, raw)
            if record is not None or self._index.is_outside(shape, raw):
                self._held.remove(event)
                released.append(self._shown(event, shape, record))
        self.stats.held = len(self._held)
        return released


def _check_size(call: Call, shape: Shape) -> None:
    if len(call.body) != shape.size:
        raise bad_parameters(f"{call.method}: {len(call.body)} bytes instead of {shape.size}")


def _quote_of(leg: Record) -> int:
    return leg.number - (1 if leg.leg == "bid" else 2)


def _base36(number: int, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")


def _told(value: bytes) -> str:
    return value.decode("gb18030", "replace")
