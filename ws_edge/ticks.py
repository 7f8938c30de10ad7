"""Ticks on their way from the bus to the sockets: the hot path."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from bus.frames import HEADER, Message, message_type, unpack_message

from .counters import Counters
from .envelope import STYLES, TICK_HEADS, Style
from .frames import text_frame
from .outbox import Outbox

_HEAD: Final = struct.Struct("<IQ16xH")  # epoch, seq and type, out of the header
_TICK: Final = message_type("OnRtnDepthMarketData")


class Instrument:
    """One topic that sockets of this edge want.

    outboxes  those that get its messages
    claims    requests about it that are not answered yet
    answered  whether the front has accepted it, ``info`` its RspInfo (None: it gave none)
    last      the newest message as it came, and its place
    """

    __slots__ = ("answered", "claims", "epoch", "info", "last", "name", "outboxes", "seq", "topic")

    def __init__(self, name: str, topic: bytes) -> None:
        self.name, self.topic = name, topic
        self.outboxes: dict[Outbox, None] = {}
        self.claims = 0
        self.answered = False
        self.info: bytes | None = None
        self.last: bytes | None = None
        self.epoch = self.seq = 0


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
    """The board of ticks: renders each once for all sockets."""

    def __init__(
        self,
        topic_of: Callable[[str], str],
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        json: Callable[[bytes], bytes],
        counters: Counters,
    ) -> None:
        super().__init__(topic_of, subscribe, unsubscribe)
        self._json, self._counters = json, counters

    def on_message(self, message: bytes) -> None:
        """A live tick, or a snapshot of the same form. 8 µs, and the writes."""
        end = message.find(b"\0")
        instrument = self.instruments.get(message[:end])
        if instrument is None:
            return  # unsubscribed a moment ago
        epoch, seq, kind = _HEAD.unpack_from(message, end + 1)
        if kind != _TICK:
            return
        if seq != instrument.seq + 1 or epoch != instrument.epoch:
            if (epoch, seq) <= (instrument.epoch, instrument.seq):
                return
            if epoch == instrument.epoch:
                self._counters.ticks_lost += seq - instrument.seq - 1
            instrument.epoch = epoch
        instrument.seq = seq
        instrument.last = message
        self._counters.ticks += 1
        if instrument.outboxes:
            json = self._json(message[end + 1 + HEADER.size :])
            frames: list[bytes | None] = [None] * len(STYLES)
            for outbox in instrument.outboxes:
                index = outbox.style_index
                frame = frames[index]
                if frame is None:
                    frame = frames[index] = text_frame(b"%b%b}" % (TICK_HEADS[index], json))
                outbox.tick(instrument, frame)

    def send_last(self, instrument: Instrument, outbox: Outbox) -> None:
        """What this edge has seen last, to one socket."""
        if instrument.last is not None:
            text = self.text(instrument.last, outbox.style_index)
            outbox.tick(instrument, text_frame(text))

    def text(self, message: bytes, style_index: int) -> bytes:
        return b"%b%b}" % (TICK_HEADS[style_index], self.payload(message))

    def payload(self, message: bytes) -> bytes:
        """The struct of a complete tick message as JSON."""
        return self._json(message[message.find(b"\0") + 1 + HEADER.size :])
