"""The returns of one account on their way to the bus."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import Final

from bus.frames import account_topic, join_body, message_type
from bus.publisher import Publisher
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .journal import Journal
from .records import NO_DIGEST

# CTP repeats these within a connection as well; equal to the last byte they carry no news.
_STATES: Final = frozenset({"OnRtnOrder", "OnRtnTrade"})
# Of the public stream, which is not replayed (THOST_TERT_QUICK).
_PUBLIC: Final = frozenset({"OnRtnInstrumentStatus", "OnRtnBulletin", "OnRtnTradingNotice"})
# Both legs of a combination may have one TradeID and one direction, so the instrument counts too.
_TRADE_KEY: Final = ("ExchangeID", "InstrumentID", "TradeID", "Direction")


class Returns:
    """Publishes the private stream of a session, each return once.

    After every login the counter repeats the whole stream of the trading day (THOST_TERT_RESTART,
    the only mode that never loses one). What comes after a reconnect is left out as often as it
    is in the journal of this day, which also holds what was published before a restart of the
    worker; so two equal refusals within one connection are two. What is in the journal and on no
    subscriber's screen, because the worker died in between, is there for whoever asks.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        publisher: Publisher,
        journal: Journal,
        broker: str,
        user: str,
        slot: int = 0,
    ) -> None:
        self.topic = account_topic(broker, user, slot)
        self.journal = journal
        self._trade = catalogue.codec("Trade")
        self._publisher = publisher
        self._stream = publisher.stream(self.topic)
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
        self.journal.begin(trading_day)
        if trading_day not in ("", self._day):
            self._day = trading_day
            self._heard.clear()

    def publish(self, event: Event) -> None:
        private = event.name.startswith(("OnRtn", "OnErrRtn")) and event.name not in _PUBLIC
        digest = self._digest(event) if private else NO_DIGEST
        if private and self._is_repeated(event.name, digest):
            self.repeated += 1
            return
        flags, body = join_body(event.field, event.info)
        kind = message_type(event.name)
        keep = partial(self.journal.append, digest)
        self._publisher.publish(self._stream, kind, flags, body, event.recv_ns, keep)
        self._publisher.delays[(time.time_ns() - event.recv_ns).bit_length()] += 1

    def notice(self, name: str, number: int | None = None) -> int:
        """A message of the session itself: front connected, disconnected, a mark, the end."""
        keep = partial(self.journal.append, NO_DIGEST)
        return self._publisher.tell(self.topic, name, number, keep)

    def _is_repeated(self, name: str, digest: bytes) -> bool:
        published = self.journal.times(digest)
        heard = self._heard[digest] = self._heard.get(digest, 0) + 1
        return heard <= published or (published > 0 and name in _STATES)

    def _digest(self, event: Event) -> bytes:
        """The same for the same return: its bytes, or a trade's key, whatever else differs."""
        parts = (event.name.encode(), event.field or b"", event.info or b"")
        if event.name == "OnRtnTrade" and event.field is not None:
            key = [str(self._trade.get(event.field, name)).strip() for name in _TRADE_KEY]
            if all(key):
                parts = (parts[0], "\0".join(key).encode(), b"")
        return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()
