"""Calls to a worker that are not answered yet, each with its timer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from bus.errors import request_failed
from bus.frames import Flag, Row
from bus.rpc import OnRow, OnSilence
from bus.timers import Later, Timer

from .extras import NONE, Extras

# The worker itself ends a call at its deadline and says so; this much later nobody is there.
GRACE_S = 1.0


class Caller(Protocol):
    """``bus.rpc.Caller``, or a scripted one in tests."""

    worker: str

    def call(
        self,
        method: str,
        on_row: OnRow,
        on_lost: Callable[[], None],
        *,
        deadline_ns: int,
        session: bytes = b"",
        request_id: int = 0,
        body: bytes = b"",
        client_order_id: str = "",
        origin: str = "",
        fresh: bool = False,
    ) -> int: ...

    def forget(self, number: int) -> None: ...


class _Waiting:
    __slots__ = ("heard", "number", "on_row", "on_silence", "outlives", "patience_s", "timer")

    def __init__(self, on_row: OnRow, on_silence: OnSilence, outlives: bool) -> None:
        self.on_row, self.on_silence, self.outlives = on_row, on_silence, outlives
        self.number = 0
        self.heard = False
        self.patience_s = 0.0
        self.timer: Timer | None = None


class Calls:
    """The calls of one socket to one worker. ``origin``: the address of its client.

    A call whose request was handed to the counter (row SENT) may never be answered: it is kept for
    ``sent_s`` without complaint, the latest ``limit`` of them.
    """

    def __init__(
        self, caller: Caller, later: Later, limit: int, sent_s: float, origin: str = ""
    ) -> None:
        self._caller, self._later, self._limit, self._sent_s = caller, later, limit, sent_s
        self._origin = origin
        self._open: dict[int, _Waiting] = {}
        self._sent: OrderedDict[int, _Waiting] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def start(
        self,
        method: str,
        on_row: OnRow,
        on_silence: OnSilence,
        timeout_s: float,
        *,
        session: bytes = b"",
        request_id: int = 0,
        body: bytes = b"",
        extras: Extras = NONE,
        deadline_s: float | None = None,
        outlives: bool = False,
    ) -> None:
        """Send a call. ``on_silence`` comes instead of the last row when the worker says nothing
        for ``timeout_s``, or hangs up. ``deadline_s``: until when the worker may act on it, if not
        for just as long. ``outlives``: go on after ``close``. Raises Refused, Unavailable."""
        if len(self._open) >= self._limit:
            raise request_failed(f"{self._limit} requests of this socket wait already")
        waiting = _Waiting(on_row, on_silence, outlives)
        waiting.number = self._caller.call(
            method,
            lambda row: self._on_row(waiting, row),
            lambda: self._on_lost(waiting),
            deadline_ns=time.time_ns()
            + int((timeout_s if deadline_s is None else deadline_s) * 1e9),
            session=session,
            request_id=request_id,
            body=body,
            client_order_id=extras.client_order_id,
            origin=self._origin,
            fresh=extras.fresh,
        )
        self._open[waiting.number] = waiting
        waiting.patience_s = timeout_s + GRACE_S
        waiting.timer = self._later(waiting.patience_s, self._on_time, waiting)

    def close(self) -> None:
        """Forget the calls of a socket that is gone."""
        for waiting in [*self._open.values(), *self._sent.values()]:
            if not waiting.outlives:
                self._end(waiting)

    def _on_row(self, waiting: _Waiting, row: Row) -> None:
        waiting.heard = True
        if row.flags & Flag.LAST:
            self._end(waiting)
        elif row.flags & Flag.SENT:
            self._keep(waiting)
        elif waiting.number in self._sent and waiting.timer is not None:
            # The worker follows what became of it: its news may come hours later.
            waiting.timer.cancel()
        waiting.on_row(row)

    def _keep(self, waiting: _Waiting) -> None:
        if self._open.pop(waiting.number, None) is None:
            return
        self._sent[waiting.number] = waiting
        self._arm(waiting, self._sent_s)
        if len(self._sent) > self._limit:
            self._end(next(iter(self._sent.values())))

    def _on_time(self, waiting: _Waiting) -> None:
        if waiting.heard and waiting.number in self._open:
            waiting.heard = False
            self._arm(waiting, waiting.patience_s)
            return
        seconds = waiting.patience_s - GRACE_S
        self._end_in_silence(
            waiting, f"no answer from {self._caller.worker} within {seconds:.3g} s"
        )

    def _on_lost(self, waiting: _Waiting) -> None:
        self._end_in_silence(waiting, f"{self._caller.worker} was lost before it answered")

    def _end_in_silence(self, waiting: _Waiting, why: str) -> None:
        expected = waiting.number in self._open
        self._end(waiting)
        if expected:
            waiting.on_silence(why)

    def _arm(self, waiting: _Waiting, delay_s: float) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        waiting.timer = self._later(delay_s, self._on_time, waiting)

    def _end(self, waiting: _Waiting) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        self._open.pop(waiting.number, None)
        self._sent.pop(waiting.number, None)
        self._caller.forget(waiting.number)
