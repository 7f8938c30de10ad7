"""The thread in which everything is done."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, ParamSpec, TypeVar

from ...errors import Closed

T = TypeVar("T")
P = ParamSpec("P")


class Loop:
    """One event loop in a thread of its own, until ``close``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._pid = os.getpid()  # a fork has the object, and not the thread
        self._lock = threading.RLock()  # a finalizer may run in whoever holds it
        # A program that forgets to close its client ends all the same.
        self._thread = threading.Thread(target=self._serve, name="ctpbus", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result, or what it raises; Closed when the loop ends meanwhile. RuntimeError in the
        loop's own thread, which would wait for itself."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a call that waits, from the thread that would have to do it")
        if os.getpid() != self._pid:
            work.close()
            raise RuntimeError("a client belongs to the process that made it: make one behind fork")
        with self._lock:
            if self._closed:
                work.close()
                raise Closed("the client was closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return _result(future)

    def call(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what is no coroutine, but must be done there."""

        async def work() -> T:
            return act(*args, **kwargs)

        return self.run(work())

    def soon(self, act: Callable[[], None]) -> None:
        """Do it there some time, unless the loop has ended. Any thread, also the loop's own."""
        with self._lock:
            if not self._closed and os.getpid() == self._pid:
                self._loop.call_soon_threadsafe(act)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Do a last thing and end the thread; whoever waits gets Closed."""
        with self._lock:
            if self._closed or os.getpid() != self._pid:
                last.close()
                return
            # What others have asked for by now runs before, or is cancelled behind it.
            self._closed = True
            future = asyncio.run_coroutine_threadsafe(last, self._loop)
        try:
            _result(future)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except CancelledError:
        raise Closed("the client was closed") from None
    except BaseException:  # Ctrl-C: nobody waits for it any more
        future.cancel()
        raise
