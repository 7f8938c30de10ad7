"""The verbs about what has been, in the recorder's event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import msgspec

from bus.errors import bad_parameters, request_failed
from bus.history import Answers, Events, LastTicks, Ticks
from bus.rpc import Call, Router

from ..store.reading import Reader
from .blocks import Blocks
from .records import answer_rows, event_rows
from .ticks import Answer, Files, TickHistory
from .turns import Turns, as_refused

_AGAIN_S: Final = 0.001
_SELDOM_S: Final = 0.05
_LEFT_OUT: Final = 9

_T = TypeVar("_T")
_R = TypeVar("_R", Events, Answers)


class History:
    """Answers over ``router``, whose ``high_water`` is ``turns.HIGH_WATER``.

    Ticks are read in the loop, in turns of a millisecond with everything else in between; ``files``
    belongs to the loop's thread. ``records`` is asked in a thread of its own. ``between`` is called
    after each turn: to send on a socket may swallow the word that a call has come. While ``busy``
    nine turns of ten are left out.
    """

    def __init__(
        self,
        router: Router,
        files: Files,
        records: Reader,
        *,
        json: Callable[[bytes], bytes],
        today: Callable[[str], str],
        between: Callable[[], None] = lambda: None,
        busy: Callable[[], bool] = lambda: False,
        cache_bytes: int,
    ) -> None:
        self.blocks = Blocks(json, cache_bytes)
        self.turns = Turns(router)
        self._router = router
        self._ticks = TickHistory(files, self.blocks, router.layout, today)
        self._records, self._today = records, today
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "history")
        self._next: asyncio.Handle | None = None
        self._between, self._busy, self._left_out = between, busy, 0
        self._waits = False  # for those who do not read
        self._pause_s = _AGAIN_S
        self._closed = False

    def accept(self, peer: bytes, call: Call) -> None:
        """Answer one of ``bus.history.VERBS``. Raises Refused."""
        self.turns.check(peer)
        match call.method:
            case "Ticks":
                self._add(peer, call, self._ticks.ticks(_decoded(call, Ticks)))
            case "LastTicks":
                self._add(peer, call, self._ticks.last_ticks(_decoded(call, LastTicks)))
            case "Events":
                events = self._with_day(_decoded(call, Events))
                self._ask(peer, call, partial(event_rows, self._records, events))
            case "Answers":
                answers = self._with_day(_decoded(call, Answers))
                self._ask(peer, call, partial(answer_rows, self._records, answers))
            case method:
                raise AssertionError(method)

    def describe(self) -> dict[str, int]:
        """For the state: ``kept_mb`` of encoded ticks; ``hits`` blocks that were found there and
        ``misses`` that had to be encoded, wholly or their end; ``open`` callers to whom something
        is being sent; ``rows`` sent."""
        return {
            "kept_mb": self.blocks.bytes >> 20,
            "hits": self.blocks.hits,
            "misses": self.blocks.misses,
            "open": len(self.turns),
            "rows": self.turns.sent,
        }

    def close(self) -> None:
        """What is open stays without an end."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.turns.close()

    def _add(self, peer: bytes, call: Call, answers: Iterator[Answer]) -> None:
        self.turns.add(peer, call, answers)
        self._pause_s = _AGAIN_S
        if self._next is not None and self._waits:
            self._next.cancel()
            self._next = None
        if self._next is None:
            self._waits = False
            self._next = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._next = None
        if self._busy() and self._left_out < _LEFT_OUT:
            self._left_out += 1
            self._next = self._loop.call_soon(self._turn)
            return
        self._left_out = 0
        before = self.turns.sent
        self.turns.pump()
        self._between()
        if self._next is None and len(self.turns):
            self._go_on(self.turns.sent > before)

    def _go_on(self, moved: bool) -> None:
        self._waits = self.turns.stuck
        if self._waits:
            self._pause_s = _AGAIN_S if moved else min(2 * self._pause_s, _SELDOM_S)
            self._next = self._loop.call_later(self._pause_s, self._turn)
        else:
            self._next = self._loop.call_soon(self._turn)

    def _ask(self, peer: bytes, call: Call, ask: Callable[[], list[Answer]]) -> None:
        """The database is asked; the answer comes into the turns when it is there."""
        self.turns.reserve(peer)
        asked = self._thread.submit(_in_time, call, ask)
        asked.add_done_callback(partial(self._in_loop, peer, call))

    def _in_loop(self, peer: bytes, call: Call, asked: Future[list[Answer]]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._answered, peer, call, asked)

    def _answered(self, peer: bytes, call: Call, asked: Future[list[Answer]]) -> None:
        if self._closed:
            return
        self.turns.release(peer)
        error = asked.exception()
        if isinstance(error, Exception):
            self._router.refuse(peer, call, as_refused(error))
        else:
            self._add(peer, call, iter(asked.result()))

    def _with_day(self, question: _R) -> _R:
        return msgspec.structs.replace(question, day=question.day or self._today(""))


def _in_time(call: Call, ask: Callable[[], list[Answer]]) -> list[Answer]:
    if call.seconds_left < 0:
        raise request_failed("no time was left")
    return ask()


def _decoded(call: Call, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(call.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise bad_parameters(f"{call.method}: {exc}") from None
