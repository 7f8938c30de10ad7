"""The threads in which strategies run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .stopping import Stopped

log = logging.getLogger(__name__)


class Strategies:
    """``most`` of them at one time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> threading.Thread:
        """In a thread of its own, which does not keep the program alive. Raises RuntimeError when
        too many run."""
        with self._lock:
            if len(self._running) >= self._most:
                raise RuntimeError(f"{self._most} strategies run already (max_strategies)")
            name = self._free_name(getattr(function, "__name__", type(function).__name__))
            thread = threading.Thread(
                target=self._run,
                args=(name, function, args, kwargs),
                name=f"strategy-{name}",
                daemon=True,
            )
            self._running[name] = thread
            thread.start()
        return thread

    def running(self) -> dict[str, threading.Thread]:
        """By the name of their function; a second one of that name is "NAME-2"."""
        with self._lock:
            return dict(self._running)

    def join(self, timeout_s: float) -> list[str]:
        """Wait for all others together so long; the names of those that still run."""
        until, own = time.monotonic() + timeout_s, threading.current_thread()
        others = {name: thread for name, thread in self.running().items() if thread is not own}
        for thread in others.values():
            thread.join(max(0.0, until - time.monotonic()))
        return [name for name, thread in others.items() if thread.is_alive()]

    def _free_name(self, name: str) -> str:
        names = (name, *(f"{name}-{number}" for number in range(2, self._most + 2)))
        return next(each for each in names if each not in self._running)

    def _run(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        fields = {"fields": {"strategy": name}}
        try:
            function(*args, **kwargs)
        except Stopped:
            log.info("a strategy has been stopped", extra=fields)
        except Exception:
            log.exception("a strategy has failed", extra=fields)
        else:
            log.info("a strategy has ended", extra=fields)
        finally:
            with self._lock:
                del self._running[name]
