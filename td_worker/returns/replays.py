"""The verb "Returns": what was published of an account, once more for a client that missed it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import zmq

from bus.errors import bad_parameters, request_failed
from bus.frames import Flag, Row, message_type, unpack_message
from bus.orders import NOT_KEPT, After, Place
from bus.rpc import Call, Router

from .journal import Journal

log = logging.getLogger("td_worker")

# A turn of the worker's loop is lent for so long, to all replays together.
_TURN_S: Final = 0.002
_SLICE: Final = 32  # rows of one replay before the next one goes on
_MOST: Final = 100  # replays under way; each is cheap to ask for
# A caller who leaves 100,000 rows unread loses those of his orders too, and an edge with 50 clients
# reads for all of them over one socket: its pace, about 60,000 a second, must be above ours.
_PER_S: Final = 20_000
_BURST: Final = 10_000

_RETURN: Final = message_type("Return")
_RETURNS: Final = message_type("Returns")
_decode = msgspec.msgpack.Decoder(After).decode


@dataclass(slots=True, eq=False)
class Replay:
    """One call and what is still to be sent. Taking a row raises OSError when the disk does."""

    peer: bytes
    call: Call
    rows: Iterator[Row]
    held: Row | None = None  # made, and not taken by a client that does not read


class Replays:
    """All that are under way in this process. They end where the stream was when they were asked
    for: whoever has subscribed before that has what came later from there.

    The rows have no ``after_seq``: who has lost part of the stream waits for nothing from it.
    """

    def __init__(self, router: Router, layout: int) -> None:
        self._router, self._layout = router, layout
        self._open: deque[Replay] = deque()
        self._idle = True  # nobody who reads waits
        self._allowance, self._at = float(_BURST), 0.0
        self.rows = 0

    def accept(self, peer: bytes, call: Call, journal: Journal) -> None:
        """Begin to answer. Raises Refused."""
        try:
            after = _decode(call.body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise bad_parameters(f"Returns: {exc}") from None
        if len(self._open) >= _MOST:
            raise request_failed(f"{_MOST} replays of returns are under way")
        try:
            frames = journal.after(Place(after.epoch, after.seq))
        except LookupError:
            last = journal.last
            raise request_failed(
                f"the returns after {after.epoch}/{after.seq} {NOT_KEPT}: query orders, trades "
                f"and positions anew and go on from {last.epoch}/{last.seq}"
            ) from None
        rows = self._rows(call, frames, journal.last, after.most)
        self._open.append(Replay(peer, call, rows))
        self._idle = False

    def due(self) -> float | None:
        """When ``pump`` has something to do; None when only a caller that reads can change that."""
        if self._idle:
            return None
        return self._at + max(0.0, _SLICE - self._allowance) / _PER_S

    def pump(self, now: float) -> None:
        """Send some milliseconds' worth."""
        self._allowance = min(_BURST, self._allowance + (now - self._at) * _PER_S)
        self._at = now
        until = time.perf_counter() + _TURN_S
        stuck = 0  # one behind the other
        while stuck < len(self._open) and self._allowance >= _SLICE and time.perf_counter() < until:
            replay = self._open.popleft()
            before = self.rows
            if self._send_slice(replay):
                self._open.append(replay)
                stuck = stuck + 1 if self.rows == before else 0
            self._allowance -= self.rows - before
        self._idle = stuck == len(self._open)

    def _send_slice(self, replay: Replay) -> bool:
        """Whether there is more."""
        call = replay.call
        if call.seconds_left < 0:
            error = request_failed("no time was left for all; ask again from the last one you have")
            self._router.refuse(replay.peer, call, error)
            return False
        try:
            for _ in range(_SLICE):
                row = replay.held or next(replay.rows, None)
                if row is None:
                    return False
                failure = self._router.offer(replay.peer, row)
                replay.held = row if failure == zmq.EAGAIN else None
                if failure:
                    return failure == zmq.EAGAIN
                self.rows += 1
        except OSError as exc:
            fields = {"error": str(exc.strerror)}
            log.error("the journal of returns cannot be read", extra={"fields": fields})
            error = request_failed(
                f"returns that cannot be read {NOT_KEPT}: query orders and trades"
            )
            self._router.refuse(replay.peer, call, error)
            return False
        return True

    def _rows(
        self, call: Call, frames: Iterator[bytes], reached: Place, most: int
    ) -> Iterator[Row]:
        for count, frame in enumerate(frames, 1):
            flags = Flag.LOCAL | Flag.HAS_FIELD
            yield Row(call.id, 0, call.request_id, _RETURN, self._layout, flags, frame)
            if count == most:
                message = unpack_message(frame)
                reached = Place(message.epoch, message.seq)
                break
        flags, body = Flag.LOCAL | Flag.MSGPACK | Flag.LAST, msgspec.msgpack.encode(reached)
        yield Row(call.id, 0, call.request_id, _RETURNS, self._layout, flags, body)
