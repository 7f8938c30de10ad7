"""The binding's module of this name in front of the embedded exchange.

It serves the binding named by $CTPBUS_BINDING (openctp_ctp when unset); a program that reads the
name from its configuration calls ``sim.front.load(name)`` instead.
"""

from __future__ import annotations

import os
from typing import Any

from schemas import binding

from . import front


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # asked by the import machinery; not worth loading the binding
        raise AttributeError(name)
    return getattr(front.load(os.environ.get("CTPBUS_BINDING") or binding.DEFAULT).mdapi, name)
