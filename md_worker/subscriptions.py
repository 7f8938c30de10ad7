"""What the front must send, decided from what the bus wants. No I/O, no clock.

Two kinds of wishes: subscribers of a topic (interest lasts until the last one leaves) and callers
who want the front's answer (interest lasts a few seconds; the caller subscribes the topic).
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

_FEW: Final = 100


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
    missing: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.missing = set(self.instruments)

    def take(self, instrument: str, answer: Answer) -> None:
        """An answer about an instrument, perhaps one of others."""
        if instrument in self.missing:
            self.missing.discard(instrument)
            self.answers[instrument] = answer


class Subscriptions:
    """The state of one family of subscriptions (ticks, or calls for quotes).

    Times are seconds of one clock that the caller chooses. An instrument is *wanted* (by
    subscribers or, until a time, by callers), *asked* (sent to the front, no answer yet) or
    *confirmed*. ``hold_s``: how long a call alone keeps an instrument subscribed.
    """

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self.subscribed: set[str] = set()
        self.confirmed: dict[str, Answer] = {}
        self._held: dict[str, float] = {}
        self._asked: dict[str, float] = {}  # until when the front may take to answer
        self._to_ask: OrderedDict[str, None] = OrderedDict()
        self._to_drop: dict[str, Answer] = {}
        self._tickets: list[Ticket] = []

    def __len__(self) -> int:
        """How many instruments are wanted."""
        return len(self.subscribed | self._held.keys())

    def wants(self, instrument: str) -> bool:
        return instrument in self.subscribed or instrument in self._held

    def want(self, instrument: str) -> None:
        """A topic got its first subscriber."""
        self.subscribed.add(instrument)
        self._need(instrument)

    def leave(self, instrument: str) -> None:
        """A topic lost its last subscriber."""
        if instrument in self.subscribed:
            self.subscribed.discard(instrument)
            self._give_up(instrument)

    def ask(self, ticket: Ticket, now: float) -> None:
        """A caller wants the front's answers; the ticket comes back from ``finished``. Who asks for
        a few instruments does not wait behind those who ask for thousands."""
        for instrument in ticket.instruments:
            self._held[instrument] = now + self._hold_s
            self._need(instrument)
            if instrument in self._to_ask and len(ticket.instruments) <= _FEW:
                self._to_ask.move_to_end(instrument, last=False)
            if instrument in self.confirmed:
                ticket.take(instrument, self.confirmed[instrument])
        self._tickets.append(ticket)

    @property
    def queued(self) -> int:
        """How many instruments wait to be asked for."""
        return len(self._to_ask)

    def answered(self, instrument: str, answer: Answer, accepted: bool) -> None:
        """The front answered for one instrument. What it refused is asked again by the next call,
        and after the next login for those who still subscribe its topic."""
        self._asked.pop(instrument, None)
        for ticket in self._tickets:
            ticket.take(instrument, answer)
        if not accepted:
            self._held.pop(instrument, None)
            self._to_drop.pop(instrument, None)
        elif self.wants(instrument):
            self.confirmed[instrument] = answer
        else:
            self._to_drop[instrument] = answer

    def batch(self, limit: int, now: float) -> list[str]:
        """The next instruments to subscribe at the front; they count as asked."""
        batch = list(itertools.islice(self._to_ask, limit))
        for instrument in batch:
            del self._to_ask[instrument]
            self._asked[instrument] = now + self._hold_s
        return batch

    def not_sent(self, batch: Iterable[str]) -> None:
        """The API did not take the batch; it comes again."""
        for instrument in batch:
            self._asked.pop(instrument, None)
            self._need(instrument)

    def drops(self, limit: int) -> dict[str, Answer]:
        """The next instruments to unsubscribe at the front, with its answers of before."""
        return {name: self._to_drop.pop(name) for name in list(self._to_drop)[:limit]}

    def not_dropped(self, drops: dict[str, Answer]) -> None:
        """The API did not take them; they come again, unless they are wanted again."""
        for instrument, answer in drops.items():
            (self.confirmed if self.wants(instrument) else self._to_drop)[instrument] = answer

    def front_lost(self) -> None:
        """The front forgot everything; what is wanted will be asked for again."""
        self.confirmed.clear()
        self._asked.clear()
        self._to_drop.clear()
        self._to_ask = OrderedDict.fromkeys([*self.subscribed, *self._held])

    def finished(self, now: float) -> list[Ticket]:
        """Tickets that are complete or too old, and give up what only calls had wanted."""
        for instrument in [name for name, until in self._held.items() if until <= now]:
            del self._held[instrument]
            self._give_up(instrument)
        done = [ticket for ticket in self._tickets if not ticket.missing or ticket.deadline <= now]
        if done:
            self._tickets = [
                ticket for ticket in self._tickets if ticket.missing and ticket.deadline > now
            ]
        for ticket in done:
            for instrument in ticket.missing:  # whoever wants it next has it sent again
                self._asked.pop(instrument, None)
        for instrument in [name for name, until in self._asked.items() if until <= now]:
            del self._asked[instrument]  # the request or its answer got lost
            if self.wants(instrument):
                self._need(instrument)
        return done

    def _need(self, instrument: str) -> None:
        if instrument in self._to_drop:  # the front still has it
            self.confirmed[instrument] = self._to_drop.pop(instrument)
        elif instrument not in self.confirmed and instrument not in self._asked:
            self._to_ask[instrument] = None

    def _give_up(self, instrument: str) -> None:
        if self.wants(instrument):
            return
        self._to_ask.pop(instrument, None)
        if instrument in self.confirmed:
            self._to_drop[instrument] = self.confirmed.pop(instrument)
