"""The sockets to a group's processes, in an asyncio program."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import zmq

from bus.frames import FrameError, unpack_message
from bus.security import Keys
from bus.subscriber import Subscriber

from .sources import Source
from .told import Group

log = logging.getLogger("admin")


class Listener:
    """Hears all processes of a group; none of them notices. ``close`` must follow."""

    def __init__(
        self,
        context: zmq.Context[Any],
        sources: Sequence[Source],
        keys: Keys | None,
        group: Group,
        clock: Any,
    ) -> None:
        self._group, self._clock = group, clock
        self.malformed = 0
        self._subscribers = [
            Subscriber(
                context,
                source.address,
                partial(self._take, source.program),
                keys=keys,
                worker=source.key,
                high_water=1000,
            )
            for source in sources
        ]
        for subscriber in self._subscribers:
            subscriber.subscribe(b"stat/")
            subscriber.subscribe(b"state/")

    def close(self) -> None:
        for subscriber in self._subscribers:
            subscriber.close()

    def _take(self, program: str, frame: bytes) -> None:
        try:
            self._group.take(program, unpack_message(frame), self._clock())
        except (FrameError, msgspec.MsgspecError, UnicodeDecodeError):
            self.malformed += 1
