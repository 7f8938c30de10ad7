"""After a login: whether the private stream has brought everything that the counter knows. No I/O.

The counter repeats the stream of the day (THOST_TERT_RESTART) and does not say where the replay
ends. So new orders wait until the stream is quiet and the orders and trades that the counter
lists are among what it has brought. What it has not brought after some waiting is taken from the
list: after a restart that clears its flows the counter has a new stream and the old orders.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from math import inf
from typing import Final

from bus.errors import Refused
from schemas.catalogue import Catalogue
from schemas.counter import Event

from .numbers import error_id
from .queries.query import OnFailed, OnRow

log = logging.getLogger("td_worker")

QUERIES: Final = ("ReqQryOrder", "ReqQryTrade")
_STREAM: Final = {"OnRspQryOrder": "OnRtnOrder", "OnRspQryTrade": "OnRtnTrade"}
# The public stream says nothing of the account and is never quiet for long.
_PUBLIC: Final = frozenset({"OnRtnInstrumentStatus", "OnRtnBulletin"})
# An account may trade elsewhere all the time: a stream that never is quiet is asked about anyway,
# and waited for so long before it counts as one that does not bring a row.
_NOISE_S: Final = 3.0
_PATIENCE_S: Final = 10.0
_TIMES: Final = 3
_ENDED: Final = "0245"  # OrderStatus: all traded, no longer queueing, cancelled

Key = tuple[object, ...]
Known = list[tuple[Key, int]]  # by what an order or a trade is known, and how far it is advanced


class _Step(Enum):
    IDLE = auto()
    LISTENING = auto()
    ASKING = auto()
    COMPARING = auto()


class Recovery:
    """One account's. Times are seconds of one clock that the caller chooses.

    ``ask(method, on_row, on_failed)`` starts a query of everything. ``lost(event)`` takes a row
    that the stream has not brought, as a callback of the stream.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        quiet_s: float,
        *,
        ask: Callable[[str, OnRow, OnFailed], None],
        lost: Callable[[Event], None],
        done: Callable[[], None],
    ) -> None:
        self._catalogue, self._quiet_s = catalogue, quiet_s
        self._ask, self._lost, self._done = ask, lost, done
        self._order, self._trade = catalogue.codec("Order"), catalogue.codec("Trade")
        self._attempt = 0  # counts them all, so that rows of an older one are known as such
        self.stop()

    def stop(self) -> None:
        """The front is gone, or all is known."""
        self._step = _Step.IDLE
        self._attempt += 1
        self._heard_at = inf
        self._brought: dict[Key, int] = {}
        self._missing: list[tuple[Event, Known]] = []
        self._open: set[str] = set()
        self._times = 0

    def listen(self, now: float) -> None:
        """A login was answered: the replay begins right behind it."""
        self.stop()
        self._heard_at = now

    def start(self, now: float) -> None:
        """The counter takes queries now."""
        self._started_at = self._since = now
        self._step = _Step.LISTENING

    def heard(self, event: Event, now: float) -> None:
        """A return as the counter gave it."""
        if self._heard_at is not inf and event.name not in _PUBLIC:
            self._heard_at = now
            for key, progress in self._known_by(event):
                self._brought[key] = max(progress, self._brought.get(key, 0))

    def poll(self, now: float) -> None:
        """Do what is due."""
        quiet = now - self._heard_at >= self._quiet_s
        if self._step is _Step.LISTENING and (quiet or now - self._since >= _NOISE_S):
            self._ask_all(now)
        if self._step is _Step.ASKING and not self._open:
            self._step, self._since = _Step.COMPARING, now
        if self._step is _Step.COMPARING:
            self._compare(quiet, now)

    # -- inside ------------------------------------------------------------------------------

    def _ask_all(self, now: float) -> None:
        self._times += 1
        self._attempt += 1
        self._missing.clear()
        self._open = set(QUERIES)
        self._step, self._since = _Step.ASKING, now
        for method in QUERIES:
            on_row = partial(self._on_row, self._attempt, method)
            self._ask(method, on_row, partial(self._on_failed, self._attempt))

    def _on_row(self, attempt: int, method: str, event: Event, last: bool) -> None:
        if attempt != self._attempt:
            return
        error = error_id(self._catalogue, event)
        if error or event.name == "OnRspError":
            fields = {"query": method, "error_id": error}
            log.warning("recovered by the stream alone", extra={"fields": fields})
        elif event.field is not None:
            row = event._replace(name=_STREAM[event.name], request_id=0)
            self._missing.append((row, self._known_by(row)))
        if last:
            self._open.discard(method)

    def _on_failed(self, attempt: int, _: Refused) -> None:
        """No answer, or it could not be asked: both are asked again, and it was no attempt."""
        if attempt == self._attempt:
            self._attempt += 1
            self._times -= 1
            self._step = _Step.LISTENING

    def _compare(self, quiet: bool, now: float) -> None:
        self._missing = [row for row in self._missing if not self._is_brought(row[1])]
        if not self._missing:
            if quiet or now - self._started_at >= _NOISE_S:
                self._end()
        elif now - self._since >= (self._quiet_s if quiet else _PATIENCE_S):
            if self._times < _TIMES:
                self._ask_all(now)
            else:
                self._take_from_the_list()
                self._end()

    def _take_from_the_list(self) -> None:
        fields = {"rows": len(self._missing)}
        log.warning("rows that the stream has not brought", extra={"fields": fields})
        for event, _ in self._missing:
            self._lost(event)

    def _end(self) -> None:
        self.stop()
        self._done()

    def _is_brought(self, known: Known) -> bool:
        return any(self._brought.get(key, -1) >= progress for key, progress in known)

    def _known_by(self, event: Event) -> Known:
        raw = event.field
        if raw is None:
            return []
        if event.name == "OnRtnTrade":
            get = self._trade.get
            place = get(raw, "ExchangeID"), get(raw, "InstrumentID")
            return [(("trade", *place, str(get(raw, "TradeID")).strip(), get(raw, "Direction")), 0)]
        if event.name != "OnRtnOrder":
            return []
        get = self._order.get
        ended = str(get(raw, "OrderStatus")) in _ENDED
        progress = 2 * int(get(raw, "VolumeTraded") or 0) + ended
        reference = str(get(raw, "OrderRef")).strip()
        keys: list[Key] = [("sent", get(raw, "FrontID"), get(raw, "SessionID"), reference)]
        if number := str(get(raw, "OrderSysID")).strip():
            keys.append(("listed", get(raw, "ExchangeID"), number))
        return [(key, progress) for key in keys]
