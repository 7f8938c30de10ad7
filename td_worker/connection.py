"""The API object of a session, which is made anew when the trading day has changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from schemas.catalogue import Catalogue
from schemas.counter import Counter, Event
from schemas.errors import NETWORK_FAILURE

from .flows import FlowError, Flows, expected_day
from .lifecycle import Lifecycle

log = logging.getLogger("td_worker")


class NotStarted(NamedTuple):
    """There is no API object, and why."""

    text: str


class Stopped(NamedTuple):
    """The API object is released and the session's folder free."""


class Requests(Protocol):
    """What the parts of a session ask with: a Connection, or one API object."""

    def request(self, name: str, raw: bytes, request_id: int) -> int: ...

    def query_freq(self) -> int: ...


# What an API object says; the number is the ``generation`` it belongs to.
Accept = Callable[[int, Event | NotStarted | Stopped], None]


class Connection:
    """The way to the counter for the parts of a session, whichever API object there is.

    ``generation`` counts the API objects. What one of them said before it was ended may still wait
    in the inbox; it must not be taken for the next one's.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        fronts: list[str],
        flows: Flows,
        lifecycle: Lifecycle,
        accept: Accept,
        make: Callable[..., Counter] = Counter,
    ) -> None:
        self._flows, self._lifecycle, self._accept = flows, lifecycle, accept
        self._make = partial(make, catalogue, "td", fronts)
        self.generation = 0
        self._counter: Counter | None = None
        self._day = ""
        self._unconfirmed = False  # made for a login's TradingDay and not logged in since
        self._again: float | None = None  # when the next API object is tried

    def start(self) -> None:
        """Returns at once, and so do the others; without a folder ``NotStarted`` follows."""
        self._begin(expected_day(time.time()))

    def stop(self) -> None:
        """For good; ``Stopped`` follows."""
        self._again = None
        self._end()
        self._lifecycle.put(partial(self._accept, self.generation, Stopped()))

    def not_started(self, again: float) -> None:
        """``NotStarted`` has come: another API object is made at this moment, for the session may
        be in use, as when the trading day has changed."""
        self._again = again

    def poll(self, now: float) -> None:
        if self._again is not None and now >= self._again:
            self._end()
            self._begin(self._day)

    def fits(self, day: str) -> bool:
        """A login has told its TradingDay: whether the API object stays. If not, another one is
        made, once: after that the counter's word is not doubted."""
        if day in ("", self._day) or self._unconfirmed:
            if day not in ("", self._day):
                fields = {"day": day, "folder": self._day}
                log.error("the trading day changes with each login", extra={"fields": fields})
            self._unconfirmed = False
            return True
        self._end()
        self._begin(day)
        self._unconfirmed = True
        return False

    def request(self, name: str, raw: bytes, request_id: int) -> int:
        """As ``Counter.request``; -1 while there is no API object."""
        if self._counter is None:
            return NETWORK_FAILURE
        return self._counter.request(name, raw, request_id)

    def query_freq(self) -> int:
        return self._counter.query_freq() if self._counter is not None else 0

    def _begin(self, day: str) -> None:
        self.generation += 1
        self._again = None
        self._day = day
        accept = partial(self._accept, self.generation)
        self._counter = counter = self._make(accept)
        self._lifecycle.put(partial(self._start, counter, day, accept))

    def _end(self) -> None:
        if self._counter is not None:
            self._lifecycle.put(self._counter.stop)
            self._counter = None

    def _start(self, counter: Counter, day: str, accept: Callable[[NotStarted], None]) -> None:
        """On the thread of the Lifecycle."""
        try:
            counter.start(self._flows.prepare(day))
        except (FlowError, RuntimeError, OSError) as exc:
            log.error("no API object", extra={"fields": {"error": str(exc)}})
            accept(NotStarted(str(exc)))
