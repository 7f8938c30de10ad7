"""The latest tick of a code that is subscribed, and whether it is of now. No I/O.

A tick is stale from the moment at which something says that newer ones may be missing: its stream
is silent (Stale, until Fresh), the worker was started anew, or its front is away; of the last two
only the next tick is the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from bus.client import Fresh, Restarted, Stale, Tick
from bus.client.items import Item

from ..reply import Reply
from ..wire.deflate import deflate
from ..wire.wire import Codec

_NOTHING: Final = b"{}"
_STALE: Final = b', "stale": true}'


class Front(Protocol):
    """``up``: it is known to be there; ``away``: known not to be."""

    @property
    def up(self) -> bool: ...

    @property
    def away(self) -> bool: ...


Write = Callable[[bytes, int], bytes]  # a tick's struct and recv_ns to a JSON object


class Quote:
    """``front`` says whether the last tick can be of now. ``followers`` get each record: of a tick,
    and once more when it has become stale."""

    def __init__(self, write: Write, front: Front) -> None:
        self._write, self._front = write, front
        self._tick: Tick | None = None
        self._record = b""
        self._reply: Reply | None = None
        self._silent = self._old = False
        self.followers: dict[object, Callable[[bytes], None]] = {}

    @property
    def stale(self) -> bool:
        return self._silent or self._old or not self._front.up

    @property
    def record(self) -> bytes:
        """As JSON, with ``"stale": true`` when it is not of now; b"" while there is none."""
        if self._tick is None:
            return b""
        if not self._record:  # a tick that nobody asks for costs nothing
            self._record = self._write(self._tick.body, self._tick.recv_ns)
        return self._record[:-1] + _STALE if self.stale else self._record

    def reply(self, codec: Codec) -> Reply:
        """To who asks for the latest. Compressed once: many ask for one tick, on v1 above all."""
        if codec != "zlib" or not self.record or not self._front.up:
            return Reply(self.record or _NOTHING)
        if self._reply is None:
            self._reply = Reply(b"", 1, (deflate(Reply(self.record)),))
        return self._reply

    def take(self, item: Item) -> None:
        match item:
            case Tick():
                # It may be the last one of before, as who joins late gets it.
                self._tick, self._record, self._old = item, b"", self._front.away
                self._reply = None
                self._tell()
            case Restarted():
                self._age(old=True, silent=self._silent)
            case Stale():
                self._age(old=self._old, silent=True)
            case Fresh():
                self._silent, self._reply = False, None

    def front_lost(self) -> None:
        self._age(old=True, silent=self._silent)

    def _age(self, *, old: bool, silent: bool) -> None:
        fresh = not (self._silent or self._old)
        self._old, self._silent, self._reply = old, silent, None
        if fresh and self._tick is not None:
            self._tell()

    def _tell(self) -> None:
        for follower in list(self.followers.values()):
            follower(self.record)
