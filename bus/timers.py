"""Time as code without I/O sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Later(Protocol):
    """``loop.call_later``; the delay is in seconds."""

    def __call__(self, delay: float, callback: Callable[..., Any], *args: Any) -> Timer: ...
