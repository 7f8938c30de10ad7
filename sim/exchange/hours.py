"""When products trade, by the wall clock in China."""

from collections.abc import Iterable
from functools import lru_cache

from sim.exchange.products import Session

from . import days

MINUTE_NS = 60_000_000_000


def is_open(sessions: tuple[Session, ...], now_ns: int) -> bool:
    """Whether one of the sessions is on. Sessions begin and end on whole minutes."""
    return _is_open(sessions, now_ns // MINUTE_NS)


@lru_cache(maxsize=64)
def _is_open(sessions: tuple[Session, ...], minute: int) -> bool:
    moment = days.local(minute * MINUTE_NS)
    # The hours after midnight belong to the session of the evening before: there are some on
    # Saturday, and none on Monday.
    belongs_to = (moment.weekday() - (moment.hour < 6)) % 7
    return belongs_to < 5 and _within(sessions, f"{moment:%H:%M}")


def _within(sessions: Iterable[Session], clock: str) -> bool:
    return any(
        opens <= clock < closes if opens < closes else clock >= opens or clock < closes
        for opens, closes in sessions
    )
