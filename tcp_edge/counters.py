"""What the server counts, and how it writes down what strangers do."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from bus.log import Sparing

strangers: Final = Sparing(logging.getLogger("tcp_edge"))


@dataclass
class Counters:
    """Since the start.

    requests      by command; 0 for a text without one
    replies       by stat; 200 for data
    unreadable    lines that could not be decrypted, replayed ones included, which end a connection
    refused       connections beyond a limit
    late          closed for want of credentials, in time or before others came, or of requests
    slow          closed because the client did not read
    faults        of ours, answered with 500
    """

    requests: Counter[int] = field(default_factory=Counter)
    replies: Counter[int] = field(default_factory=Counter)
    connections: int = 0
    accepted: int = 0
    unreadable: int = 0
    refused: int = 0
    late: int = 0
    slow: int = 0
    faults: int = 0
    pushes: int = 0

    def describe(self) -> dict[str, object]:
        return {
            **vars(self),
            "requests": {str(key): count for key, count in self.requests.items()},
            "replies": {str(key): count for key, count in self.replies.items()},
        }
