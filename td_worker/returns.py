"""The returns of one account on their way to the bus."""

from __future__ import annotations

import hashlib
from typing import Final

from bus.frames import account_topic, join_body, message_type
from bus.publisher import Publisher
from schemas.counter import Event

# CTP repeats these within a connection as well; equal to the last byte they carry no news.
_STATES: Final = frozenset({"OnRtnOrder", "OnRtnTrade"})
# Of the public stream, which is not replayed (THOST_TERT_QUICK).
_PUBLIC: Final = frozenset({"OnRtnInstrumentStatus", "OnRtnBulletin"})


class Returns:
    """Publishes the private stream of a session, each return once.

    After every login the counter repeats the whole stream of the trading day (THOST_TERT_RESTART,
    the only mode that never loses one). What comes after a reconnect is left out as often as it
    was already published on this day; so two equal refusals within one connection are two.
    """

    def __init__(self, publisher: Publisher, broker: str, user: str) -> None:
        self.topic = account_topic(broker, user)
        self._publisher = publisher
        self._stream = publisher.stream(self.topic)
        self._published: dict[bytes, int] = {}
        self._heard: dict[bytes, int] = {}  # on this connection
        self._day = ""
        self.repeated = 0

    @property
    def seq(self) -> int:
        return self._stream.seq

    def reconnected(self) -> None:
        """What comes from now on may be the replay."""
        self._heard.clear()

    def new_day(self, trading_day: str) -> None:
        """Called with the TradingDay of each login, before anything of its replay."""
        if trading_day != self._day:
            self._day = trading_day
            self._published.clear()
            self._heard.clear()

    def publish(self, event: Event) -> None:
        private = event.name.startswith(("OnRtn", "OnErrRtn")) and event.name not in _PUBLIC
        if private and self._is_repeated(event):
            self.repeated += 1
            return
        flags, body = join_body(event.field, event.info)
        kind = message_type(event.name)
        self._publisher.publish(self._stream, kind, flags, body, event.recv_ns)

    def notice(self, name: str, number: int | None = None) -> int:
        """A message of the session itself: front connected, disconnected, a mark, the end."""
        return self._publisher.tell(self.topic, name, number)

    def _is_repeated(self, event: Event) -> bool:
        parts = (event.name.encode(), event.field or b"", event.info or b"")
        digest = hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()
        published = self._published.get(digest, 0)
        heard = self._heard[digest] = self._heard.get(digest, 0) + 1
        if heard <= published or (published and event.name in _STATES):
            return True
        self._published[digest] = published + 1
        return False
