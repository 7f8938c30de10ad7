"""Which service takes which command."""

from __future__ import annotations

from typing import Final

from .config import ServiceName

SERVICE_OF: Final[dict[int, ServiceName]] = {
    1: "login",
    **dict.fromkeys((110001, 100001, 100002, 100003), "quote"),
    **dict.fromkeys((210001, 210002, 210003, 210004, 210005, 210006), "trade"),
    **dict.fromkeys((200001, 200002, 200003, 200004, 200005, 200006), "trade"),
}
