"""Ticks on their way from the bus to the sockets: the hot path."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from bus.frames import BEAT, HEADER, Message, message_type, unpack_message
from bus.stats import buckets

from .counters import Counters
from .dialect import TickFrames
from .envelope import STYLES, Style
from .notices import GapReason
from .outbox import Outbox

_HEAD: Final = struct.Struct("<IQ8xQH")  # of the header: epoch, seq, sent_ns, type
_TICK: Final = message_type("OnRtnDepthMarketData")
_UNMEASURED: Final = 3  # of the seq's bits: one tick of four is measured, which takes 0.4 us
_NO_FRAMES: Final[list[bytes | None]] = [None] * len(STYLES)


class Fetch(Protocol):
    """Calls md_worker's verb Snapshot. ``on_message`` gets the last message of each instrument that
    has one; then, or when nobody answers, comes ``done``, with whether it was answered."""

    def __call__(
        self,
        names: Sequence[str],
        on_message: Callable[[bytes], None],
        done: Callable[[bool], None],
    ) -> None: ...


def _fetch_nothing(names: Sequence[str], on_message: Any, done: Callable[[bool], None]) -> None:
    done(False)


def _pass(instrument: Instrument, message: bytes) -> None:
    pass


class Instrument:
    """One topic that sockets of this edge want.

    outboxes  those that get its messages
    claims    requests about it that are not answered yet
    answered  whether the front has accepted it, ``info`` its RspInfo (None: it gave none)
    last      the newest message as it came (None: nothing since the front was lost)
    epoch, seq   up to where its ticks have come, or are told as lost
    heard     when its last heartbeat came, or the wait for one began, on the board's clock
    """

    __slots__ = (
        "answered",
        "claims",
        "epoch",
        "heard",
        "info",
        "last",
        "name",
        "outboxes",
        "seq",
        "topic",
    )

    def __init__(self, name: str, topic: bytes) -> None:
        self.name, self.topic = name, topic
        self.outboxes: dict[Outbox, None] = {}
        self.claims = 0
        self.answered = False
        self.info: bytes | None = None
        self.last: bytes | None = None
        self.epoch = self.seq = 0
        self.heard = 0.0

    @property
    def place(self) -> tuple[int, int]:
        return self.epoch, self.seq


class Board:
    """The instruments of one family of topics, shared by all sockets.

    An instrument is subscribed on the bus as long as a socket has it or a claim stands.
    """

    def __init__(
        self,
        topic_of: Callable[[str], str],
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
    ) -> None:
        self._topic_of, self._subscribe, self._unsubscribe = topic_of, subscribe, unsubscribe
        self.instruments: dict[bytes, Instrument] = {}

    def claim(self, name: str) -> Instrument:
        """The instrument, subscribed from now on; ``unclaim`` must follow."""
        topic = self._topic_of(name).encode()
        instrument = self.instruments.get(topic)
        if instrument is None:
            instrument = self.instruments[topic] = Instrument(name, topic)
            self._subscribe(topic)
        instrument.claims += 1
        return instrument

    def unclaim(self, instrument: Instrument) -> None:
        instrument.claims -= 1
        self._release(instrument)

    def leave(self, instrument: Instrument, outbox: Outbox) -> None:
        """This socket gets nothing of it any more, from now on."""
        instrument.outboxes.pop(outbox, None)
        outbox.drop(instrument)
        self._release(instrument)

    def forget_front(self) -> None:
        """The front is away, or md_worker is a new one: what it has said counts no more, and its
        last ticks are old. Who has an instrument keeps it: md_worker subscribes it again."""
        for instrument in self.instruments.values():
            instrument.answered, instrument.info, instrument.last = False, None, None

    def renew(self, instrument: Instrument) -> None:
        """Its subscription on the bus was lost: make it anew."""
        self._unsubscribe(instrument.topic)
        self._subscribe(instrument.topic)

    def _release(self, instrument: Instrument) -> None:
        unused = not instrument.outboxes and not instrument.claims
        if unused and self.instruments.pop(instrument.topic, None) is not None:
            self._unsubscribe(instrument.topic)


class QuoteBoard(Board):
    """The board of calls for quotes: rare, and each one counts, so none is left out."""

    def __init__(
        self,
        topic_of: Callable[[str], str],
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        render: Callable[[Message, Style], bytes | None],
    ) -> None:
        super().__init__(topic_of, subscribe, unsubscribe)
        self._render = render

    def on_message(self, frame: bytes) -> None:
        message = unpack_message(frame)
        instrument = self.instruments.get(message.topic.encode())
        for outbox in [] if instrument is None else list(instrument.outboxes):
            text = self._render(message, STYLES[outbox.style_index])
            if text is not None:
                outbox.send(text)


class TickBoard(Board):
    """The board of ticks: renders each once for all sockets that want it in the same style.

    Ticks that come in one turn of the loop (``take``) are written at its end (``flush``), one write
    for each socket. A tick that comes alone waits for nothing.

    heard  when the last heartbeat of any instrument came; 0: none yet
    bus_delays, write_delays   of live ticks, see bus/stats.py
    """

    def __init__(
        self,
        topic_of: Callable[[str], str],
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        frames: TickFrames,
        counters: Counters,
        *,
        fetch: Fetch = _fetch_nothing,
        first: Callable[[Instrument, bytes], None] = _pass,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``first`` is called with the first tick of an instrument since it was subscribed or the
        front was forgotten, before anybody gets it."""
        super().__init__(topic_of, subscribe, unsubscribe)
        self.frames, self._counters = frames, counters
        self._fetch, self._first, self._now = fetch, first, now
        self.heard = 0.0
        self.bus_delays, self.write_delays = buckets(), buckets()
        self._taken_ns = 0
        self._epoch = 0
        self._waiting: list[tuple[Instrument, bytes]] = []
        self._behind: dict[Instrument, tuple[int, int]] = {}
        self._fetching = False

    def on_message(self, message: bytes) -> None:
        """A message that comes alone: a snapshot, say."""
        self.take(message)
        self.flush()

    def take(self, message: bytes) -> None:
        """A live tick, or a snapshot of the same form, or a heartbeat; ``flush`` must follow. 8 µs,
        and the writes."""
        end = message.find(b"\0")
        instrument = self.instruments.get(message[:end])
        if instrument is None:
            return  # unsubscribed a moment ago
        epoch, seq, sent_ns, kind = _HEAD.unpack_from(message, end + 1)
        usual = seq == instrument.seq + 1 and epoch == instrument.epoch == self._epoch
        if usual and kind == _TICK:  # none that was asked for: it is old
            if not seq & _UNMEASURED:
                self._taken_ns = time.time_ns()
                self.bus_delays[(self._taken_ns - sent_ns).bit_length()] += 1
        elif not self._step(instrument, epoch, seq, kind):
            return
        raw = self.frames.checked(message[end + 1 + HEADER.size :])
        instrument.seq = seq
        if instrument.last is None:
            self._first(instrument, message)
        instrument.last = message
        self._counters.ticks += 1
        if instrument.outboxes:
            self._waiting.append((instrument, raw))

    def flush(self) -> None:
        """Write what was taken."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            if len(waiting) == 1:
                self._write(*waiting[0])
            else:
                self._write_joined(waiting)
            if self._taken_ns:
                self.write_delays[(time.time_ns() - self._taken_ns).bit_length()] += 1
                self._taken_ns = 0
        if self._behind and not self._fetching:
            self._catch_up()

    def send_last(self, instrument: Instrument, outbox: Outbox) -> None:
        """What this edge has seen last, to one socket."""
        if instrument.last is not None:
            frame = self.frames.frame(outbox.style_index, _struct(instrument.last))
            outbox.tick(instrument, frame)

    def payload(self, message: bytes) -> bytes:
        """The struct of a complete tick message as JSON."""
        return self.frames.json(_struct(message))

    # -- writing -----------------------------------------------------------------------------

    def _write(self, instrument: Instrument, raw: bytes) -> None:
        frames = _NO_FRAMES.copy()
        count = 0
        for outbox in instrument.outboxes:
            index = outbox.style_index
            frame = frames[index]
            if frame is None:
                frame = frames[index] = self.frames.frame(index, raw)
            if outbox.ready:
                try:
                    outbox.write(frame)
                except Exception:
                    outbox.fail()
                count += 1
            else:
                outbox.keep(instrument, frame)
        self._counters.deliveries += count
        self._counters.writes += count

    def _write_joined(self, waiting: list[tuple[Instrument, bytes]]) -> None:
        joining: list[Outbox] = []
        count = 0
        for instrument, raw in waiting:
            frames = _NO_FRAMES.copy()
            for outbox in instrument.outboxes:
                index = outbox.style_index
                frame = frames[index]
                if frame is None:
                    frame = frames[index] = self.frames.frame(index, raw)
                if outbox.ready:
                    if not outbox.joining:
                        joining.append(outbox)
                    outbox.joining.append(frame)
                    count += 1
                else:
                    outbox.keep(instrument, frame)
        for outbox in joining:
            joined, outbox.joining = outbox.joining, []
            try:
                outbox.write(b"".join(joined))
            except Exception:
                outbox.fail()
        self._counters.deliveries += count
        self._counters.writes += len(joining)

    # -- what is missing ---------------------------------------------------------------------

    def _step(self, instrument: Instrument, epoch: int, seq: int, kind: int) -> bool:
        """Anything but the next tick. Whether it is a tick to deliver."""
        if kind == BEAT:
            self._on_beat(instrument, epoch, seq)
            return False
        if kind != _TICK or epoch < self._epoch:
            return False
        if (epoch, seq) <= instrument.place:
            return False
        self._skip_to(instrument, epoch, seq - 1)
        return True

    def _on_beat(self, instrument: Instrument, epoch: int, seq: int) -> None:
        """md_worker says how far it has published: what has not come by now never will."""
        instrument.heard = self.heard = self._now()
        if epoch < self._epoch or (epoch, seq) <= instrument.place:
            return
        if not seq:
            self._skip_to(instrument, epoch, 0)
        elif instrument.outboxes:
            self._behind[instrument] = (epoch, seq)

    def _skip_to(self, instrument: Instrument, epoch: int, seq: int) -> None:
        """What has not come up to here is lost."""
        if epoch == instrument.epoch:
            missing = seq - instrument.seq
            self._counters.ticks_lost += missing
            self._tell(instrument, missing, "lost")
        elif instrument.epoch:
            self._tell(instrument, None, "restarted")
        instrument.epoch, instrument.seq = epoch, seq
        self._epoch = max(self._epoch, epoch)

    def _tell(self, instrument: Instrument, missing: int | None, reason: GapReason) -> None:
        if any(outbox.tells_gaps for outbox in instrument.outboxes):
            self.flush()
            for outbox in instrument.outboxes:
                if outbox.tells_gaps:
                    outbox.gap(instrument, missing, reason)

    def _catch_up(self) -> None:
        """The newest tick of those that have fallen behind."""
        behind = {
            instrument: place
            for instrument, place in self._behind.items()
            if place > instrument.place and instrument.outboxes
        }
        self._behind = {}
        if not behind:
            return
        self._counters.tails_lost += sum(bool(instrument.epoch) for instrument in behind)

        def done(answered: bool) -> None:
            self._fetching = False
            for instrument, place in behind.items() if answered else ():
                if place > instrument.place and place[0] >= self._epoch:
                    self._skip_to(instrument, *place)  # not even the newest one is kept
            self.flush()

        self._fetching = True
        self._fetch([instrument.name for instrument in behind], self.on_message, done)


def _struct(message: bytes) -> bytes:
    return message[message.find(b"\0") + 1 + HEADER.size :]
