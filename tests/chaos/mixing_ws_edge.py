"""ws_edge that now and then shows a return to whoever is there: the control of ``crossing.py``."""

from __future__ import annotations

import itertools
import runpy

from bus.frames import Message
from ws_edge.returns import Returns

_all: list[Returns] = []
_numbers = itertools.count(1)
_take = Returns.take


def _mixed(self: Returns, message: Message) -> None:
    if self not in _all:
        _all.append(self)
    shown = _all if next(_numbers) % 50 == 0 else [self]
    for returns in shown:
        _take(returns, message)


if __name__ == "__main__":
    Returns.take = _mixed  # type: ignore[method-assign]
    runpy.run_module("ws_edge", run_name="__main__", alter_sys=True)
