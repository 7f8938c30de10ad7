"""Addresses of fronts, as they stand in a configuration."""

from __future__ import annotations

import importlib
import re
from typing import Final

_ADDRESS: Final = re.compile(r"(tcp|ssl|sim)://.+")
_REPLAY: Final = "replay://"


def addresses(front: str | list[str]) -> list[str]:
    """The key ``front`` as a list. Raises ValueError, fit to leave a Struct's __post_init__.

    Not a ``msgspec.Meta(pattern=…)``: two Structs with one inside a list, both loaded by the same
    process, make msgspec 0.22 crash when the interpreter ends (its issue 717).
    """
    listed = [front] if isinstance(front, str) else front
    wrong = [address for address in listed if not _ADDRESS.fullmatch(address)]
    if wrong or not listed:
        found = f", not {wrong[0]!r}" if wrong else ""
        raise ValueError(f"front: expected tcp://…, ssl://… or sim://…{found}")
    return listed


def md_addresses(front: str | list[str]) -> list[str]:
    """The same for market data, where a recorded day may stand instead; whether it is there is
    checked too, as far as that takes no time."""
    if isinstance(front, list) and len(front) == 1:
        front = front[0]
    if isinstance(front, str) and front.startswith(_REPLAY):
        try:
            importlib.import_module("replay.folder").check(front)
        except (ValueError, OSError) as exc:
            raise ValueError(f"front: {exc}") from None
        return [front]
    if isinstance(front, list) and any(address.startswith(_REPLAY) for address in front):
        raise ValueError("front: replay://… stands alone")
    return addresses(front)
