"""The section ``recorder`` of the group's file."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from .store.config import StoreConfig

_MEMBER: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,15}")

StreamName = Literal[
    "ticks", "order_events", "trade_events", "orders", "trades", "assets", "positions"
]
STREAMS: Final[tuple[StreamName, ...]] = (
    "ticks",
    "order_events",
    "trade_events",
    "orders",
    "trades",
    "assets",
    "positions",
)


class RecorderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recorder, or several that record the same for safety.

    folder       of everything that is recorded; empty: ``recorder`` under ``data``. A member's has
                 its name behind a point
    instruments  subscribed at the front; what anybody else subscribes is recorded in any case
    streams      which of the seven run, until a call starts or stops one
    batch_s      what came is written after this time at the latest: the most that a crash can lose
    keep_days    so many days of ticks stay
    min_free_mb  below it the oldest days go; at twice as much there is a warning
    history_mb   memory for ticks that were asked for, encoded
    members      names of further recorders
    """

    folder: str = ""
    instruments: list[str] = []
    streams: tuple[StreamName, ...] = STREAMS
    batch_s: Annotated[float, Meta(ge=0.01, le=10)] = 0.2
    keep_days: Annotated[int, Meta(ge=1)] = 30
    min_free_mb: Annotated[int, Meta(ge=0)] = 1024
    history_mb: Annotated[int, Meta(ge=0, le=65_536)] = 256
    members: list[str] = []
    store: StoreConfig = StoreConfig()

    def __post_init__(self) -> None:
        for name in self.instruments:
            if not name or "/" in name or "\0" in name:
                raise ValueError(f"instruments: {name!r} is no instrument")
        for member in self.members:
            _check_member(member)


def as_member(config: RecorderConfig, member: str) -> RecorderConfig:
    """The section as the recorder of this name reads it. Raises ValueError."""
    if not member:
        return config
    _check_member(member)
    folder = f"{config.folder}.{member}" if config.folder else ""
    return msgspec.structs.replace(config, folder=folder)


def _check_member(member: str) -> None:
    if not _MEMBER.fullmatch(member):
        raise ValueError(f"members: {member!r} is not 1 to 16 of a-z, 0-9 and _")
