"""The trading front: sessions at the counter, its answers, and the private streams."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from .. import wire
from ..exchange import counter as exchange
from ..exchange.counter import LOGINS
from ..exchange.events import Event
from ..wire import Call
from .clock import Clock
from .connection import Connection
from .delivery import Delivery
from .packing import Packer


class TradingFront:
    """Connections of the trader API."""

    def __init__(
        self,
        counter: exchange.Counter,
        clock: Clock,
        packer: Packer,
        delivery: Delivery,
        quote_requested: Callable[[Event], None],
    ) -> None:
        self._counter = counter
        self._clock = clock
        self._packer = packer
        self._delivery = delivery
        self._quote_requested = quote_requested
        self._sessions: dict[int, Connection] = {}
        self._late: Counter[int] = Counter()  # requests under way of sessions that may be gone

    def connect(self, connection: Connection) -> None:
        connection.number = self._counter.connect(self._clock.now_ns())
        self._sessions[connection.number] = connection

    def disconnect(self, connection: Connection) -> None:
        if self._sessions.pop(connection.number, None) is not None:
            self._end_session(connection.number)
        connection.user = ""

    def _end_session(self, number: int) -> None:
        if number not in self._sessions and not self._late[number]:
            self._counter.disconnect(number)

    def take_later(self, connection: Connection, call: Call, seconds: float) -> None:
        """A request that is still under way, and arrives whatever becomes of its connection."""
        self._late[connection.number] += 1
        asyncio.get_running_loop().call_later(seconds, self._take_late, connection, call)

    def _take_late(self, connection: Connection, call: Call) -> None:
        if connection.number in self._sessions:
            self.call(connection, call)
        else:
            self._request(connection, call)
        self._late[connection.number] -= 1
        self._end_session(connection.number)

    def call(self, connection: Connection, call: Call) -> None:
        """A request that the API module sent, to its end."""
        if connection.number not in self._sessions:
            return  # delayed by a fault until after its session
        if connection.user and call.name in LOGINS:
            return  # a real front filters it: no answer at all
        self._request(connection, call)
        user = self._counter.user_of(connection.number)
        if user and not connection.user:
            self._logged_in(connection, user)
        elif connection.user and not user:
            connection.hang_up(wire.READ_FAILED)  # after a logout the front hangs up

    def _request(self, connection: Connection, call: Call) -> None:
        fields = self._packer.request("td", call.name, call.body)
        now_ns = self._clock.now_ns()
        self.tell(
            self._counter.request(connection.number, call.name, fields, call.request_id, now_ns)
        )

    def tell(self, events: Iterable[Event]) -> None:
        """Bring the counter's callbacks to the sessions that they are for."""
        for event in events:
            if event.callback == "OnRtnForQuoteRsp":
                self._quote_requested(event)
            if event.session is None:
                self._publish(event)
            elif connection := self._sessions.get(event.session):
                self._send(connection, event)

    def of_user(self, user: str) -> list[Connection]:
        """Logged in as this user, or everybody who is logged in."""
        return [
            connection
            for connection in self._sessions.values()
            if connection.user and user in ("", connection.user)
        ]

    def _publish(self, event: Event) -> None:
        for connection in self.of_user(event.user or ""):
            if event.user is None:
                if connection.hello and connection.hello.public != wire.NONE:
                    self._send(connection, event)
            elif event.seq > connection.skip_to:
                self._send(connection, event)

    def _logged_in(self, connection: Connection, user: str) -> None:
        """Replay what the client's resume modes ask for; from now on it hears the rest."""
        hello = connection.hello
        assert hello is not None
        connection.user = user
        if hello.public in (wire.RESTART, wire.RESUME):
            self._replay(connection, None, 0)
        connection.skip_to = 0
        if hello.private == wire.QUICK:
            connection.skip_to = self._counter.last_seq(user)
        elif hello.private == wire.RESUME and hello.day == self._counter.trading_day:
            # Beyond the end when the counter has lost its streams: the client then hears
            # nothing until they are that long again, as at a real counter.
            connection.skip_to = hello.after
        self._replay(connection, user, connection.skip_to)

    def _replay(self, connection: Connection, user: str | None, after: int) -> None:
        for event in self._counter.private_stream(user, after):
            self._send(connection, event)

    def _send(self, connection: Connection, event: Event) -> None:
        message = self._packer.event("td", event)
        if message is not None:
            self._delivery.send(connection, message)
