"""What server and services describe, as the figures of ``bus.stats``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

# Lengths and states of now; everything else counts from the start.
_LEVELS: Final = frozenset(
    {
        *("connections", "quote_subscribed", "quote_stale", "quote_front_up", "login_waiting"),
        "window_refuses_s",
        *("access_serials", "access_serials_heard_s"),
        *(f"trade_accounts_{name}" for name in ("ready", "unheard", "order_events")),
        *(f"trade_accounts_{name}" for name in ("trade_events", "answers")),
        "trade_pushed_to",
    }
)
_SUMMED: Final = "accounts"
# Counters by a kind. The last two are of now, by user.
_KINDS: Final = ("requests", "replies", "codes_of", "sessions_of")


class Figures(NamedTuple):
    counters: dict[str, int]
    levels: dict[str, int]
    kinds: dict[str, dict[str, int]]


def figures(described: Mapping[str, Any]) -> Figures:
    """What a service describes is told under its name: "quote_ticks". Accounts are told together,
    since names of figures become labels of metrics, which name none."""
    told = Figures({}, {}, {})
    for name, value in _flat(described):
        if isinstance(value, dict):
            told.kinds[name] = value
        elif name in _LEVELS:
            told.levels[name] = told.levels.get(name, 0) + int(value)
        else:
            told.counters[name] = told.counters.get(name, 0) + int(value)
    return told


def _flat(described: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in described.items():
        if isinstance(value, Mapping) and name not in _KINDS:
            parts = value.values() if name == _SUMMED else (value,)
            for inner, each in chain.from_iterable(map(_flat, parts)):
                yield f"{name}_{inner}", each
        elif isinstance(value, Mapping | int):
            yield name, value
