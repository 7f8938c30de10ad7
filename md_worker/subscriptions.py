"""What the front must send, decided from what the bus wants. No I/O, no clock.

Two kinds of wishes: subscribers of a topic (interest lasts until the last one leaves) and callers
who want the front's answer (interest lasts a few seconds; the caller subscribes the topic).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

HOLD_S: Final = 5.0  # how long a call alone keeps an instrument subscribed


@dataclass(slots=True)
class Answer:
    """What the front said about one instrument: struct bytes (None: it said nothing)."""

    field: bytes | None
    info: bytes | None


@dataclass(slots=True, eq=False)
class Ticket:
    """One call for a list of instruments; complete when each has an answer."""

    reply: Callable[[list[Answer]], None]
    instruments: list[str]
    deadline: float
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return all(instrument in self.answers for instrument in self.instruments)


class Subscriptions:
    """The state of one family of subscriptions (ticks, or calls for quotes).

    Times are seconds of one clock that the caller chooses. An instrument is *wanted* (with the
    time until which), *asked* (sent to the front, no answer yet) or *confirmed*.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, float] = {}
        self.confirmed: dict[str, Answer] = {}
        self._asked: set[str] = set()
        self._to_ask: dict[str, None] = {}
        self._to_drop: dict[str, None] = {}
        self._tickets: list[Ticket] = []

    def want(self, instrument: str) -> None:
        """A topic got its first subscriber."""
        self.wanted[instrument] = math.inf
        self._need(instrument)

    def leave(self, instrument: str) -> None:
        """A topic lost its last subscriber."""
        if self.wanted.pop(instrument, None) is not None:
            self._drop(instrument)

    def ask(self, ticket: Ticket, now: float) -> None:
        """A caller wants the front's answers; the ticket comes back from ``finished``."""
        for instrument in ticket.instruments:
            self.wanted[instrument] = max(self.wanted.get(instrument, 0.0), now + HOLD_S)
            self._need(instrument)
            if instrument in self.confirmed:
                ticket.answers[instrument] = self.confirmed[instrument]
        self._tickets.append(ticket)

    def answered(self, instrument: str, answer: Answer, accepted: bool) -> None:
        """The front answered for one instrument."""
        self._asked.discard(instrument)
        for ticket in self._tickets:
            if instrument in ticket.instruments:
                ticket.answers[instrument] = answer
        if not accepted:
            self.wanted.pop(instrument, None)
            self._to_drop.pop(instrument, None)
        elif instrument in self.wanted:
            self.confirmed[instrument] = answer
        else:
            self._to_drop[instrument] = None

    def batch(self, limit: int) -> list[str]:
        """The next instruments to subscribe at the front; they count as asked."""
        batch = list(self._to_ask)[:limit]
        for instrument in batch:
            del self._to_ask[instrument]
        self._asked.update(batch)
        return batch

    def not_sent(self, batch: Iterable[str]) -> None:
        """The API did not take the batch; it comes again."""
        for instrument in batch:
            self._asked.discard(instrument)
            self._need(instrument)

    def drops(self) -> list[str]:
        """The instruments to unsubscribe at the front."""
        drops, self._to_drop = list(self._to_drop), {}
        return drops

    def front_lost(self) -> None:
        """The front forgot everything; what is wanted will be asked for again."""
        self.confirmed.clear()
        self._asked.clear()
        self._to_drop.clear()
        self._to_ask = dict.fromkeys(self.wanted)

    def finished(self, now: float) -> list[Ticket]:
        """Tickets that are complete or too old, and expire what only calls had wanted."""
        for instrument in [name for name, until in self.wanted.items() if until <= now]:
            self.leave(instrument)
        done = [ticket for ticket in self._tickets if ticket.complete or ticket.deadline <= now]
        self._tickets = [ticket for ticket in self._tickets if ticket not in done]
        return done

    def _need(self, instrument: str) -> None:
        self._to_drop.pop(instrument, None)
        if instrument not in self.confirmed and instrument not in self._asked:
            self._to_ask[instrument] = None

    def _drop(self, instrument: str) -> None:
        self._to_ask.pop(instrument, None)
        if self.confirmed.pop(instrument, None) is not None:
            self._to_drop[instrument] = None
