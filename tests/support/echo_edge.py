"""ws_edge whose /md/ sends everything back: for test suites of the WebSocket protocol itself.

Listener, handshake, connection and outbox are those of the edge; only what reads the messages is
not.
"""

from __future__ import annotations

import sys
from typing import Any

from websockets.asyncio import messages

from bus.process import main
from ws_edge import edge
from ws_edge.__main__ import run
from ws_edge.config import WsConfig
from ws_edge.frames import binary_frame, text_frame


class Echo:
    """In the place of a session."""

    def __init__(self, services: Any, visit: Any, outbox: Any, peer: Any, share: Any) -> None:
        self.visit, self._outbox = visit, outbox

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._outbox.send_frame(text_frame(message.encode()))
        else:
            self._outbox.send_frame(binary_frame(message))

    def close(self) -> None:
        """Nothing was held."""


if __name__ == "__main__":
    vars(edge)["MdSession"] = Echo
    vars(messages)["MAX_FRAGMENTS"] = 100_000
    sys.exit(main("ws_edge", WsConfig, run, "An echo."))
