"""Commands 1xxxxx: ticks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol

from bus.authcodes import Grant
from bus.client import Client as Bus
from bus.client import Tick
from bus.client.ticks import Ticks
from bus.stats import Buckets
from bus.subscriber import Subscriber
from bus.users import Right
from schemas.xtp.errors import XtpError
from schemas.xtp.instruments import Instrument, Instruments

from ..config import TcpConfig
from ..reply import Reply, many, status
from ..request import Request
from ..service import Client, Command
from ..stat import Failed, Stat
from .board import Quote, Write
from .front import CHECK_S, TOPIC, Front
from .scribe import Question, Scribe
from .shares import Shares, whose
from .subscribed import Subscribed

log = logging.getLogger("tcp_edge")

_DAY_S: Final = 5.0  # how late the turn of the day may be noticed
_LOOKED_UP: Final = 200  # codes, before other clients have their turn
_AT_ONCE: Final = 8  # of those that are written, or whose ticks are asked for: 30 to 250 us each
_NONE: Final = Reply(b"{}")
_NOT_IN_CODES: Final = frozenset("/*\0")
_LONGEST_CODE: Final = 80  # bytes

Key = tuple[str, str]  # code and exchange


class Access(Protocol):
    def grant(self, client: Client, request: Request, right: Right) -> Awaitable[Grant]:
        """Raises Failed."""

    def known(self, client: Client, request: Request, right: Right) -> Grant | None:
        """The same without waiting; None when that cannot be."""

    def stands(self, client: Client, right: Right) -> bool: ...


class Quotes:
    """``instruments``: the table of now. ``writer`` makes the writer of an instrument's ticks.
    ``foreign``: whether a tick of a code is of another exchange than this.
    ``listen`` makes the subscriber of the worker's state, which ``close`` closes. ``bus_delays``:
    where the time that ticks were on the bus is counted, see ``bus.stats``."""

    def __init__(
        self,
        config: TcpConfig,
        bus: Bus,
        *,
        access: Access,
        next_reqid: Callable[[], int],
        instruments: Callable[[], Instruments],
        writer: Callable[[Instrument], Write],
        foreign: Callable[[bytes, str], bool],
        scribe: Scribe,
        subscribed: Subscribed,
        today: Callable[[], str],
        listen: Callable[[Callable[[bytes], None]], Subscriber],
        bus_delays: Buckets,
    ) -> None:
        self._config, self._bus, self._access = config, bus, access
        self._next_reqid, self._instruments, self._today = next_reqid, instruments, today
        self._writer, self._foreign = writer, foreign
        self._scribe, self._subscribed = scribe, subscribed
        self._listen, self._bus_delays = listen, bus_delays
        self._front = Front(self._front_lost)
        self._quotes: dict[Key, Quote] = {}
        self._following: dict[Key, tuple[Ticks, asyncio.Task[None]]] = {}
        self._unfollowed: deque[Key] = deque()  # whose ticks are still to be asked for
        self._pushed: dict[Client, int] = {}
        self._shares = Shares(config.max_subscriptions_per_client)
        self._watches: list[asyncio.Task[None]] = []
        self._day = today()
        self.ticks = self.failed = 0

    @property
    def commands(self) -> Mapping[int, Command]:
        return {
            110001: self._subscribe,
            100001: self._latest,
            100002: self._all,
            100003: self._group,
        }

    async def start(self) -> None:
        self._follow(self._subscribed.read(self._day))
        self._state = self._listen(self._front.on_frame)
        self._state.subscribe(TOPIC.encode())
        self._watches = [
            asyncio.create_task(watch) for watch in (self._watch_front(), self._watch_day())
        ]

    async def close(self) -> None:
        self._unfollowed.clear()
        for watch in self._watches:
            watch.cancel()
        for _, task in self._following.values():
            task.cancel()
        self._state.close()
        await self._scribe.close()

    def gone(self, client: Client) -> None:
        if self._pushed.pop(client, None) is not None:
            for quote in self._quotes.values():
                quote.followers.pop(client, None)

    def describe(self) -> dict[str, object]:
        return {
            "subscribed": len(self._quotes),
            "stale": sum(quote.stale for quote in self._quotes.values()),
            "shares_refused": self._shares.refused,
            "front_up": self._front.up,
            "ticks": self.ticks,
            "ticks_failed": self.failed,
            "lists": self._scribe.answers,
            "lists_failed": self._scribe.failures,
        }

    # -- the commands ------------------------------------------------------------------------

    async def _subscribe(self, client: Client, request: Request) -> Reply:
        grant = await self._admit(client, request)
        push = request.rest.get("push") is True
        if push and client.push is None:
            raise Failed(Stat.BAD_REQUEST, "there are no pushes on wire v1")
        wanted = await self._wanted(request.params)
        new = {key: each for key, each in wanted.items() if key not in self._quotes}
        if len(self._quotes) + len(new) > self._config.max_subscriptions:
            most = self._config.max_subscriptions
            raise Failed(Stat.TOO_LARGE, f"more than {most} codes would be subscribed")
        self._shares.take(whose(grant, client.peer), len(new))
        reqid = self._next_reqid()
        self._follow(new)
        if new:
            self._subscribed.write(self._day, self._quotes)
        if push:
            self._push_to(client, [self._quotes[key] for key in wanted])
        return status(reqid)

    def _latest(self, client: Client, request: Request) -> Reply | Coroutine[Any, Any, Reply]:
        if self._config.quote_needs_authcode and not self._access.known(client, request, "quote"):
            return self._latest_to(client, request)
        return self._quote(client, request)

    async def _latest_to(self, client: Client, request: Request) -> Reply:
        await self._admit(client, request)
        return self._quote(client, request)

    def _quote(self, client: Client, request: Request) -> Reply:
        instrument = self._one(request.params)
        quote = self._quotes.get(_key(instrument))
        return _NONE if quote is None else quote.reply(client.codec)

    async def _group(self, client: Client, request: Request) -> Reply:
        await self._admit(client, request)
        records: list[bytes] = []
        for number, key in enumerate(await self._wanted(request.params), 1):
            quote = self._quotes.get(key)
            if quote is not None and quote.record:
                records.append(quote.record)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return await many(records, client.shape)

    async def _all(self, client: Client, request: Request) -> Reply:
        await self._admit(client, request)
        instrument = self._one(request.params)
        question = Question(
            day=self._today(),
            code=instrument.code,
            exchange=instrument.exchange,
            multiplier=instrument.multiplier,
            since=_count(request.params, "since"),
            limit=_count(request.params, "limit"),
            shape=client.shape,
            codec=client.codec or "zlib",
        )
        return await self._scribe.ask(question)

    async def _admit(self, client: Client, request: Request) -> Grant | None:
        """None where everybody may ask."""
        if not self._config.quote_needs_authcode:
            return None
        return await self._access.grant(client, request, "quote")

    # -- codes -------------------------------------------------------------------------------

    async def _wanted(self, params: Any) -> dict[Key, Instrument]:
        """Of one code or several, each once. Raises Failed."""
        items = params if isinstance(params, list) else [params]
        if not 1 <= len(items) <= self._config.max_codes:
            most = self._config.max_codes
            raise Failed(Stat.BAD_REQUEST, f"params is a list of 1 to {most} codes")
        wanted: dict[Key, Instrument] = {}
        for number, item in enumerate(items, 1):
            instrument = self._one(item)
            wanted[_key(instrument)] = instrument
            if number % _LOOKED_UP == 0:
                await asyncio.sleep(0)
        return wanted

    def _one(self, params: Any) -> Instrument:
        if not isinstance(params, dict):
            raise Failed(Stat.BAD_REQUEST, "params is an object with code and market")
        try:
            found = self._instruments().guess(params.get("code"), params.get("market"))
        except XtpError as exc:
            raise Failed(Stat(exc.stat), exc.detail) from None
        # On the bus "60*" are all codes that begin with 60.
        if not _NOT_IN_CODES.isdisjoint(found.code) or len(found.code.encode()) > _LONGEST_CODE:
            raise Failed(Stat.BAD_REQUEST, "code is no code")
        return found

    def _known(self, code: str, exchange: str) -> Instrument:
        return self._instruments().get(code, exchange) or Instrument(code, exchange)

    # -- ticks -------------------------------------------------------------------------------

    def _follow(self, keys: Iterable[Key]) -> None:
        """They are subscribed at once; their ticks are asked for in turn."""
        idle = not self._unfollowed
        for key in keys:
            self._quotes[key] = Quote(self._write_of(key), self._front)
            self._unfollowed.append(key)
        if idle:
            self._follow_some()

    def _follow_some(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._unfollowed))):
            key = self._unfollowed.popleft()
            ticks = self._bus.ticks(key[0])
            take = self._take(ticks, self._quotes[key], key[1])
            self._following[key] = ticks, asyncio.create_task(take)
        if self._unfollowed:
            asyncio.get_running_loop().call_soon(self._follow_some)

    def _write_of(self, key: Key) -> Write:
        """The table may come, and tell more of the instrument, after the subscription."""
        made: tuple[Instrument, Write] | None = None

        def write(raw: bytes, recv_ns: int) -> bytes:
            nonlocal made
            instrument = self._known(*key)
            if made is None or made[0] != instrument:
                made = instrument, self._writer(instrument)
            return made[1](raw, recv_ns)

        return write

    async def _take(self, ticks: Ticks, quote: Quote, exchange: str) -> None:
        async for item in ticks:
            if isinstance(item, Tick):
                self.ticks += 1
                delay = max(0, time.time_ns() - item.sent_ns)
                self._bus_delays[delay.bit_length()] += 1
            try:
                if isinstance(item, Tick) and self._foreign(item.body, exchange):
                    continue
                quote.take(item)
            except Exception:  # one that cannot be written or sent is no reason to miss the next
                self.failed += 1
                log.exception("a tick was not taken", extra={"fields": {"topic": item.topic}})

    def _push_to(self, client: Client, quotes: list[Quote]) -> None:
        self._pushed.setdefault(client, 0)
        for quote in quotes:
            quote.followers[client] = lambda record: self._push(client, record)
            if quote.record:
                self._push(client, quote.record)

    def _push(self, client: Client, record: bytes) -> None:
        assert client.push is not None
        if self._config.quote_needs_authcode and not self._access.stands(client, "quote"):
            return
        self._pushed[client] += 1
        client.push("tick", self._pushed[client], record)

    # -- the worker and the day ----------------------------------------------------------------

    async def _watch_front(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self._front.check()

    def _front_lost(self) -> None:
        for quote in list(self._quotes.values()):
            quote.front_lost()

    async def _watch_day(self) -> None:
        """Subscriptions live as long as the gateway's day."""
        while True:
            await asyncio.sleep(_DAY_S)
            if self._today() != self._day:
                self._turn_day()

    def _turn_day(self) -> None:
        self._day = self._today()
        for ticks, task in self._following.values():
            task.cancel()
            ticks.close()
        self._following.clear()
        self._unfollowed.clear()
        self._quotes.clear()
        self._shares.clear()
        self._pushed.clear()


def _key(instrument: Instrument) -> Key:
    return instrument.code, instrument.exchange


def _count(params: Any, name: str) -> int:
    value = params.get(name, 0)
    try:
        number = int(value) if not isinstance(value, bool | float) else -1
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 1 << 63:
        raise Failed(Stat.BAD_REQUEST, f"{name} is not a number")
    return number
