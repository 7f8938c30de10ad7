"""What all parts of a client have in common."""

from __future__ import annotations

from dataclasses import dataclass

from .. import links
from ..endpoints import Addresses
from ..errors import ConfigError
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


def check(addresses: Addresses, keys: Keys | None) -> None:
    """Raises ConfigError before any socket is made."""
    for name in addresses.__struct_fields__:
        address = getattr(addresses, name)
        if isinstance(address, str) and links.is_tcp(address) and keys is None:
            raise ConfigError(f"{name}: {address} needs keys: Client(…, keys=Keys(folder, role))")
