"""The way of a tick from the API's callback to the bus: the hot path."""

from __future__ import annotations

import logging
import time
from typing import Final

from bus.frames import Flag, message_type, tick_topic
from bus.publisher import Publisher, Stream
from schemas.layout import Layout

log = logging.getLogger("md_worker")

TICK: Final = message_type("OnRtnDepthMarketData")
_FLAGS: Final = int(Flag.HAS_FIELD)
_MAX_KEYS: Final = 65_536


class TickPublisher:
    """Publishes the raw struct of each tick on the topic of its instrument. ``accept`` runs on the
    API's thread.

    ``count`` is of the ticks that came, ``failed`` of those that could not be published,
    ``last_ns`` when the last one came (0: none yet).
    """

    def __init__(self, publisher: Publisher, layout: Layout) -> None:
        instrument = next(field for field in layout.fields if field.name == "InstrumentID")
        self._begin, self._end = instrument.offset, instrument.offset + instrument.size
        self._publisher, self._delays = publisher, publisher.delays
        # By the whole field: cutting it at its NUL for each tick would cost 0.3 us. Bytes behind
        # the NUL may differ, then several keys lead to one stream.
        self._streams: dict[bytes, Stream] = {}
        self.count = self.failed = self.last_ns = self._sampled = 0

    def accept(self, raw: bytes, recv_ns: int) -> None:
        self.count += 1
        self.last_ns = recv_ns
        try:
            key = raw[self._begin : self._end]
            stream = self._streams.get(key) or self._find(key)
            self._publisher.publish(stream, TICK, _FLAGS, raw, recv_ns)
            self._delays[(time.time_ns() - recv_ns).bit_length()] += 1
        except Exception:
            # Older bindings abort the process when a callback raises.
            self.failed += 1
            if self.failed & (self.failed - 1) == 0:  # 1, 2, 4 …
                log.exception("ticks were lost", extra={"fields": {"count": self.failed}})

    def last(self, instrument: str) -> bytes | None:
        """The last message of an instrument, complete as published."""
        return self._publisher.last(tick_topic(instrument))

    def forget(self, instrument: str) -> None:
        """The front no longer sends it, so its last tick is no longer the last."""
        self._publisher.forget(tick_topic(instrument))

    def instruments(self) -> list[str]:
        """Those with a last tick."""
        names = {self._name(key) for key in list(self._streams)}
        return sorted(name for name in names if self.last(name) is not None)

    def sample(self, most: int) -> list[bytes]:
        """The last messages of some instruments, of others each time."""
        streams = list(self._streams.values())
        begin = self._sampled = (self._sampled + most) % max(1, len(streams))
        chosen = (streams[begin:] + streams[:begin])[:most]
        return [message for stream in chosen if (message := stream.last) is not None]

    def _find(self, key: bytes) -> Stream:
        if len(self._streams) >= _MAX_KEYS:
            self._streams.clear()
        stream = self._publisher.stream(tick_topic(self._name(key)))
        self._streams[key] = stream
        return stream

    @staticmethod
    def _name(key: bytes) -> str:
        return key.partition(b"\0")[0].decode("gb18030", "replace")
