"""Addresses of fronts, as they stand in a configuration."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"(tcp|ssl|sim)://.+")


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
