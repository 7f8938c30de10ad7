"""The instruments that pages look at: each is subscribed once, for as long as any page shows it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Final

from admin.watch.health import Colour, Light
from bus.client import Client, Tick, Ticks
from bus.errors import Refused, Unavailable

from .quotes import Followed, Mark, Quote, quote
from .series import Series

log = logging.getLogger("admin")

BEAT_S: Final = 0.25
SPAN_S: Final = 600.0
_STEP_S: Final = 1.0
_MOST_EARLIER: Final = 20_000  # ticks that are read for the beginning of a chart
_OF_FEEDS: Final = ("md_front", "md_login", "md_data")


class Watched:
    """One instrument. ``quote`` and ``mark`` are those of the last beat, ``number`` rises when
    either has changed; ``digits``: decimals of its prices; ``age_s``: since the tick came."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.followed = Followed()
        self.series = Series(SPAN_S, _STEP_S)
        self.quote: Quote | None = None
        self.mark = Mark.WAITING
        self.number = self.digits = 0
        self.users = 0
        self._shown: Tick | None = None

    @property
    def age_s(self) -> float | None:
        return None if self.quote is None else max(0.0, time.time() - self.quote.recv_ns / 1e9)

    def beat(self, client: Client, now: float, flows: bool) -> None:
        """Decode what has come since the last beat: of many ticks only the newest."""
        tick, mark = self.followed.tick, self.followed.mark(now, flows)
        if tick is not None and tick is not self._shown:
            self._shown = tick
            self.quote = quote(self.instrument, client.fields(tick), tick.recv_ns)
            self.digits = max(self.digits, self.quote.digits)
            if self.quote.last is not None:
                self.series.add(tick.recv_ns / 1e6, self.quote.last)
            self.number += 1
        if mark is not self.mark:
            self.mark = mark
            if mark is Mark.STALE:  # the line is not drawn over what nobody has seen
                self.series.add(time.time() * 1000, None)
            self.number += 1


class Feed:
    """Used in the event loop of ``client``. ``lights`` gives those of now."""

    def __init__(self, client: Client, lights: Callable[[], Iterable[Light]]) -> None:
        self._client, self._lights = client, lights
        self._watched: dict[str, Watched] = {}
        self._streams: dict[str, Ticks] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._beats: asyncio.Task[None] | None = None

    @property
    def instruments(self) -> list[str]:
        """That are subscribed."""
        return list(self._watched)

    def follow(self, instrument: str) -> Watched:
        """``leave`` must follow. Raises ValueError for what is no instrument."""
        watched = self._watched.get(instrument)
        if watched is None:
            if instrument.endswith("*"):
                raise ValueError(f"{instrument!r} is no instrument")
            stream = self._client.ticks(instrument)
            watched = self._watched[instrument] = Watched(instrument)
            self._streams[instrument] = stream
            self._tasks[instrument] = [
                asyncio.create_task(self._take(watched, stream)),
                asyncio.create_task(self._begin(watched)),
            ]
        watched.users += 1
        if self._beats is None:
            self._beats = asyncio.create_task(self._beat())
        return watched

    def leave(self, instrument: str) -> None:
        """The last one who leaves gives the subscription back."""
        watched = self._watched[instrument]
        watched.users -= 1
        if watched.users:
            return
        del self._watched[instrument]
        self._streams.pop(instrument).close()
        for task in self._tasks.pop(instrument):
            task.cancel()
        if not self._watched and self._beats is not None:
            self._beats.cancel()
            self._beats = None

    async def close(self) -> None:
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        if self._beats is not None:
            tasks.append(self._beats)
        for stream in self._streams.values():
            stream.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, watched: Watched, stream: Ticks) -> None:
        async for item in stream:
            watched.followed.take(item, time.monotonic())

    async def _begin(self, watched: Watched) -> None:
        """What the recorder has of the time before; without one the line begins now."""
        with suppress(Refused, Unavailable):
            watched.series.begin([point async for point in self._earlier(watched.instrument)])
            watched.number += 1

    async def _earlier(self, instrument: str) -> AsyncIterator[tuple[float, float]]:
        client = self._client
        codec = client.catalogue.codec("DepthMarketData")
        since_ns, count = time.time_ns() - int(SPAN_S * 1e9), 0
        found = client.history.ticks(instrument, since_ns=since_ns, limit=_MOST_EARLIER)
        async for item in found:
            count += 1
            if count % 500 == 0:
                await asyncio.sleep(0)
            if isinstance(item, Tick) and item.layout == client.catalogue.layout_id:
                price = codec.get(item.body, "LastPrice")
                if isinstance(price, float):
                    yield item.recv_ns / 1e6, price

    async def _beat(self) -> None:
        while True:
            now, flows = time.monotonic(), flowing(self._lights())
            for watched in list(self._watched.values()):
                try:
                    watched.beat(self._client, now, flows)
                except Exception:  # one tick that cannot be read must not end all others
                    log.exception("a tick is not shown")
            await asyncio.sleep(BEAT_S)


def flowing(lights: Iterable[Light]) -> bool:
    """Whether ticks can come: of one feed at least no light is red."""
    feeds: dict[str, bool] = {}
    for light in lights:
        kind, _, program = light.name.partition(".")
        if kind in _OF_FEEDS:
            well = light.colour is not Colour.RED
            feeds[program] = feeds.get(program, True) and well
    return not feeds or any(feeds.values())
