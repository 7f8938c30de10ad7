"""Times as the pages show them: China's, like the counter's, wherever the machine stands."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

ZONE: Final = timezone(timedelta(hours=8))


def china(seconds: float) -> datetime:
    """``seconds``: Unix time."""
    return datetime.fromtimestamp(seconds, ZONE)


def moment(seconds: float) -> str:
    """Day and time; "" for 0, which is never."""
    return china(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""
