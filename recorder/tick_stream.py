"""The stream "ticks": every tick that flows, in order, healed where it can be.

Ticks that md_merge calls late are older than what it published before. They have files of their
own, so that the others stay in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import zmq

from bus.client.calls import Calls
from bus.endpoints import Addresses
from bus.errors import Refused, Unavailable
from bus.frames import (
    BEAT,
    HEADER,
    FrameError,
    Row,
    message_type,
    state_topic,
    tick_topic,
    unpack_message,
)
from bus.healing import answer_s
from bus.orders import Place
from bus.rpc import Caller, OnRow, OnSilence
from bus.security import Keys
from bus.since import Since
from bus.stats import buckets
from bus.subscriber import Subscriber
from bus.timers import Later

from .days import Days
from .line import TICK, Line
from .streams import Counters
from .ticks.store import TickStore

log = logging.getLogger("recorder")

_PREFIXES: Final = ("tick/", "late/")
_STATE: Final = state_topic("md_worker").encode() + b"\0"
_MESSAGE: Final = message_type("Message")
_SINCE: Final = message_type("Since")
_AT_ONCE: Final = 256  # questions that wait for md_worker; the rest comes with the next try
_AGAIN_S: Final = 0.5
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode


class TickStream:
    """``store`` has the ticks, ``late`` those of ``late/`` topics. ``instruments``: subscribed at
    the front for the sake of this stream.

    healed  ticks that were lost on the way and came by the second one
    gaps    ticks that were published and that nobody has any more
    heard   when md_worker's state came last, on the clock ``now``
    delays  of live ticks, from being published until they are in the files, see bus/stats.py
    """

    name = "ticks"

    def __init__(
        self,
        context: zmq.Context[Any],
        addresses: Addresses,
        keys: Keys | None,
        stores: tuple[TickStore, TickStore],
        days: Days,
        instruments: list[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.later: Later = loop.call_later
        self.now: Callable[[], float] = loop.time
        self.store, self.late = stores
        self.healed = self.gaps = 0
        self.heard = 0.0
        self.delays = buckets()
        self._unwritten = self._oldest_ns = 0
        self.healing = True
        self.answer_s = answer_s(addresses.md_rpc)
        self._context, self._addresses, self._keys = context, addresses, keys
        self._days, self._instruments = days, instruments
        self._lines: dict[bytes, Line] = {}
        self._marking: dict[Line, None] = {}
        self._received = self._last_ns = 0
        self._lost_now: dict[str, int] = {}
        self._asking = 0
        self._subscriber: Subscriber | None = None
        self._caller: Caller | None = None
        self._calls: Calls | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._doubtful: dict[Line, None] = {}  # whose place md_worker has to say
        self._gone_back = 0

    @property
    def counters(self) -> Counters:
        stores = (self.store, self.late)
        return Counters(
            received=self._received,
            written=sum(store.ticks for store in stores),
            lost=self.gaps + sum(store.lost for store in stores),
            last_ns=self._last_ns,
        )

    @property
    def instruments(self) -> int:
        """How many are known of."""
        return len(self._lines)

    @property
    def on(self) -> bool:
        """Between ``start`` and ``stop``."""
        return self._calls is not None

    @property
    def unhandled(self) -> int:
        return 0 if self._subscriber is None else self._subscriber.unhandled

    @property
    def behind(self) -> bool:
        """More ticks wait than are taken in one go."""
        return self._subscriber is not None and self._subscriber.behind

    def start(self) -> None:
        addresses, keys = self._addresses, self._keys
        self._caller = Caller(self._context, addresses.md_rpc, "md_worker", keys)
        self._calls = Calls(self._caller, self.later)
        self._subscriber = Subscriber(
            self._context,
            addresses.md_pub,
            self._on_frame,
            keys=keys,
            high_water=addresses.high_water,
        )
        self._resume()
        for prefix in (*_PREFIXES, *map(tick_topic, self._instruments), state_topic("md_worker")):
            self._subscriber.subscribe(prefix.encode())
        self._doubt(self._lines.values())

    def stop(self) -> None:
        assert self._subscriber is not None
        assert self._caller is not None
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._doubtful.clear()
        self._subscriber.close()
        for line in self._lines.values():
            line.stream.close()
        self._calls = None
        self._caller.close()
        self.flush()
        self.store.close()
        self.late.close()
        self._lines.clear()
        self._asking = 0

    def flush(self) -> None:
        """Write what has come."""
        if self._lost_now:
            self._say_lost()  # first: who is killed before the mark is written says it once more
        for line in list(self._marking):
            if line.key[0]:  # nothing came behind it
                line.mark(line.key[0], time.time_ns())
                line.missing.clear()
        self._marking.clear()
        self.store.flush()
        self.late.flush()
        if self._unwritten:  # all of them by the oldest one
            self.delays[(time.time_ns() - self._oldest_ns).bit_length()] += self._unwritten
            self._unwritten = self._oldest_ns = 0

    def _say_lost(self) -> None:
        lost, self._lost_now = self._lost_now, {}
        topic = max(lost, key=lost.__getitem__)
        fields = {"ticks": sum(lost.values()), "topics": len(lost), "most": topic}
        log.warning("ticks lost", extra={"fields": fields | {"lost": self.counters.lost}})

    # -- what comes ------------------------------------------------------------------------------

    def _on_frame(self, frame: bytes) -> None:
        end = frame.find(b"\0")
        line = self._lines.get(frame[:end])
        epoch, seq, recv_ns, sent_ns, kind, layout, _ = HEADER.unpack_from(frame, end + 1)
        if line is None:
            if frame.startswith(_STATE):
                self.heard = self.now()
                return
            line = self._joined(frame[:end])
        if kind == TICK and line.stream.passes(epoch, seq):
            body = end + 1 + HEADER.size
            self._keep(line, frame[end + 1 : body], frame[body:], recv_ns, layout)
            self._unwritten += 1
            self._oldest_ns = min(self._oldest_ns or sent_ns, sent_ns)
        elif epoch < line.stream.place[0]:
            self._doubt([line])
        elif kind != BEAT or line.stream.place != (epoch, seq):
            with contextlib.suppress(FrameError):
                line.on_frame(unpack_message(frame))

    def keep(self, line: Line, header: bytes, body: bytes) -> None:
        _, _, recv_ns, _, _, layout, _ = HEADER.unpack(header)
        self._keep(line, header, body, recv_ns, layout)

    def _keep(self, line: Line, header: bytes, body: bytes, recv_ns: int, layout: int) -> None:
        self._received += 1
        self._last_ns = recv_ns
        if layout == self._days.layout and len(body) == self._days.size:
            day = line.day_of(body, recv_ns)
        else:
            day = self._days.at(line.instrument, recv_ns)
        if day != line.key[0]:
            self._turn(line, day, recv_ns)
        if line.missing and line.store.begin(line.key, layout, len(body), line.missing[0].epoch):
            line.mark(day, recv_ns)
            line.missing.clear()
        line.store.put(line.key, header, body)

    def _turn(self, line: Line, day: str, recv_ns: int) -> None:
        """Another trading day. What is missing may be of either."""
        if line.key[0]:
            line.mark(line.key[0], recv_ns)
        line.key = (day, line.instrument)

    def on_healed(self) -> None:
        self.healed += 1

    def on_lost(self, line: Line, missing: int) -> None:
        topic = line.stream.topic
        self.gaps += missing
        self._lost_now[topic] = self._lost_now.get(topic, 0) + missing

    def on_missing(self, line: Line) -> None:
        self._marking[line] = None

    # -- lines -----------------------------------------------------------------------------------

    def _joined(self, topic: bytes) -> Line:
        """A topic that was not heard of before."""
        line = self._made(topic)
        store = line.store
        for day in reversed(store.days()):
            if self._follow(line, day):
                break
        return line

    def _made(self, topic: bytes) -> Line:
        name = topic.decode("utf-8", "replace")
        instrument = name.partition("/")[2].removesuffix("/")
        store = self.late if name.startswith("late/") else self.store
        line = Line(name, instrument, store, self._days.of(instrument), self)
        self._lines[topic] = line
        return line

    def _resume(self) -> None:
        """The lines of the last day that there is a file of: who was there before a restart."""
        for prefix, store in zip(_PREFIXES, (self.store, self.late), strict=True):
            for day in store.days()[-1:]:
                for instrument in store.instruments(day):
                    self._follow(self._made(f"{prefix}{instrument}/".encode()), day)

    def _follow(self, line: Line, day: str) -> bool:
        try:
            place = line.store.last(day, line.instrument)
        except OSError as exc:
            fields = {"day": day, "instrument": line.instrument, "error": exc.strerror}
            log.error("a file of ticks could not be read", extra={"fields": fields})
            place = None
        if place is not None:
            line.follow(day, place)
        return place is not None

    # -- md_worker -------------------------------------------------------------------------------

    def ask(self, topic: str, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        if self._calls is None or self._asking >= _AT_ONCE:
            raise Unavailable("md_worker")

        def row(row: Row) -> None:
            if row.type != _MESSAGE:
                self._asking = max(0, self._asking - 1)  # a stop has forgotten it
            on_row(row)

        def silence(why: str) -> None:
            self._asking = max(0, self._asking - 1)
            on_silence(why)

        body = msgspec.msgpack.encode(Since(topic, place.epoch, place.seq))
        self._calls.start("Since", row, silence, self.answer_s, body=body)
        self._asking += 1

    def _doubt(self, lines: Iterable[Line]) -> None:
        """Ask how far these have come, one after the other."""
        self._doubtful.update(dict.fromkeys(lines))
        if self._calls is None or not self._doubtful:
            return
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """What was missed before the start, also of topics on which nothing comes any more; and
        whether a lower epoch is that of now."""
        while self._doubtful:
            line = next(iter(self._doubtful))
            while not await self._reached(line):
                await asyncio.sleep(_AGAIN_S)
            self._doubtful.pop(line, None)

    async def _reached(self, line: Line) -> bool:
        place = line.stream.place
        calls, topic = self._calls, line.stream.topic
        if calls is None or place == (0, 0):
            return True

        def on_row(row: Row) -> None:
            if row.type == _MESSAGE:
                message = unpack_message(row.body)
                self.healed += (message.epoch, message.seq) > line.stream.place
                line.on_frame(message)

        body = msgspec.msgpack.encode(Since(topic, *place))
        try:
            last = await calls.ask("Since", on_row, self.answer_s, body=body)
        except Unavailable:
            return False
        except Refused:
            return True
        if last.type == _SINCE:
            reached = _decode_place(last.body)
            if reached.epoch < place[0] == line.stream.place[0]:
                self._go_back(line, reached.epoch)
            line.reach((reached.epoch, reached.seq))
        return True

    def _go_back(self, line: Line, epoch: int) -> None:
        """md_worker has lost its count, or the files are of another one. Its ticks are kept."""
        if epoch != self._gone_back:
            self._gone_back = epoch
            fields = {"epoch": epoch, "on_record": line.stream.place[0], "topic": line.stream.topic}
            log.warning("md_worker's epoch is below that of the files", extra={"fields": fields})
        line.go_back(epoch, time.time_ns())
