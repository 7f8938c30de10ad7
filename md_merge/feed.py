"""One md_worker as md_merge sees it: its sockets, its state, and what gets lost on the way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
import zmq

from bus.beats import SILENT_S
from bus.endpoints import Addresses
from bus.frames import (
    BEAT,
    HEADER,
    Flag,
    Message,
    message_type,
    notice_topic,
    state_topic,
    unpack_message,
)
from bus.publisher import Stream
from bus.rpc import Call, Caller, OnRow
from bus.subscriber import Subscriber

from .merging import Tally

log = logging.getLogger("md_merge")

TICK: Final = message_type("OnRtnDepthMarketData")
_STATE: Final = message_type("State")
_FIELD: Final = int(Flag.HAS_FIELD)
_SILENT_NS: Final = int(SILENT_S * 1e9)
# Two feeds whose losses show within this time may have lost the same ticks.
_LATELY_NS: Final = 10_000_000_000
_PERCENT: Final = (50, 99)
OnLost = Callable[[], None]


class State(msgspec.Struct, frozen=True):
    """What matters here of md_worker's state message."""

    front: str
    logged_in: bool
    state: str
    reason: int | None = None
    epoch: int = 0


_decode_state = msgspec.msgpack.Decoder(State).decode


class Topic:
    """A topic that somebody wants of us: its stream, and the one of what is too late for it."""

    __slots__ = ("instrument", "late", "name", "prefix", "stream")

    def __init__(self, name: str, instrument: str, stream: Stream) -> None:
        self.name, self.prefix, self.instrument = name, name.encode(), instrument
        self.stream = stream
        self.late: Stream | None = None


class _Line:
    """A topic as it comes from one feed. ``next``: the seq that follows, 0: any; ``gap_ns``: when
    the last loss showed; ``told_ns``: when its last message came, 0: none yet."""

    __slots__ = ("epoch", "gap_ns", "next", "told_ns", "topic")

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.epoch = self.next = self.gap_ns = self.told_ns = 0


class Hub(Protocol):
    """Who takes what the feeds bring."""

    def on_tick(self, feed: Feed, topic: Topic, raw: bytes, recv_ns: int) -> None: ...
    def on_message(self, feed: Feed, topic: Topic, message: Message) -> None:
        """Of another type."""

    def on_notice(self, feed: Feed, message: Message) -> None: ...
    def on_gap(self, feed: Feed, topic: Topic, missing: int) -> None:
        """So many messages of this feed have been lost between it and us."""

    def on_state(self, feed: Feed) -> None:
        """``feed.state`` has changed."""


class Feed:
    """``gaps`` counts messages lost between the feed and us, ``foreign`` those of another version
    of the API. ``state``: what it last said of itself; None: it is silent. ``heard_ns``: when its
    last message came."""

    def __init__(
        self, name: str, number: int, context: zmq.Context[Any], addresses: Addresses, hub: Hub
    ) -> None:
        self.name, self._hub = name, hub
        self.tally = Tally(number)
        self.state: State | None = None
        self.gaps = self.foreign = 0
        self.layout = 0  # set by the hub: that of our own messages
        self.heard_ns = self._tick_ns = 0  # by the monotonic clock; 0: never
        self._lines: dict[bytes, _Line] = {}
        self._calls: dict[int, OnLost] = {}
        self._caller = Caller(context, addresses.md_rpc, f"md_worker {name}")
        self._sub = Subscriber(context, addresses.md_pub, self._on_frame)
        for topic in (state_topic("md_worker"), notice_topic("md_worker")):
            self._sub.subscribe(topic.encode())

    @property
    def up(self) -> bool:
        """Whether ticks are to be expected of it."""
        return self.state is not None and self.state.logged_in

    @property
    def connected(self) -> bool:
        return self.state is not None and self.state.front == "connected"

    @property
    def unhandled(self) -> int:
        return self._sub.unhandled

    def follow(self, topic: Topic) -> None:
        self._lines[topic.prefix] = _Line(topic)
        self._sub.subscribe(topic.prefix)

    def leave(self, topic: Topic) -> None:
        if self._lines.pop(topic.prefix, None) is not None:
            self._sub.unsubscribe(topic.prefix)

    def whole(self, topic: Topic) -> bool:
        """Whether it has lately brought something of a topic, and all of it. A front may be there
        and not have the instrument, or have fallen asleep."""
        line = self._lines.get(topic.prefix)
        if line is None or not self.up or not line.told_ns:
            return False
        lost_lately = line.gap_ns and self.heard_ns - line.gap_ns <= _LATELY_NS
        return not lost_lately and self.heard_ns - line.told_ns <= _LATELY_NS

    def close(self) -> None:
        self._sub.close()
        self._caller.close()

    def ask(self, call: Call, on_row: OnRow, on_lost: OnLost) -> int:
        """Pass a call on; its number here. ``on_lost``: there is no answer, or no more of it.
        Raises Unavailable."""
        number = self._caller.call(
            call.method,
            on_row,
            on_lost,
            deadline_ns=call.deadline_ns,
            request_id=call.request_id,
            body=call.body,
            origin=call.origin,
        )
        self._calls[number] = on_lost
        return number

    def forget_call(self, number: int) -> None:
        """Nobody waits for the rest of the answer."""
        if self._calls.pop(number, None) is not None:
            self._caller.forget(number)

    def fail_calls(self) -> None:
        """Nothing is to be expected of it, so nobody shall wait."""
        for number, on_lost in list(self._calls.items()):
            self.forget_call(number)
            on_lost()

    def listen(self, now_ns: int) -> None:
        """Whether it has fallen silent."""
        if self.state is not None and now_ns - self.heard_ns > _SILENT_NS:
            self.state = None
            self._tell("silent")

    def excuse(self, now_ns: int) -> None:
        """We ourselves have not listened for a while."""
        if self.heard_ns:
            self.heard_ns = now_ns

    def describe(self, now_ns: int) -> dict[str, object]:
        """For the state message and the statistics; the lags are those since the last call of
        ``forget_lags``."""
        tally, state = self.tally, self.state
        lags = sorted(tally.lags)
        return {
            "state": "silent" if state is None else state.state,
            "front": "disconnected" if state is None else state.front,
            "logged_in": self.up,
            "reason": None if state is None else state.reason,
            "epoch": 0 if state is None else state.epoch,
            "first": tally.first,
            "duplicates": tally.duplicates,
            "late": tally.late,
            "forgotten": tally.forgotten,
            "gaps": self.gaps,
            "foreign": self.foreign,
            "unhandled": self._sub.unhandled,
            "lags": len(lags),
            **{f"lag_p{part}_us": _at(lags, part) for part in _PERCENT},
            "lag_max_us": _at(lags, 100),
            "heard_s_ago": _ago(self.heard_ns, now_ns),
            "tick_s_ago": _ago(self._tick_ns, now_ns),
        }

    def forget_lags(self) -> None:
        self.tally.lags.clear()

    def _tell(self, what: str) -> None:
        log.warning("feed", extra={"fields": {"feed": self.name, "state": what}})
        self._hub.on_state(self)

    # -- what comes ----------------------------------------------------------------------------

    def _on_frame(self, frame: bytes) -> None:
        self.heard_ns = now_ns = time.monotonic_ns()
        end = frame.find(b"\0")
        line = self._lines.get(frame[:end])
        if line is None:
            self._on_other(unpack_message(frame))
            return
        epoch, seq, recv_ns, _, kind, layout, flags = HEADER.unpack_from(frame, end + 1)
        if kind == BEAT:
            seq += 1  # what comes next
        if seq != line.next or epoch != line.epoch:
            self._on_jump(line, epoch, seq)
        if kind == BEAT:
            return
        line.next, line.told_ns = seq + 1, now_ns
        if layout != self.layout:
            self._on_foreign(layout)
        elif kind == TICK and flags == _FIELD:
            self._tick_ns = now_ns
            self._hub.on_tick(self, line.topic, frame[end + 1 + HEADER.size :], recv_ns)
        else:
            self._hub.on_message(self, line.topic, unpack_message(frame))

    def _on_jump(self, line: _Line, epoch: int, seq: int) -> None:
        """The first of a topic or of an epoch, a Beat after the last message, or a loss."""
        if epoch == line.epoch and seq > line.next:
            missing = seq - line.next
            self.gaps += missing
            fields = {"feed": self.name, "topic": line.topic.name, "missing": missing}
            log.warning("messages of a feed lost", extra={"fields": fields})
            line.gap_ns = self.heard_ns
            self._hub.on_gap(self, line.topic, missing)
        line.epoch, line.next = epoch, seq

    def _on_foreign(self, layout: int) -> None:
        self.foreign += 1
        if self.foreign & (self.foreign - 1) == 0:  # 1, 2, 4 …
            fields = {"feed": self.name, "layout": layout, "count": self.foreign}
            log.error("a feed has another version of the API", extra={"fields": fields})

    def _on_other(self, message: Message) -> None:
        if message.topic == notice_topic("md_worker"):
            self._hub.on_notice(self, message)
        elif message.type == _STATE and message.topic == state_topic("md_worker"):
            state = _decode_state(message.body)
            if self.state is not None and state.epoch != self.state.epoch:
                # Started anew, perhaps so fast that nothing else shows it.
                self.state = None
                self._tell("restarted")
            if state != self.state:
                self.state = state
                self._tell(state.state)


def _at(lags: list[int], percent: int) -> float | None:
    """A percentile of sorted ns in us."""
    return lags[(len(lags) - 1) * percent // 100] / 1000 if lags else None


def _ago(then_ns: int, now_ns: int) -> float | None:
    return round((now_ns - then_ns) / 1e9, 3) if then_ns else None
