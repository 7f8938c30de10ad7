"""What a socket asks for in the query of its URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .config import WsConfig
from .envelope import Style

# They change what a market data client sees of webctp's own messages, so "all" is without them.
_APART = frozenset({"gap", "stale"})
NOTICES = frozenset({"front", "status", "error", "all"}) | _APART
_ON = frozenset({"1", "on", "true", "yes"})


class Options(NamedTuple):
    """``notices`` is a subset of NOTICES; ``outcomes``: every insertion is answered by what became
    of it; ``seq``: returns carry their place."""

    style: Style = Style()
    notices: frozenset[str] = frozenset()
    heartbeat: bool = False
    outcomes: bool = False
    seq: bool = False

    def wants(self, notice: str) -> bool:
        return notice in self.notices or ("all" in self.notices and notice not in _APART)


def read_options(
    query: Mapping[str, Sequence[str]], config: WsConfig, binary: bool = False
) -> Options:
    """From the parsed query (all values of each key) over the configured defaults. What is not
    known is ignored, keys and values alike. ``binary``: by the sub-protocol."""

    def switch(key: str, default: bool) -> bool:
        values = query.get(key)
        return values[-1].lower() in _ON if values else default

    full = query.get("envelope", [config.envelope])[-1] == "full"
    notices: frozenset[str] = frozenset(config.notices)
    if "notices" in query:
        notices = frozenset(",".join(query["notices"]).split(",")) & NOTICES
    return Options(
        Style(full, switch("dialect", config.dialect), binary),
        notices,
        switch("heartbeat", config.heartbeat),
        switch("outcomes", config.outcomes),
        switch("seq", config.seq),
    )
