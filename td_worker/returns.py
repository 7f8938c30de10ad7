"""The returns of one account on their way to the bus."""

from __future__ import annotations

import hashlib
from typing import Final

from bus.frames import account_topic, join_body, message_type
from bus.publisher import Publisher
from schemas.counter import Event

_REPLAYED: Final = frozenset({"OnRtnOrder", "OnRtnTrade"})


class Returns:
    """Publishes the private stream of a session, each state of an order and each trade once.

    After every login the counter repeats the whole stream of the trading day (THOST_TERT_RESTART,
    the only mode that never loses one). What was already published of this day is left out; a
    repetition equal to the last byte carries no news.
    """

    def __init__(self, publisher: Publisher, broker: str, user: str) -> None:
        self.topic = account_topic(broker, user)
        self._publisher = publisher
        self._stream = publisher.stream(self.topic)
        self._seen: set[bytes] = set()
        self._day = ""
        self.repeated = 0

    @property
    def seq(self) -> int:
        return self._stream.seq

    def new_day(self, trading_day: str) -> None:
        """Called with the TradingDay of each login."""
        if trading_day != self._day:
            self._day = trading_day
            self._seen.clear()

    def publish(self, event: Event) -> None:
        if event.name in _REPLAYED and event.field is not None:
            digest = hashlib.blake2b(event.field, digest_size=16).digest()
            if digest in self._seen:
                self.repeated += 1
                return
            self._seen.add(digest)
        flags, body = join_body(event.field, event.info)
        kind = message_type(event.name)
        self._publisher.publish(self._stream, kind, flags, body, event.recv_ns)

    def notice(self, name: str, number: int | None = None) -> int:
        """A message of the session itself: front connected, disconnected, a mark."""
        return self._publisher.tell(self.topic, name, number)
