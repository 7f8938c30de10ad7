"""What the sessions of one account have together: its switch, its meters and its rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .day import Day
from .kill import KillSwitch
from .window import Window

_FOLDER: Final = "limits"
_MOST_WINDOWS: Final = 1000  # clients that ordered; beyond it those of long ago are forgotten


class Shared:
    """``folder`` is the account's. ``window`` holds the insertions of all clients."""

    def __init__(self, user: str, folder: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.switch = KillSwitch(folder / _FOLDER / "kill")
        self.day = Day(user, folder / _FOLDER, clock_ns)
        self.window = Window()
        self._clients: dict[int, Window] = {}

    def client(self, session_id: int, now: float) -> Window:
        """The insertions of one client."""
        window = self._clients.get(session_id)
        if window is None:
            if len(self._clients) >= _MOST_WINDOWS:
                self._clients = {key: one for key, one in self._clients.items() if one.count(now)}
            window = self._clients[session_id] = Window()
        return window

    def __len__(self) -> int:
        return len(self._clients)
