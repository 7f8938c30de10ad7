"""Calls whose end comes for sure."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, TypedDict, Unpack

from ..errors import Unanswered, Unavailable
from ..frames import Flag, Row
from ..rpc import Caller, OnRow, OnSilence, refusal
from ..timers import Later, Timer

_DEADLINE_S: Final = 10.0


class Options(TypedDict, total=False):
    """Of a call, see ``bus.rpc.Call``. ``deadline_s``: the worker acts on it until then."""

    session: bytes
    request_id: int
    body: bytes
    client_order_id: str
    fresh: bool
    deadline_s: float


class Calls:
    """What a client asks of one worker."""

    def __init__(self, caller: Caller, later: Later) -> None:
        self._caller, self._later = caller, later

    def start(
        self,
        method: str,
        on_row: OnRow,
        on_silence: OnSilence,
        silent_s: float,
        **options: Unpack[Options],
    ) -> None:
        """``on_row`` gets each row; when none comes for ``silent_s`` before the last one,
        ``on_silence`` is called and no more rows come. Raises Unavailable."""
        _Started(self._caller, self._later, on_row, on_silence, silent_s).call(method, options)

    async def ask(
        self,
        method: str,
        on_row: Callable[[Row], None] = lambda row: None,
        silent_s: float = _DEADLINE_S,
        **options: Unpack[Options],
    ) -> Row:
        """The last row; ``on_row`` gets those before it. Raises Refused, Unavailable when nothing
        was sent, and Unanswered when no answer comes."""
        done: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()

        def take(row: Row) -> None:
            if done.done():  # nobody waits any more
                return
            if row.flags & Flag.LAST:
                done.set_result(row)
            else:
                on_row(row)

        def silence(why: str) -> None:
            if not done.done():
                done.set_result(None)

        self.start(method, take, silence, silent_s, **options)
        last = await done
        if last is None:
            raise Unanswered(self._caller.worker)
        error = refusal(last)
        if error is not None:
            raise error
        return last

    def tell(self, method: str, *, session: bytes) -> None:
        """A call whose answer nobody needs."""
        with contextlib.suppress(Unavailable):
            deadline_ns = _deadline_ns(_DEADLINE_S)
            self._caller.call(method, lambda row: None, deadline_ns=deadline_ns, session=session)


class _Started:
    def __init__(
        self,
        caller: Caller,
        later: Later,
        on_row: OnRow,
        on_silence: OnSilence,
        silent_s: float,
    ) -> None:
        self._caller, self._later = caller, later
        self._on_row, self._on_silence, self._silent_s = on_row, on_silence, silent_s
        self._number = 0
        self._timer: Timer | None = None

    def call(self, method: str, options: Options) -> None:
        self._number = self._caller.call(
            method,
            self._row,
            self._lost,
            deadline_ns=_deadline_ns(options.get("deadline_s", _DEADLINE_S)),
            session=options.get("session", b""),
            request_id=options.get("request_id", 0),
            body=options.get("body", b""),
            client_order_id=options.get("client_order_id", ""),
            fresh=options.get("fresh", False),
        )
        self._wait()

    def _wait(self) -> None:
        self._timer = self._later(self._silent_s, self._silent)

    def _row(self, row: Row) -> None:
        self._stop()
        if not row.flags & Flag.LAST:
            self._wait()
        self._on_row(row)

    def _lost(self) -> None:
        self._stop()
        self._on_silence(f"{self._caller.worker} was lost before it answered")

    def _silent(self) -> None:
        self._caller.forget(self._number)
        self._on_silence(f"{self._caller.worker} did not answer")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _deadline_ns(seconds: float) -> int:
    return time.time_ns() + int(seconds * 1e9)
