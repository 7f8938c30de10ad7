"""The market data front: subscriptions, snapshots and ticks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from schemas.errors import text_of

from .. import wire
from ..exchange.counter import Counter
from ..exchange.events import Event
from ..exchange.values import Fields, text
from ..wire import Call, Subscribe
from .clock import Clock
from .connection import Connection
from .delivery import Delivery
from .packing import Packer

TOO_MANY = 6000, text_of(6000)
NOT_LOGGED_IN = 6, text_of(6)
OK = 0, text_of(0)


class QuoteFront:
    """Connections of the market data API. Instrument names are not checked, as by real fronts:
    a subscription of what does not exist succeeds and brings nothing."""

    def __init__(
        self,
        counter: Counter,
        clock: Clock,
        packer: Packer,
        delivery: Delivery,
        max_subscriptions: int,
    ) -> None:
        self._counter = counter
        self._clock = clock
        self._packer = packer
        self._delivery = delivery
        self._max_subscriptions = max_subscriptions
        self._subscribers: defaultdict[str, set[Connection]] = defaultdict(set)
        self._listeners: defaultdict[str, set[Connection]] = defaultdict(set)
        self._connections = 0

    def connect(self, connection: Connection) -> None:
        self._connections += 1
        connection.number = self._connections

    def disconnect(self, connection: Connection) -> None:
        _leave(self._subscribers, connection.subscribed, connection)
        _leave(self._listeners, connection.quoted, connection)
        connection.user, connection.logged_in = "", False

    def call(self, connection: Connection, call: Call) -> None:
        if call.name == "ReqUserLogin" and connection.logged_in:
            return  # a real front filters it: no answer at all
        fields = self._packer.request("md", call.name, call.body)
        if call.name == "ReqUserLogin":
            connection.user, connection.logged_in = text(fields, "UserID"), True
        now_ns = self._clock.now_ns()
        for event in self._counter.md_request(call.name, fields, call.request_id, now_ns):
            self._send(connection, event)
        if call.name == "ReqUserLogout":
            connection.hang_up(wire.READ_FAILED)  # after a logout the front hangs up

    def subscribe(self, connection: Connection, message: Subscribe) -> None:
        """One of the four verbs; one answer for each instrument, then its last tick."""
        verb, instruments = message.name, message.instruments
        callback = "OnRsp" + verb.replace("Subscribe", "Sub")
        for number, instrument in enumerate(instruments, 1):
            error = self._apply(connection, verb, instrument)
            answer: Fields = {"InstrumentID": instrument}
            last = number == len(instruments)
            self._send(connection, Event(None, None, callback, answer, *error, 0, last))
            if verb == "SubscribeMarketData" and error is OK:
                self._send_snapshot(connection, instrument)

    def ticks(self, ticks: Iterable[Fields]) -> None:
        """Each tick to its subscribers, packed once."""
        for tick in ticks:
            receivers = self._subscribers.get(text(tick, "InstrumentID"))
            if receivers:
                event = Event(None, None, "OnRtnDepthMarketData", tick)
                self._send_all(receivers, event)

    def quote_requested(self, event: Event) -> None:
        """Somebody has asked the market makers of an instrument for a quote."""
        receivers = self._listeners.get(text(event.field or {}, "InstrumentID"))
        if receivers:
            self._send_all(receivers, replace(event, seq=0))

    def _apply(self, connection: Connection, verb: str, instrument: str) -> tuple[int, str]:
        if not connection.logged_in:
            return NOT_LOGGED_IN
        data = verb.endswith("MarketData")
        table = self._subscribers if data else self._listeners
        own = connection.subscribed if data else connection.quoted
        if verb.startswith("Un"):
            _leave(table, own & {instrument}, connection)
            own.discard(instrument)
        elif len(own) >= self._max_subscriptions and instrument not in own:
            return TOO_MANY
        else:
            own.add(instrument)
            table[instrument].add(connection)
        return OK

    def _send_snapshot(self, connection: Connection, instrument: str) -> None:
        tick = self._counter.snapshot(instrument)
        if tick:
            self._send(connection, Event(None, None, "OnRtnDepthMarketData", tick))

    def _send_all(self, receivers: set[Connection], event: Event) -> None:
        message = self._packer.event("md", event)
        if message is not None:
            self._delivery.send_all(receivers, message)

    def _send(self, connection: Connection, event: Event) -> None:
        self._send_all({connection}, event)


def _leave(
    table: defaultdict[str, set[Connection]], instruments: set[str], connection: Connection
) -> None:
    for instrument in instruments:
        table[instrument].discard(connection)
        if not table[instrument]:
            del table[instrument]
