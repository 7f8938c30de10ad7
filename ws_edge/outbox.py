"""What one socket is still to be sent, within bounds."""

from __future__ import annotations

from typing import Any, Protocol

from .counters import Counters
from .frames import text_frame


class Pipe(Protocol):
    """The transport under a socket, as far as an outbox uses it."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Peer(Protocol):
    """The socket itself."""

    @property
    def open(self) -> bool:
        """Whether a data frame may be written: not before the handshake, not after a Close."""
        ...

    def give_up(self, code: int, reason: str) -> None:
        """Close the socket."""
        ...


class Outbox:
    """Writes whole frames straight to the transport.

    While the transport says "no more" (``pause`` … ``resume``) ticks are kept, the newest of each
    instrument, and everything else is written nevertheless, up to ``limit`` bytes.
    """

    def __init__(
        self, pipe: Pipe, peer: Peer, counters: Counters, limit: int, style_index: int
    ) -> None:
        self.style_index = style_index
        self._pipe, self._peer, self._counters, self._limit = pipe, peer, counters, limit
        self._paused = False
        self._kept: dict[Any, bytes] = {}
        self._taken_before: int | None = None
        self._written = 0

    def send(self, text: bytes) -> None:
        """A reply or a push: never dropped while the socket lives."""
        self.send_frame(text_frame(text))

    def send_frame(self, frame: bytes) -> None:
        if not self._peer.open:
            return
        self._pipe.write(frame)
        if self._paused:
            self._written += len(frame)
            if self._pipe.get_write_buffer_size() > self._limit:
                self._kept.clear()
                self._counters.overflows += 1
                self._peer.give_up(1013, "too slow")

    def tick(self, instrument: Any, frame: bytes) -> None:
        """A tick, which the next one of the same instrument makes obsolete."""
        if self._paused:
            self._counters.conflated += instrument in self._kept
            self._kept[instrument] = frame
        elif self._peer.open:
            self._pipe.write(frame)

    def drop(self, instrument: Any) -> None:
        """No more ticks of it, not even a kept one."""
        self._kept.pop(instrument, None)

    def pause(self) -> None:
        """The transport holds more than it should."""
        self._paused = True
        self._written = 0
        self._taken_before = None

    def resume(self) -> None:
        """The transport has room again; writing may pause it anew at any point."""
        self._paused = False
        while self._kept and not self._paused:
            instrument = next(iter(self._kept))
            frame = self._kept.pop(instrument)
            if self._peer.open:
                self._pipe.write(frame)

    def stalled(self) -> bool:
        """Whether the client has taken nothing since the last call; ask at long intervals."""
        if not self._paused:
            return False
        waiting = self._pipe.get_write_buffer_size()
        taken = self._written - waiting
        before, self._taken_before = self._taken_before, taken
        return before == taken
