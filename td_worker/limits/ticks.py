"""The last ticks of the instruments that a price band asks for. No I/O."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from bus.frames import HEADER, tick_topic
from schemas.catalogue import Catalogue
from schemas.fields import plain, struct_of

_FIELDS: Final = ("LastPrice", "PreSettlementPrice", "UpperLimitPrice", "LowerLimitPrice")
_MOST: Final = 1000  # instruments; the one that was needed last of all makes room
_AGAIN_S: Final = 1.0


class Tick(NamedTuple):
    """``base``: the last price, before the day's first trade the settlement price. None: not
    known. ``at``: seconds of the monotonic clock when md_worker got it."""

    base: float | None
    upper: float | None
    lower: float | None
    at: float


class _Wanted:
    __slots__ = ("asked_at", "at", "body", "place", "tick")

    def __init__(self) -> None:
        self.asked_at = -_AGAIN_S
        self.at = 0.0
        self.place = (0, 0)  # epoch and seq
        self.body = b""
        self.tick: Tick | None = None  # the same, once it was asked for


class Ticks:
    """``unasked`` and ``unwanted``: instruments that the feed has to subscribe and ask for, or to
    leave; it takes them out."""

    def __init__(self, catalogue: Catalogue, clock_ns: Callable[[], int] = time.time_ns) -> None:
        layout = catalogue.layouts["DepthMarketData"]
        self._fields = [field for field in layout.fields if field.name in _FIELDS]
        self._struct = struct_of(layout, _FIELDS)
        self._layout_id, self._clock_ns = catalogue.layout_id, clock_ns
        self._wanted: OrderedDict[bytes, _Wanted] = OrderedDict()
        self.unasked: list[str] = []
        self.unwanted: list[str] = []

    def __len__(self) -> int:
        return len(self._wanted)

    def clear(self) -> None:
        """Nobody follows anything any more."""
        self._wanted.clear()
        self.unasked.clear()
        self.unwanted.clear()

    def want(self, instruments: Iterable[str], now: float) -> None:
        """Follow these from now on, and ask for the last tick, once a second at the most."""
        for name in instruments:
            if not name or "/" in name or "\0" in name:
                continue  # no topic
            topic = tick_topic(name).encode()
            wanted = self._wanted.get(topic)
            if wanted is None:
                wanted = self._wanted[topic] = _Wanted()
                self._make_room()
            if now - wanted.asked_at >= _AGAIN_S:
                wanted.asked_at = now
                self.unasked.append(name)

    def last(self, instrument: str) -> Tick | None:
        topic = tick_topic(instrument).encode()
        wanted = self._wanted.get(topic)
        if wanted is None:
            return None
        self._wanted.move_to_end(topic)
        if wanted.tick is None and wanted.body:
            wanted.tick = self._read(wanted)
        return wanted.tick

    def accept(self, message: bytes, now: float) -> None:
        """One published message, live or out of a snapshot."""
        end = message.find(b"\0")
        wanted = self._wanted.get(message[:end])
        if wanted is None or len(message) != end + 1 + HEADER.size + self._struct.size:
            return
        epoch, seq, recv_ns, _, _, layout, _ = HEADER.unpack_from(message, end + 1)
        old_epoch, old_seq = wanted.place
        if layout != self._layout_id or (epoch == old_epoch and seq < old_seq):
            return
        wanted.place = epoch, seq
        # A clock that is set must not make it younger later on.
        wanted.at = now - max(0.0, (self._clock_ns() - recv_ns) / 1e9)
        wanted.body, wanted.tick = message[end + 1 + HEADER.size :], None

    def _read(self, wanted: _Wanted) -> Tick:
        values: dict[str, Any] = {
            field.name: plain(field, value)
            for field, value in zip(self._fields, self._struct.unpack(wanted.body), strict=True)
        }
        base = values["LastPrice"]
        return Tick(
            values["PreSettlementPrice"] if base is None else base,
            values["UpperLimitPrice"],
            values["LowerLimitPrice"],
            wanted.at,
        )

    def _make_room(self) -> None:
        while len(self._wanted) > _MOST:
            topic, _ = self._wanted.popitem(last=False)
            self.unwanted.append(topic.decode()[len("tick/") : -1])
