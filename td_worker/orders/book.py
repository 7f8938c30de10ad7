"""The book of one account and trading day: every insertion of ours, and who is shown what."""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bus.errors import bad_parameters, refused
from bus.orders import OrderState, Outcome, OutcomeQuery
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import LIMIT, VOID_ID, return_text

from .families import QUOTE, TRADED, Role, Shape, families_of, integer, text
from .held import Held
from .identity import Sessions
from .index import Index, Key, keys
from .intents import Intents, parse_order_id, quote_of
from .naming import Naming, check_size
from .past import Past
from .record import (
    UNRESOLVED,
    VOID,
    Duplicate,
    Record,
    Return,
    Ticket,
    is_stale,
    learn,
    outcome_of,
    refuse,
)
from .show import Show
from .store import Store

log = logging.getLogger("td_worker")

_FLUSH_S: Final = 0.2
_RETRY_S: Final = 1.0
_MOST_ACTIONS: Final = 10_000
_MOST_VOIDS: Final = 10_000  # of a day; each is a record

Find = Callable[[OutcomeQuery], Record | None]


@dataclass(slots=True)
class Stats:
    """Counts since the start.

    records       on record, with those of before the start
    held          trades that wait now
    held_too_long trades that were told without their order
    stale         returns that told of an earlier state
    unflushed     times that states could not be written
    """

    records: int = 0
    held: int = 0
    held_too_long: int = 0
    stale: int = 0
    unflushed: int = 0


class Book:
    """Records insertions before they are sent, learns from every callback, and gives each struct
    the names that its reader knows. ``intend`` is durable; what is learnt is written by ``flush``,
    because the counter tells it again after a restart."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        day: str,
        clock_ns: Callable[[], int] = time.time_ns,
        slot: int = 0,
        elsewhere: Find = lambda _: None,
    ) -> None:
        """``elsewhere`` finds what the other slots of the account have. Raises StoreError."""
        self.day = day
        self.stats = Stats()
        self.outcomes: dict[str, int] = {}  # how often an order came into this state
        self._clock_ns = clock_ns
        self._store = store
        self._families = families_of(catalogue)
        self._info = catalogue.codec("RspInfo")
        self._index = Index(self._families.insertions)
        self._show = Show(self._index)
        self._held = Held()
        self._past, self._elsewhere = Past(store), elsewhere
        self._sessions = Sessions()
        self._intents = Intents(day, slot, store.salt, self._sessions, clock_ns)
        self._naming = Naming(self._families, self._index, self._sessions)
        self._records: dict[int, Record] = {}
        self._counted: dict[int, OrderState] = {}  # the state of each that has been counted
        self._by_client_id: dict[str, Record] = {}
        self._by_request: dict[int, Record] = {}  # by nRequestID of this process
        self._legs: dict[int, list[Record]] = {}  # by the number of their quote
        self._voids = 0
        self._open: dict[int, Record] = {}
        self._doubtful: set[int] = set()  # of the open ones, by number
        self._living: dict[int, dict[int, Record]] = {}  # by virtual session and number
        self._actions: OrderedDict[int, bytes] = OrderedDict()
        self._dirty: dict[int, Record] = {}
        self._next_flush = -math.inf
        for record in store.load():
            self._sessions.counters(record.counter_session, ours=True)
            self._add(record)

    def login(self, front_id: int, session_id: int, max_order_ref: str) -> None:
        """Of the counter: later insertions belong to it."""
        self._intents.front, self._intents.session = front_id, session_id
        self._intents.refs.seen(max_order_ref.encode())
        self._sessions.counters(session_id, ours=True)

    def new_session(self) -> int:
        """A virtual SessionID for a client's login."""
        return self._sessions.new()

    # -- requests --------------------------------------------------------------------------------

    def intend(self, call: Call, session_id: int, number: int) -> Ticket:
        """Record an insertion; durable when this returns. ``number`` is its nRequestID.

        Raises Duplicate, or Refused with nothing on record.
        """
        shape = self._families.insertions[call.method]
        check_size(call, shape)
        self._check_client_id(call)
        records, body = self._intents.make(call, shape, session_id)
        self._store.insert(records)
        for record in records:
            self._add(record)
        self._by_request[number] = records[0]
        return Ticket(records[0], body)

    def void(self, client_order_id: str, session_id: int) -> Record:
        """No order of this id, which is on record nowhere, is sent from now on; durable when this
        returns. Raises Refused."""
        if self._voids >= _MOST_VOIDS:
            raise refused(LIMIT, f"{_MOST_VOIDS} ids of the day are void already")
        record = self._intents.void(client_order_id, session_id)
        self._store.insert([record])
        self._add(record)
        return record

    def handed(self, record: Record, status: int) -> None:
        """What the API's method returned."""
        if status == 0:
            record.sent_ns = self._clock_ns()
            if record.state is OrderState.INTENT:
                self._set(record, OrderState.SENT)
        else:
            record.error_id, record.error_msg = status, return_text(status)
            self._end(record, OrderState.NOT_SENT)

    def doubt(self, record: Record) -> None:
        """The API's method said nothing."""
        self._set(record, OrderState.UNKNOWN)

    def expired(self, record: Record) -> None:
        """Its deadline passed between intent and call."""
        record.error_msg = "expired before it was sent"
        self._end(record, OrderState.NOT_SENT)

    def action(self, call: Call, session_id: int, number: int) -> bytes:
        """The body of any other request with the counter's names. Raises Refused."""
        body = self._naming.body(call)
        if call.method in self._families.actions:
            self._actions[number] = call.body
            if len(self._actions) > _MOST_ACTIONS:
                self._actions.popitem(last=False)
        return body

    def cancel(self, record: Record) -> tuple[str, bytes]:
        """The request that ends it (ReqOrderAction, ReqQuoteAction), and its body."""
        return self._naming.cancel(record)

    # -- callbacks -------------------------------------------------------------------------------

    def reply(self, event: Event) -> Event:
        """An answer or a row with the names of clients; learns what it says."""
        inserted = self._by_request.get(event.request_id)
        if inserted is not None:
            self._answered(inserted, event)
        role, shape = self._families.callbacks.get(event.name, (None, None))
        raw = event.field
        if shape is None or raw is None:
            return event
        if role is Role.ACTION:
            sent = self._actions.get(event.request_id)
            if event.last:
                self._actions.pop(event.request_id, None)
            if sent is not None:
                return event._replace(field=self._show.as_sent(shape, raw, sent))
            owner = self._index.owner(shape, raw, keys(shape, raw), action=True)
            return self._shown(event, shape, owner)
        if role is Role.REFUSAL:
            record = inserted or self._index.refused(shape, raw)
            if record is not None and self._index.learn_parked(record, text(raw, shape.parked)):
                self._changed(record)
        else:
            names = keys(shape, raw)
            record = self._index.owner(shape, raw, names)
            if role is Role.STATE:
                self._learn(record, shape, raw, names)
        return self._shown(event, shape, record)

    def returned(self, event: Event, now: float) -> list[Event]:
        """A return with the names of clients, and what it lets go; nothing while it is held, or
        when it is stale."""
        role, shape = self._families.callbacks.get(event.name, (None, None))
        raw = event.field
        if shape is None or raw is None:
            return [event]
        if role is Role.REFUSAL:
            record = self._index.refused(shape, raw)
            if record is not None:
                self._answered(record, event)
            return [self._shown(event, shape, record)]
        names = keys(shape, raw)
        record = self._index.owner(shape, raw, names, role is Role.ACTION)
        if role is Role.TRADE and record is None and not self._index.is_outside(names):
            self._held.add(event, names, now)
            self.stats.held = len(self._held)
            return []
        if role is not Role.STATE:
            return [self._shown(event, shape, record)]
        fresh = self._learn(record, shape, raw, names)
        released = self._released(names) if self._held else []
        if fresh:
            return [self._shown(event, shape, record), *released]
        self.stats.stale += 1
        return released

    def due(self, now: float) -> list[Event]:
        """Trades whose order has become known otherwise, and those that waited for too long."""
        if not self._held:
            return []
        _, shape = self._families.callbacks["OnRtnTrade"]
        released = [self._trade(event) for event in self._held.known(self._is_known)]
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
        """INTENT, SENT and UNKNOWN."""
        return list(self._open.values())

    def numbered(self, method: str) -> list[Record]:
        """Those that came by this request and that an exchange has given its number."""
        return [
            record
            for record in self._records.values()
            if record.order_sys_id and record.method == method and not record.leg
        ]

    @property
    def doubts(self) -> int:
        """How many have waited for an answer in vain, or were found without one."""
        return len(self._doubtful)

    def unsent(self, record: Record) -> None:
        """Recovery has concluded that it never reached the counter."""
        if record.state in UNRESOLVED:
            record.error_msg = "it never reached the counter"
            self._end(record, OrderState.NOT_SENT)

    def find(self, query: OutcomeQuery) -> Record | None:
        """Of this day, or by the first two names of an earlier one or of another slot. Raises
        StoreError."""
        return self.find_own(query) or self._elsewhere(query)

    def find_own(self, query: OutcomeQuery) -> Record | None:
        """Of this slot. Raises StoreError."""
        if query.client_order_id:
            known = self._by_client_id.get(query.client_order_id)
            return known or self._past.of_client_id(query.client_order_id)
        if query.order_id:
            return self._of_order_id(query.order_id)
        ref = query.order_ref.encode("ascii", "replace")
        named = (self._index.of_client(query.session_id, kind, ref) for kind in TRADED)
        return next(filter(None, named), None)

    def outcome(self, record: Record, duplicate: bool = False) -> Outcome:
        return outcome_of(record, duplicate)

    def live(self, session_id: int | None = None) -> list[Record]:
        """Orders and quotes that may still trade, of one virtual session or of all."""
        if session_id is None:
            living = [record for each in self._living.values() for record in each.values()]
        else:
            living = list(self._living.get(session_id, {}).values())
        return [record for record in living if not _is_parked(record)]

    def flush(self, now: float) -> None:
        """Write what has changed. Never raises: what cannot be written stays for the next time."""
        if not self._dirty or now < self._next_flush:
            return
        try:
            self._store.update(self._dirty.values())
        except sqlite3.Error as exc:
            self._next_flush = now + _RETRY_S
            self.stats.unflushed += 1
            if self.stats.unflushed & (self.stats.unflushed - 1) == 0:
                log.error("states are not written", extra={"fields": {"error": str(exc)}})
        else:
            self._next_flush = now + _FLUSH_S
            self._dirty.clear()

    def close(self) -> None:
        """Write what has changed and close the store."""
        self.flush(math.inf)
        self._store.close()

    # -- inside ----------------------------------------------------------------------------------

    def _add(self, record: Record) -> None:
        self._records[record.number] = record
        self._counted[record.number] = record.state
        self._index.add(record)
        self._intents.seen(record)
        self._voids += record.method == VOID
        if record.leg:
            self._legs.setdefault(quote_of(record), []).append(record)
            return
        self.stats.records += 1
        if record.client_order_id:
            self._by_client_id[record.client_order_id] = record
        self._sort(record)

    def _set(self, record: Record, state: OrderState) -> None:
        record.state = state
        self._changed(record)

    def _end(self, record: Record, state: OrderState) -> None:
        """An end that no replay tells again is written before anybody is told of it."""
        self._set(record, state)
        try:
            self._store.update([record])
        except sqlite3.Error:
            return  # ``flush`` tries again and complains
        self._dirty.pop(record.number, None)

    def _changed(self, record: Record) -> None:
        self._dirty[record.number] = record
        if self._counted.get(record.number) is not record.state:
            self._counted[record.number] = record.state
            self.outcomes[record.state.value] = self.outcomes.get(record.state.value, 0) + 1
        if not record.leg:
            self._sort(record)

    def _sort(self, record: Record) -> None:
        """Into those that are looked at all the time, which must not cost more as the day goes."""
        if record.state in UNRESOLVED:
            self._open[record.number] = record
        else:
            self._open.pop(record.number, None)
        if record.state in UNRESOLVED and record.state is not OrderState.SENT:
            self._doubtful.add(record.number)
        else:
            self._doubtful.discard(record.number)
        living = self._living.setdefault(record.session_id, {})
        if record.kind in TRADED and not record.final:
            living[record.number] = record
        else:
            living.pop(record.number, None)
        if not living:
            del self._living[record.session_id]

    def _of_order_id(self, order_id: str) -> Record | None:
        day, number = parse_order_id(order_id)
        found = self._records.get(number) if day == self.day else self._past.get(day, number)
        return found if found is not None and found.order_id == order_id else None

    def _check_client_id(self, call: Call) -> None:
        """Raises Duplicate, or Refused when the id was used for something else."""
        if not call.client_order_id:
            return
        known = self.find(OutcomeQuery(client_order_id=call.client_order_id))
        if known is None:
            return
        if known.method == VOID:
            raise refused(
                VOID_ID, f"client_order_id was made void, {known.order_id}; nothing was sent"
            )
        if (known.method, known.body) != (call.method, call.body):
            raise bad_parameters(f"client_order_id was used for another order, {known.order_id}")
        raise Duplicate(known)

    def _answered(self, record: Record, event: Event) -> None:
        """Learn from an answer to an insertion, which without an error says that it was taken."""
        error = int(self._info.get(event.info, "ErrorID") or 0) if event.info else 0
        if error and event.info:
            if refuse(record, error, str(self._info.get(event.info, "ErrorMsg") or "")):
                self._end(record, record.state)
        elif record.state in UNRESOLVED and event.name.startswith("OnRsp"):
            self._set(record, OrderState.ACK)

    def _learn(self, record: Record | None, shape: Shape, raw: bytes, names: Sequence[Key]) -> bool:
        """Take over what an order's return or row says; False when that is stale."""
        if record is None:
            self._sessions.counters(integer(raw, shape.session))
            self._index.learn_outside(shape, raw, names)
            return True
        news = Return(
            text(raw, shape.status),
            text(raw, shape.submit),
            integer(raw, shape.traded),
            bool(text(raw, shape.sys).strip()),
        )
        stale = is_stale(record, news)
        new = self._index.learn(record, shape, raw, names, stale)
        if not stale:
            before = record.state, record.order_status, record.volume_traded
            learn(record, news)
            new = new or before != (record.state, record.order_status, record.volume_traded)
        if new:
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
        legs = self._legs.get(record.number, ()) if shape.bid else ()
        field = self._show.as_client(shape, event.field, record, legs)
        name, _, info, request_id, last, number, recv_ns = event
        return Event(name, field, info, request_id, last, number, recv_ns)  # faster than _replace

    def _is_known(self, trade: Event) -> bool:
        _, shape = self._families.callbacks["OnRtnTrade"]
        raw = trade.field or b""
        names = keys(shape, raw)
        return self._index.owner(shape, raw, names) is not None or self._index.is_outside(names)

    def _trade(self, event: Event) -> Event:
        _, shape = self._families.callbacks["OnRtnTrade"]
        raw = event.field or b""
        return self._shown(event, shape, self._index.owner(shape, raw, keys(shape, raw)))

    def _released(self, names: Sequence[Key]) -> list[Event]:
        """Held trades of the order with these names."""
        released = [self._trade(event) for event in self._held.of(names)]
        self.stats.held = len(self._held)
        return released


def _is_parked(record: Record) -> bool:
    """The counter keeps it back; it is no order yet."""
    return record.method.startswith("ReqParked") and not record.order_status
