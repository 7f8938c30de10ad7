"""What all parts of a client have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ..endpoints import Addresses
from ..security import Keys


@dataclass
class Counters:
    """Messages by what became of them.

    healed  came once more because they had been lost on the way
    lost    could not be had again, as far as anybody knows how many
    slow    were left out because the program did not take them
    """

    healed: int = 0
    lost: int = 0
    slow: int = 0


@dataclass(frozen=True)
class Way:
    """To the workers. ``heal``: what is lost on it is asked for once more."""

    addresses: Addresses
    keys: Keys | None
    counters: Counters
    heal: bool
