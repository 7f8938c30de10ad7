"""Whether the market data of this edge is of now; who asked (``notices=stale``) is told. No I/O.

md_worker  nothing has come for SILENT_S on the topics that this edge wants, where a heartbeat comes
           once a second. AgeMs: since the last message. With an InstrumentID: its topic alone is
           silent, so its subscription was lost; it is made anew
front      md_worker has no session at its front. AgeMs: since this edge knows
feed       at least one wanted instrument is in continuous trading by the calendar, and none of them
           has ticked for ``feed_silence_s``. Only a tick ends it. AgeMs: since the last tick, or
           since trading began
old        one instrument: the tick that follows is from before the session that is open now, as the
           first one after a subscription may be. Outside of sessions the last tick is the truth.
           AgeMs: of the tick

What stands for all instruments has the InstrumentID "".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from bus.beats import SILENT_S
from bus.frames import unpack_message
from schemas.calendar import Calendar
from schemas.codec import Codec
from schemas.tick_time import tick_time_ns

from .counters import Counters
from .notices import StaleReason, fresh, stale
from .outbox import Outbox
from .ticks import Board, Instrument, TickBoard

log = logging.getLogger("ws_edge")

CHECK_S: Final = 0.5
# A check that comes so late shows that this process has slept; that is no silence of the others.
_SLEPT_S: Final = 2.0
# One topic without a heartbeat while others have theirs: a round of many takes a while.
_DEAF_S: Final = 2 * SILENT_S


class Freshness:
    """``check`` must be called every CHECK_S. ``now`` must be the clock of ``ticks``."""

    def __init__(
        self,
        calendar: Calendar,
        feed_silence_s: float,
        tick: Codec,
        counters: Counters,
        ticks: TickBoard,
        quotes: Board,
        now: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._calendar, self._feed_silence_s, self._tick = calendar, feed_silence_s, tick
        self._counters, self._board, self._quotes = counters, ticks, quotes
        self._now, self._wall_ns = now, wall_ns
        self._asking: dict[Outbox, None] = {}
        self._stale: dict[StaleReason, float] = {}  # and since when
        self._deaf: set[Instrument] = set()
        self._checked = self._quiet_since = now()
        self._heard = self._checked  # what md_worker's own loop sends, besides heartbeats of ticks
        self._beating_since = self._checked  # other topics; a new md_worker begins one by one
        self._alive = self._checked  # it lives, by the ticks that its API's thread sends
        self._ticks = 0  # taken at the last check, without ...
        self._no_sign = 0  # ... snapshots, which a front gives whether or not its feed lives

    # -- sockets -----------------------------------------------------------------------------

    def join(self, outbox: Outbox) -> None:
        """A socket that asks: it is told of now and of changes."""
        self._asking[outbox] = None
        for reason, since in self._stale.items():
            outbox.send(stale("", reason, self._age_ms(since)))

    def leave(self, outbox: Outbox) -> None:
        self._asking.pop(outbox, None)

    # -- what comes --------------------------------------------------------------------------

    def heard(self) -> None:
        """Something has come by which md_worker proves that it lives."""
        self._heard = self._now()

    def state(self, logged_in: bool) -> None:
        """md_worker's state, once a second. With wanted topics it proves nothing about them."""
        if not self._board.instruments and not self._quotes.instruments:
            self.heard()
        self.front(logged_in)

    def front(self, up: bool) -> None:
        if up:
            self._end("front")
        else:
            self._begin("front", self._now())

    def first(self, instrument: Instrument, message: bytes) -> None:
        """The first tick of an instrument, before anybody gets it; for ``TickBoard``."""
        made = self._made_ns(instrument.name, message)
        if made is None or self._wall_ns() - made > self._feed_silence_s * 1e9:
            self._no_sign += 1
        text = self._old(instrument.name, made)
        if text is not None:
            self._tell(text, instrument.outboxes)

    def before_last(self, instrument: Instrument, outbox: Outbox) -> None:
        """A socket joins an instrument and is about to get its last tick."""
        if outbox in self._asking and instrument in self._deaf:
            outbox.send(stale(instrument.name, "md_worker", self._age_ms(instrument.heard)))
        if instrument.last is not None:
            self.before(instrument.name, instrument.last, outbox)

    def before(self, name: str, message: bytes, outbox: Outbox) -> None:
        """A socket is about to get a tick that is not live."""
        if outbox in self._asking:
            text = self._old(name, self._made_ns(name, message))
            if text is not None:
                outbox.send(text)

    # -- time --------------------------------------------------------------------------------

    def check(self) -> None:
        now = self._now()
        slept_s = now - self._checked - CHECK_S
        self._checked = now
        if slept_s > _SLEPT_S:
            self._alive = self._last_sign() + slept_s
            self._quiet_since += slept_s
        if self._count_ticks():
            self._alive = self._quiet_since = now
            self._end("feed")
        self._check_worker(now)
        self._check_topics(now)
        self._check_feed(now)

    def _count_ticks(self) -> bool:
        """Whether the feed has given a sign of life since the last check."""
        before, self._ticks = self._ticks, self._counters.ticks - self._no_sign
        return self._ticks != before

    def _last_sign(self) -> float:
        return max(self._heard, self._board.heard, self._alive)

    def _check_worker(self, now: float) -> None:
        heard = self._last_sign()
        if now - heard < SILENT_S:
            self._end("md_worker")
        else:
            self._begin("md_worker", heard)

    def _check_topics(self, now: float) -> None:
        if now - max(self._heard, self._board.heard) >= SILENT_S:
            self._beating_since = now
        others_beat = now - self._beating_since > _DEAF_S
        wanted = self._board.instruments
        for instrument in wanted.values():
            if not instrument.heard:
                instrument.heard = now  # the wait for the first one begins
            elif others_beat and now - instrument.heard > _DEAF_S and instrument not in self._deaf:
                self._deaf.add(instrument)
                text = stale(instrument.name, "md_worker", self._age_ms(instrument.heard))
                self._tell(text, instrument.outboxes)
                self._board.renew(instrument)
        for instrument in list(self._deaf):
            if wanted.get(instrument.topic) is not instrument:
                self._deaf.remove(instrument)
            elif now - instrument.heard < SILENT_S:
                self._deaf.remove(instrument)
                self._tell(fresh("md_worker", instrument.name), instrument.outboxes)

    def _check_feed(self, now: float) -> None:
        if now == self._quiet_since:
            return
        if self._stale.keys() & {"front", "md_worker"} or not self._trades():
            self._quiet_since = now  # there is a reason for the silence
        elif now - self._quiet_since >= self._feed_silence_s:
            self._begin("feed", self._quiet_since)

    def _trades(self) -> bool:
        wanted = [one.name for one in self._board.instruments.values() if one.outboxes]
        return self._calendar.any_trades(wanted, self._wall_ns())

    # -- telling -----------------------------------------------------------------------------

    def _begin(self, reason: StaleReason, since: float) -> None:
        if reason not in self._stale:
            self._stale[reason] = since
            log.warning("market data is stale", extra={"fields": {"reason": reason}})
            self._tell(stale("", reason, self._age_ms(since)))

    def _end(self, reason: StaleReason) -> None:
        since = self._stale.pop(reason, None)
        if since is not None:
            fields = {"reason": reason, "age_ms": self._age_ms(since)}
            log.info("market data is fresh", extra={"fields": fields})
            self._tell(fresh(reason))

    def _tell(self, text: bytes, outboxes: Iterable[Outbox] | None = None) -> None:
        """Those that ask, of these; None: of all."""
        for outbox in list(self._asking if outboxes is None else outboxes):
            if outbox in self._asking:
                outbox.send(text)

    def _age_ms(self, since: float) -> int:
        return round((self._now() - since) * 1000)

    # -- one tick ----------------------------------------------------------------------------

    def _old(self, name: str, made_ns: int | None) -> bytes | None:
        """What is told before a tick of that moment; None: it is of now."""
        now = self._wall_ns()
        session = self._calendar.session(name, now)
        if made_ns is None or session is None or made_ns >= session.opens_ns:
            return None
        return stale(name, "old", (now - made_ns) // 1_000_000)

    def _made_ns(self, name: str, message: bytes) -> int | None:
        tick = unpack_message(message)
        if len(tick.body) != self._tick.size:
            return None  # of another binding; the board refuses it
        day, action, clock, millisec = (
            self._tick.get(tick.body, field)
            for field in ("TradingDay", "ActionDay", "UpdateTime", "UpdateMillisec")
        )
        return tick_time_ns(
            self._calendar,
            name,
            str(day),
            str(action),
            str(clock),
            int(millisec or 0),
            tick.recv_ns or self._wall_ns(),
        )
