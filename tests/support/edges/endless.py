"""What a client does not take waits in the transport, without end."""

from __future__ import annotations

import runpy

from ws_edge.outbox import Outbox


def _go_on(outbox: Outbox) -> None:
    pass


Outbox.pause = _go_on  # type: ignore[assignment]
runpy.run_module("ws_edge", run_name="__main__")
