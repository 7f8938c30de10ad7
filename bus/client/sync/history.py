"""What the recorder keeps, for a program that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...history import Answered, AnswerKind, EventStream
from ...orders import Place
from .. import history as asynchronous
from ..items import Gap, Return, Tick
from .loop import Loop

T = TypeVar("T")


class History:
    """See ``bus.client.History``; each call gives a list of all. Raises Refused, and Unavailable
    after some seconds without a recorder."""

    def __init__(self, loop: Loop, history: Callable[[], asynchronous.History]) -> None:
        self._loop, self._history = loop, history

    def ticks(
        self,
        instrument: str,
        *,
        day: str = "",
        since_ns: int = 0,
        after: Place | None = None,
        limit: int = 0,
    ) -> list[Tick | Gap]:
        """Ticks of one instrument as they were published, in their order."""
        return self._all(
            lambda history: history.ticks(
                instrument, day=day, since_ns=since_ns, after=after, limit=limit
            )
        )

    def last_ticks(self, *instruments: str) -> list[Tick | None]:
        """The newest tick on record of each, from whichever day; None: there is none."""

        async def work() -> list[Tick | None]:
            return await self._history().last_ticks(*instruments)

        return self._loop.run(work())

    def events(
        self,
        broker_id: str,
        user: str,
        stream: EventStream,
        *,
        instrument: str = "",
        day: str = "",
        slot: int = 0,
    ) -> list[Return]:
        """Returns of an account's orders ("order_events") or trades ("trade_events")."""
        return self._all(
            lambda history: history.events(
                broker_id, user, stream, instrument=instrument, day=day, slot=slot
            )
        )

    def answers(
        self,
        broker_id: str,
        user: str,
        kind: AnswerKind,
        *,
        request_id: int | None = None,
        asker: str = "",
        latest: bool = False,
        day: str = "",
        slot: int = 0,
    ) -> list[Answered]:
        """What the counter answered to the account's queries."""
        return self._all(
            lambda history: history.answers(
                broker_id,
                user,
                kind,
                request_id=request_id,
                asker=asker,
                latest=latest,
                day=day,
                slot=slot,
            )
        )

    def _all(self, ask: Callable[[asynchronous.History], asynchronous.Found[T]]) -> list[T]:
        async def work() -> list[T]:
            return await ask(self._history())

        return self._loop.run(work())
