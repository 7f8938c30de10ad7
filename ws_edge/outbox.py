"""What one socket is still to be sent, within bounds."""

from __future__ import annotations

import logging
from typing import Any, Final, Protocol

from .counters import Counters
from .dialect import frame as frame_of
from .notices import GapReason, conflated, gap

log = logging.getLogger("ws_edge")

# Of what waits, so much goes to the transport at a time: it cannot be taken back from there.
_CHUNK: Final = 64 << 10


class Pipe(Protocol):
    """The transport under a socket, as far as an outbox uses it."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Peer(Protocol):
    """The socket itself."""

    def give_up(self, code: int, reason: str) -> None:
        """Close the socket."""
        ...


class Outbox:
    """Writes whole frames to the transport, and to nothing else while that has room.

    While the transport says "no more" (``pause`` … ``resume``) the newest tick of each instrument
    is kept, and everything else queued, up to ``limit`` bytes. What is queued goes first, so a
    reply never follows the ticks that it announces.

    ready       whether a frame may be written past the queue: ``write``, the hot path
    tells_gaps  whether the client is told which ticks it does not get
    joining     ticks of this turn that one write will take, see ``TickBoard``
    """

    __slots__ = (
        "_counters",
        "_gaps",
        "_heard",
        "_kept",
        "_limit",
        "_paused",
        "_peer",
        "_pipe",
        "_queue",
        "_queued",
        "_replaced",
        "_shut",
        "_waiting_before",
        "joining",
        "ready",
        "style_index",
        "tells_gaps",
        "write",
    )

    def __init__(
        self, pipe: Pipe, peer: Peer, counters: Counters, limit: int, style_index: int
    ) -> None:
        self.style_index = style_index
        self.tells_gaps = False
        self.ready = True
        self.write = pipe.write
        self.joining: list[bytes] = []
        self._pipe, self._peer, self._counters, self._limit = pipe, peer, counters, limit
        self._paused = self._shut = False
        self._queue: list[bytes] = []
        self._queued = 0  # bytes
        self._kept: dict[Any, bytes] = {}
        self._replaced: dict[Any, int] = {}  # ticks that those kept stand for, not told yet
        self._gaps: dict[Any, tuple[int | None, GapReason]] = {}  # before those kept
        self._waiting_before: int | None = None
        self._heard = 0  # bytes of the client since the limit was last looked at

    # -- in ----------------------------------------------------------------------------------

    def send(self, text: bytes) -> None:
        """A reply or a push, as JSON: never dropped while the socket lives."""
        self.send_frame(frame_of(self.style_index, text))

    def send_frame(self, frame: bytes) -> None:
        if self.ready:
            self.write(frame)
        elif not self._shut:
            self._queue.append(frame)
            self._queued += len(frame)
            self._check_limit()

    def tick(self, instrument: Any, frame: bytes) -> None:
        """A tick, which the next one of the same instrument makes obsolete."""
        if self.ready:
            self._counters.deliveries += 1
            self._counters.writes += 1
            self.write(frame)
        else:
            self.keep(instrument, frame)

    def keep(self, instrument: Any, frame: bytes) -> None:
        """A tick that cannot be written now."""
        if self._shut:
            self._counters.withdrawn += 1
            return
        if instrument in self._kept:
            self._counters.conflated += 1
            if self.tells_gaps:
                self._replaced[instrument] = self._replaced.get(instrument, 0) + 1
        self._kept[instrument] = frame

    def gap(self, instrument: Any, missing: int | None, reason: GapReason) -> None:
        """Ticks are missing before the one that comes next; for a client that asked to be told."""
        if self.ready:
            self.send(gap(instrument.name, missing, reason))
        elif not self._shut:
            before, worst = self._gaps.get(instrument, (0, reason))
            known = None if before is None or missing is None else before + missing
            self._gaps[instrument] = (known, worst if before is None else reason)

    def drop(self, instrument: Any) -> None:
        """No more ticks of it, not even a kept one."""
        if self._kept.pop(instrument, None) is not None:
            self._counters.withdrawn += 1
        self._replaced.pop(instrument, None)
        self._gaps.pop(instrument, None)

    def heard(self, size: int) -> None:
        """So many bytes came from the client. What the library answers of itself, Pongs, goes past
        the queue, and is not longer than what it answers."""
        if self._paused and not self._shut:
            self._heard += size
            if self._heard > self._limit // 4:  # the question takes long when many frames wait
                self._heard = 0
                self._check_limit()

    # -- flow --------------------------------------------------------------------------------

    def pause(self) -> None:
        """The transport holds more than it should."""
        self._paused, self.ready = True, False
        self._waiting_before = None

    def resume(self) -> None:
        """The transport has room again; writing may pause it anew at any point."""
        self._paused = False
        while not self._paused and (self._queue or self._kept or self._gaps):
            self._counters.writes += 1
            self.write(self._next_chunk())
        self.ready = not (self._paused or self._shut)

    def stalled(self) -> bool:
        """Whether the client has taken nothing since the last call; ask at long intervals."""
        if not self._paused or self._shut:
            return False
        waiting = self._pipe.get_write_buffer_size()
        before, self._waiting_before = self._waiting_before, waiting
        # A ping of the library may have come on top.
        return before is not None and waiting >= before

    # -- the end -----------------------------------------------------------------------------

    def too_slow(self) -> None:
        """The client does not read: what waits for it is given up, and so is its socket."""
        self.abandon()
        self._peer.give_up(1013, "too slow")

    def fail(self) -> None:
        """Writing to it raised an error, which must not keep ticks from the others."""
        log.exception("a socket cannot be written to")
        self.abandon()
        self._peer.give_up(1011, "internal error")

    def abandon(self) -> None:
        """Nothing more is written; what waits is freed."""
        self._queue.clear()
        self._queued = 0
        self.finish()

    def finish(self) -> None:
        """A Close frame comes next: what is queued goes before it, and nothing behind."""
        if self._shut:
            return
        self._shut, self.ready = True, False
        self._counters.withdrawn += len(self._kept)
        for table in (self._kept, self._replaced, self._gaps):
            table.clear()
        if self._queue:
            self.write(b"".join(self._queue))
            self._queue.clear()
            self._queued = 0

    def _check_limit(self) -> None:
        if self._queued + self._pipe.get_write_buffer_size() > self._limit:
            self._counters.overflows += 1
            self.too_slow()

    # -- out ---------------------------------------------------------------------------------

    def _next_chunk(self) -> bytes:
        """Some of what waits, the queue first."""
        frames: list[bytes] = []
        size = 0
        for frame in self._queue:
            if size >= _CHUNK:
                break
            frames.append(frame)
            size += len(frame)
        del self._queue[: len(frames)]
        self._queued -= size
        if not self._queue:
            self._take_kept(frames, size)
        return b"".join(frames)

    def _take_kept(self, frames: list[bytes], size: int) -> None:
        for instrument in [*self._kept, *(self._gaps.keys() - self._kept.keys())]:
            if size >= _CHUNK:
                return
            notices = [frame_of(self.style_index, text) for text in self._notices(instrument)]
            tick = self._kept.pop(instrument, None)
            if tick is not None:
                self._counters.deliveries += 1
                notices.append(tick)
            frames += notices
            size += sum(map(len, notices))

    def _notices(self, instrument: Any) -> list[bytes]:
        texts = []
        if instrument in self._gaps:
            texts.append(gap(instrument.name, *self._gaps.pop(instrument)))
        if instrument in self._replaced:
            texts.append(conflated(instrument.name, self._replaced.pop(instrument)))
        return texts
