"""What has been, from the recorder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Final, Generic, TypeVar

import msgspec
import zmq

from .. import history as verbs
from ..errors import Unavailable
from ..frames import HEADER, Row, account_topic, message_type, tick_topic
from ..history import Answered, Event, TickBlock
from ..orders import Place
from ..rpc import Caller
from .calls import Calls
from .items import Gap, Return, Tick
from .way import Way

_PAGE: Final = 2048  # ticks; so many at a time are in this program's memory
_ANSWERS: Final = 20
_AGAIN_S: Final = 0.05
_PATIENCE_S: Final = 10.0
_GAP: Final = message_type("Gap")
_block: Final = msgspec.msgpack.Decoder(TickBlock).decode
_ticks_end: Final = msgspec.msgpack.Decoder(verbs.TicksEnd).decode
_page_end: Final = msgspec.msgpack.Decoder(verbs.Page).decode
_events: Final = msgspec.msgpack.Decoder(list[Event]).decode
_answers: Final = msgspec.msgpack.Decoder(list[Answered]).decode

T = TypeVar("T")


class Found(Generic[T]):
    """``await`` gives a list of all, ``async for`` the same one by one: the next ones are asked for
    when they are needed. Either raises Refused, and Unavailable after some seconds without a
    recorder."""

    def __init__(self, pages: Callable[[], AsyncIterator[list[T]]]) -> None:
        self._pages = pages

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._all().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self._pages():
            for item in page:
                yield item

    async def _all(self) -> list[T]:
        return [item async for page in self._pages() for item in page]


class History:
    """``client.history``. ``day``: a trading day, "20261123", or "" for the one of now; what is
    not on record is not among the results, and what nobody has any more is a Gap."""

    def __init__(self, context: zmq.Context[Any], way: Way) -> None:
        address = way.addresses.rec_rpc
        self._caller = Caller(context, address, "recorder", way.keys)
        self._calls = Calls(self._caller, asyncio.get_running_loop().call_later)

    def ticks(
        self,
        instrument: str,
        *,
        day: str = "",
        since_ns: int = 0,
        after: Place | None = None,
        limit: int = 0,
    ) -> Found[Tick | Gap]:
        """Ticks of one instrument as they were published, in their order: those received at
        ``since_ns`` (Unix time) or later, behind ``after``, at most ``limit`` of them (0: all).

        A Gap with ``first`` 0 and ``last`` None: nobody knows how many are missing."""
        question = verbs.Ticks(
            instrument=instrument, day=day, since_ns=since_ns, after=after, limit=limit
        )
        return Found(lambda: self._tick_pages(question))

    def ticks_json(
        self,
        instrument: str,
        *,
        day: str = "",
        since_ns: int = 0,
        after: Place | None = None,
        limit: int = 0,
    ) -> Found[bytes]:
        """The same as JSON arrays of the objects that ws_edge sends. Gaps are not told."""
        question = verbs.Ticks(
            instrument=instrument,
            day=day,
            since_ns=since_ns,
            after=after,
            limit=limit,
            form="json",
        )
        return Found(lambda: self._json_pages(question))

    async def last_ticks(self, *instruments: str) -> list[Tick | None]:
        """The newest tick on record of each, from whichever day; None: there is none."""
        body = verbs.LastTicks(instruments=list(instruments))
        rows, last = await self._ask("LastTicks", body)
        blocks = (_block(row.body) for row in (*rows, last))
        found = (_items(name, block) for name, block in zip(instruments, blocks, strict=True))
        return [next((item for item in items if isinstance(item, Tick)), None) for items in found]

    def events(
        self,
        broker_id: str,
        user: str,
        stream: verbs.EventStream,
        *,
        instrument: str = "",
        day: str = "",
        slot: int = 0,
    ) -> Found[Return]:
        """Returns of an account's orders ("order_events") or trades ("trade_events"), of one
        instrument or of all, in their order. ``sent_ns`` is 0."""
        question = verbs.Events(
            broker=broker_id, user=user, stream=stream, instrument=instrument, day=day, slot=slot
        )
        topic = account_topic(broker_id, user, slot)
        return Found(lambda: self._event_pages(question, topic))

    def answers(
        self,
        broker_id: str,
        user: str,
        kind: verbs.AnswerKind,
        *,
        request_id: int | None = None,
        asker: str = "",
        latest: bool = False,
        day: str = "",
        slot: int = 0,
    ) -> Found[Answered]:
        """What the counter answered to the account's queries: to all of the day, to the one with
        ``request_id``, to those of who has attached as ``asker``, or the newest. Their rows are
        structs, see ``client.catalogue``."""
        question = verbs.Answers(
            broker=broker_id,
            user=user,
            kind=kind,
            request_id=request_id,
            latest=latest,
            day=day,
            slot=slot,
            limit=_ANSWERS,
            asker=asker,
        )
        return Found(lambda: self._answer_pages(question))

    def close(self) -> None:
        self._caller.close()

    async def _tick_pages(self, question: verbs.Ticks) -> AsyncIterator[list[Tick | Gap]]:
        before: Tick | Gap | None = None
        async for blocks in self._block_pages(question):
            items: list[Tick | Gap] = []
            for block in blocks:
                for item in _items(question.instrument, block):
                    items += _missing(before, item)
                    items.append(item)
                    before = item
            yield items

    async def _json_pages(self, question: verbs.Ticks) -> AsyncIterator[list[bytes]]:
        async for blocks in self._block_pages(question):
            yield [block.data for block in blocks if block.ticks]

    async def _block_pages(self, question: verbs.Ticks) -> AsyncIterator[list[TickBlock]]:
        left = question.limit or 1 << 62
        while True:
            page = msgspec.structs.replace(question, limit=min(left, _PAGE))
            rows, last = await self._ask("Ticks", page)
            blocks = [_block(row.body) for row in rows]
            yield blocks
            end = _ticks_end(last.body)
            left -= sum(block.ticks for block in blocks)
            if not (end.more and left):
                return
            # The day stays that of the first page.
            question = msgspec.structs.replace(question, day=end.day, after=end.place)

    async def _event_pages(self, question: verbs.Events, topic: str) -> AsyncIterator[list[Return]]:
        more = True
        while more:
            rows, last = await self._ask("Events", question)
            yield [_return(topic, event) for row in rows for event in _events(row.body)]
            end = _page_end(last.body)
            question = msgspec.structs.replace(question, day=end.day, after=end.after)
            more = end.more

    async def _answer_pages(self, question: verbs.Answers) -> AsyncIterator[list[Answered]]:
        more = True
        while more:
            rows, last = await self._ask("Answers", question)
            yield [answered for row in rows for answered in _answers(row.body)]
            end = _page_end(last.body)
            question = msgspec.structs.replace(question, day=end.day, after=end.after)
            more = end.more

    async def _ask(self, verb: str, question: msgspec.Struct) -> tuple[list[Row], Row]:
        """To ask again does no harm."""
        body, until = msgspec.msgpack.encode(question), time.monotonic() + _PATIENCE_S
        while True:
            rows: list[Row] = []
            try:
                ask: Awaitable[Row] = self._calls.ask(verb, rows.append, body=body)
                return rows, await ask
            except Unavailable:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(_AGAIN_S)


def _items(instrument: str, block: TickBlock) -> list[Tick | Gap]:
    topic, data = tick_topic(instrument), block.data
    items: list[Tick | Gap] = []
    for at in range(0, len(data) if block.size else 0, block.size or 1):
        epoch, seq, recv_ns, sent_ns, kind, layout, flags = HEADER.unpack_from(data, at)
        body = data[at + HEADER.size : at + block.size]
        if kind == _GAP:
            first = int.from_bytes(body[:8], "little")
            items.append(Gap(topic, epoch, first, seq if first else None, "lost"))
        else:
            items.append(Tick(topic, epoch, seq, recv_ns, sent_ns, kind, layout, flags, body))
    return items


def _missing(before: Tick | Gap | None, item: Tick | Gap) -> list[Gap]:
    """A record that is damaged left no mark."""
    if before is None or before.epoch != item.epoch:
        return []
    last = before.seq if isinstance(before, Tick) else before.last
    first = item.seq if isinstance(item, Tick) else item.first
    if last is None or first <= last + 1:
        return []
    return [Gap(item.topic, item.epoch, last + 1, first - 1, "lost")]


def _return(topic: str, event: Event) -> Return:
    return Return(
        topic,
        event.epoch,
        event.seq,
        event.recv_ns,
        0,
        message_type(event.callback),
        event.layout,
        event.flags,
        event.body,
    )
