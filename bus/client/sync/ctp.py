"""Every request of the trader API as a method that waits, see ``bus.client.ctp``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ctp as asynchronous
from .. import order as orders
from .loop import Loop
from .order import Order


class Ctp:
    """Of an account."""

    def __init__(self, loop: Loop, ctp: asynchronous.Ctp) -> None:
        self._loop, self._ctp = loop, ctp

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._ctp, name)

        def wait(*args: Any, **options: Any) -> Any:
            done = self._loop.run(method(*args, **options))
            return Order(self._loop, done) if isinstance(done, orders.Order) else done

        return wait

    def __dir__(self) -> list[str]:
        return dir(self._ctp)
