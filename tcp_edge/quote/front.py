"""Whether ticks can come at all, by what the worker says of itself. No I/O."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bus.client.pulse import CHECK_S, Pulse
from bus.frames import FrameError, state_topic, unpack_message

__all__ = ["CHECK_S", "TOPIC", "Front"]

TOPIC = state_topic("md_worker")


class _State(msgspec.Struct, frozen=True):
    logged_in: bool


_decode = msgspec.msgpack.Decoder(_State).decode


class Front:
    """``on_away`` is called for as long as no ticks can come: what ticked before is not of now,
    whatever comes afterwards."""

    def __init__(self, on_away: Callable[[], None]) -> None:
        self._pulse = Pulse()
        self._logged_in = self._heard = False
        self._on_away = on_away

    @property
    def up(self) -> bool:
        """False until the worker has said so."""
        return self._logged_in and not self._pulse.stale

    @property
    def away(self) -> bool:
        """False until the worker has said so."""
        return self._heard and not self.up

    def on_frame(self, frame: bytes) -> None:
        """What was published on TOPIC."""
        try:
            self._logged_in = _decode(unpack_message(frame).body).logged_in
        except (FrameError, msgspec.MsgspecError):
            return
        self._heard = True
        self._pulse.heard()
        if not self._logged_in:
            self._on_away()

    def check(self) -> None:
        """Once in CHECK_S."""
        self._pulse.check()
        if not self.up:
            self._on_away()
