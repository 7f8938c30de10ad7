"""The line of a client that is given up is cut with what the kernel has by then."""

from __future__ import annotations

import runpy

from ws_edge.connection import Connection


def _keep(connection: Connection) -> None:
    pass


Connection._hand_over = _keep  # type: ignore[assignment]
runpy.run_module("ws_edge", run_name="__main__")
